#!/usr/bin/env bash
# Installs what is needed, builds and runs every test. The last line is "N passed, N failed"; the
# exit code is 0 only where nothing failed.
#   ./test.sh         release, AddressSanitizer with UBSan, ThreadSanitizer, fuzz targets
#   ./test.sh quick   release alone
#   ./test.sh asan fuzz   those presets
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/packages.sh

case "${1:-all}" in
  -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
  all) suites=(release asan tsan fuzz) ;;
  quick) suites=(release) ;;
  *) suites=("$@") ;;
esac
for suite in "${suites[@]}"; do
  [[ $suite =~ ^(release|asan|tsan|fuzz)$ ]] || die "no such suite: $suite (release asan tsan fuzz)"
done

jobs=$(nproc)
passed=0
failed=0
failures=()

# A sanitizer that finds something ends the process at once, so that the test around it fails.
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
# A process that ends at once (_exit) may leave a thread that has ended and was not joined.
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:report_thread_leaks=0
if [ -x /usr/lib/llvm-14/bin/llvm-symbolizer ]; then
  export ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-14/bin/llvm-symbolizer
fi

# g++ 12's ThreadSanitizer can't start where a newer kernel spreads addresses over more bits than it
# knows; without randomisation it always can. Some containers forbid turning it off.
steady=()
if setarch "$(uname -m)" -R true 2>/dev/null; then steady=(setarch "$(uname -m)" -R); fi

fail_suite() {
  failed=$((failed + 1))
  failures+=("$1: $2")
  say "$1: FAILED: $2"
}

# Reads ctest's own summary. A skipped test is a failed one; ctest counts it among the passed, and a
# disabled one not at all.
count() {
  local suite=$1 log=$2 code=$3 line bad=0 total=0 skipped disabled
  line=$(grep -E '^[0-9]+% tests passed, [0-9]+ tests? failed out of [0-9]+' "$log" | tail -1) || true
  if [[ ! $line =~ passed,\ ([0-9]+)\ tests?\ failed\ out\ of\ ([0-9]+) ]] ||
    [ "${BASH_REMATCH[2]}" -eq 0 ]; then
    fail_suite "$suite" "ctest ran no test"
    return
  fi
  bad=${BASH_REMATCH[1]}
  total=${BASH_REMATCH[2]}
  skipped=$(grep -cE '^[[:space:]]+[0-9]+ - .*\(Skipped\)$' "$log") || true
  disabled=$(grep -cE '^[[:space:]]+[0-9]+ - .*\(Disabled\)$' "$log") || true
  passed=$((passed + total - bad - skipped))
  failed=$((failed + bad + skipped + disabled))
  if [ $((bad + skipped + disabled)) -gt 0 ]; then
    failures+=("$suite: $bad failed, $skipped skipped, $disabled disabled of $((total + disabled))")
  elif [ "$code" -ne 0 ]; then
    fail_suite "$suite" "ctest exited with $code"
  fi
}

run() {
  local suite=$1 directory=build/$1 log=build/$1/test.log code=0 started=$SECONDS wrapper=()
  # The fuzz preset has its tests in the folder of the targets.
  if [ "$suite" = fuzz ]; then directory=build/fuzz/fuzz; fi
  if [ "$suite" != release ]; then wrapper=("${steady[@]}"); fi
  say "$suite: building"
  if ! cmake --preset "$suite" || ! cmake --build --preset "$suite" -j "$jobs"; then
    fail_suite "$suite" "it does not build"
    return
  fi
  say "$suite: built in $((SECONDS - started)) s, testing"
  started=$SECONDS
  # Some tests look at times and memory, which another guest of the machine can spoil: what fails is
  # tried once more, and said.
  # Twice as many as there are cores: about half of them wait, for each other's servers and clocks.
  "${wrapper[@]}" ctest --test-dir "$directory" -j $((2 * jobs)) --timeout 300 --output-on-failure \
    --repeat until-pass:2 >"$log" 2>&1 || code=$?
  # What passed is in the log; here stands what did not, and the summary.
  grep -vE '^ *[0-9]+/[0-9]+ Test +#.* Passed |^ +Start +[0-9]+: ' "$log" || true
  count "$suite" "$log" "$code"
  grep -oE 'Test +#[0-9]+: [^ ]+ .*\*\*\*(Failed|Timeout|Exception)' "$log" | sed -E 's/ \.+/ /' | sort -u |
    while read -r line; do say "$suite: did not pass at the first try: $line"; done || true
  say "$suite: tested in $((SECONDS - started)) s"
}

# The count is the last line even where a step before the tests ends the script.
finish() {
  local code=$? failure
  trap - EXIT
  if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then
    failed=1
    failures+=("stopped before the end")
  fi
  for failure in "${failures[@]}"; do say "$failure"; done
  say "$((SECONDS / 60)) min $((SECONDS % 60)) s in all"
  echo "$passed passed, $failed failed"
  if [ "$failed" -ne 0 ]; then exit 1; fi
}
trap finish EXIT

install_packages "${build_packages[@]}" "${test_packages[@]}"
for suite in "${suites[@]}"; do run "$suite"; done
