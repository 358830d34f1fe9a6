# The one list of Debian 12 packages, and how they are installed. Sourced by quickstart.sh and
# test.sh; `bash scripts/packages.sh GROUP...` prints the groups build, run, test and bench.

build_packages=(
  g++ cmake ninja-build ccache pkg-config
  libboost1.81-dev libboost-json1.81-dev libssl-dev libsqlite3-dev libpq-dev libcurl4-openssl-dev
  libargon2-dev libcrypt-dev libidn2-dev libcli11-dev libtomlplusplus-dev libspdlog-dev
  libexpected-dev libkainjow-mustache-dev
  libjs-bootstrap5      # its style sheet is built into the program
  libgtest-dev          # every preset but fuzz configures the tests
  python3-django        # its list of common passwords is embedded at build time
)
run_packages=(
  curl                  # quickstart.sh talks to the service with it
  ca-certificates       # what an https:// JWK_URL is checked against
  libpq5 libcurl4       # loaded when there is a postgresql:// or a URL to fetch
)
test_packages=(
  clang-14 libclang-rt-14-dev llvm-14        # fuzz preset; llvm-14 gives stack traces their names
  python3 python3-argon2 python3-bcrypt python3-jwt python3-cryptography
  sqlite3 openssl curl
  ca-certificates                            # whom a mail server of our own is not known to
  postgresql-15 postgresql-client-15 python3-psycopg2 pgbouncer   # private ones; the machine's are left alone
  haproxy nginx-light caddy                                       # the same
  libcpp-httplib-dev                         # examples/httplib_service
  chromium chromium-driver python3-selenium                       # tests/browser
)
# Who has npm from elsewhere cannot install Debian's beside it. It fetches axe-core for tests/browser.
command -v npm >/dev/null || test_packages+=(npm)
bench_packages=(wrk nginx-light libcpp-jwt-dev libjwt-dev libcjose-dev librhonabwy-dev sqlite3
                nlohmann-json3-dev iproute2)

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# install_packages NAME...: installs what is missing, through sudo unless we are root.
install_packages() {
  local missing=() name as_root=()
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    die "this is not a Debian; on Debian 12 these packages would be needed: $*"
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
      missing+=("$name")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "packages: all $# are installed"
    return
  fi
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      die "as root, or with sudo installed, run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "packages: installing ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  for group in "$@"; do
    declare -n names="${group}_packages"
    printf '%s\n' "${names[@]}"
  done
fi
