#!/usr/bin/env bash
# Installs, builds and starts an auth-service of one's own in ./demo, with an administrator and a
# user, and prints commands to try it with. Ctrl-C stops it; run it again to start it again.
#   ./quickstart.sh [--port N]      127.0.0.1:8000 unless told otherwise; 0: any free port
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/packages.sh

port=8000
while [ $# -gt 0 ]; do
  case "$1" in
    --port=*) port=${1#--port=}; shift ;;
    --port) port=${2:-}; shift $(($# < 2 ? 1 : 2)) ;;
    -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) printf 'usage: ./quickstart.sh [--port N]\n' >&2; exit 2 ;;
  esac
done
if ! [[ $port =~ ^[0-9]{1,5}$ ]] || [ "$((port = 10#$port))" -gt 65535 ]; then
  printf 'quickstart.sh: --port takes a number from 0 to 65535\n' >&2
  exit 2
fi

program=build/release/easyjwt
credentials=demo/credentials.txt
log=demo/service.log
service=

check_port() {
  if [ "$port" -ne 0 ] && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    die "port $port of 127.0.0.1 is taken; choose another: ./quickstart.sh --port 8001"
  fi
}

random_password() { head -c 18 /dev/urandom | base64 | tr '+/' '-_'; }

# The project is made under another name and renamed once its administrator is there: what an
# interrupted run leaves behind is never taken for a finished one.
make_demo() {
  if [ -e "$credentials" ]; then
    say "demo: it is there; its passwords are in $credentials"
    return
  fi
  [ ! -e demo ] || die "./demo is there, but not from this script (no $credentials); move it away"
  say "demo: making an auth-service project with an administrator"
  rm -rf build/demo.new
  "$program" startproject auth build/demo.new
  (
    umask 077
    printf "ADMIN_EMAIL='%s'\nADMIN_PASSWORD='%s'\nEMAIL='%s'\nPASSWORD='%s'\n" \
      admin@example.com "$(random_password)" user@example.com "$(random_password)" \
      >build/demo.new/credentials.txt
  )
  source build/demo.new/credentials.txt
  "$program" --config build/demo.new/easyjwt.toml migrate
  EASYJWT_SUPERUSER_EMAIL=$ADMIN_EMAIL EASYJWT_SUPERUSER_PASSWORD=$ADMIN_PASSWORD \
    "$program" --config build/demo.new/easyjwt.toml createsuperuser --noinput
  mv -T build/demo.new demo
}

start_service() {
  (umask 077 && : >"$log")
  "$program" --config demo/easyjwt.toml runserver "127.0.0.1:$port" >>"$log" 2>&1 &
  service=$!
  while ! url=$(grep -m1 -oE '^listening on https?://[^ ]+' "$log"); do
    if ! kill -0 "$service" 2>/dev/null; then
      cat "$log" >&2
      die "the service did not start"
    fi
    sleep 0.05
  done
  url=${url#listening on }
}

# Passwords go to curl on its standard input: an argument can be read by everyone on the machine.
post() {
  local answer
  answer=$(curl -s -o /dev/null -w '%{http_code}' --json @- "$url$1") || true
  printf '%s' "$answer"
}

make_user() {
  local body status
  body=$(printf '{"email": "%s", "password": "%s"}' "$EMAIL" "$PASSWORD")
  if [ "$(post /auth/token/ <<<"$body")" = 200 ]; then return; fi
  status=$(post /auth/create-user/ <<<"$body")
  case "$status" in
    201) ;;
    400) say "note: $EMAIL no longer has the password of $credentials" ;;
    *) die "the user could not be made: POST /auth/create-user/ answered $status" ;;
  esac
}

# The lines to try are the README's own, between its two marks.
print_lines() {
  cat <<TEXT

The auth-service listens on $url (its log: $log).

  administrator  $ADMIN_EMAIL  $ADMIN_PASSWORD
  user           $EMAIL  $PASSWORD

Paste this into another terminal:

URL=$url
EMAIL='$EMAIL'
PASSWORD='$PASSWORD'
ADMIN_EMAIL='$ADMIN_EMAIL'
ADMIN_PASSWORD='$ADMIN_PASSWORD'
TEXT
  sed -n '/^<!-- lines to try: begin -->$/,/^<!-- lines to try: end -->$/p' README.md |
    grep -vE '^(<!--.*|```.*)$'
  printf '\nready: %s (Ctrl-C stops it)\n' "$url"
}

stop_service() {
  trap '' INT TERM
  if [ -n "$service" ]; then
    printf '\n'
    say "stopping"
    kill -TERM "$service" 2>/dev/null || true
    wait "$service" || die "the service stopped with code $?; its log: $log"
    say "stopped"
  fi
  exit 0
}

check_port
install_packages "${build_packages[@]}" "${run_packages[@]}"
say "build: $program (some minutes the first time)"
cmake --preset release
cmake --build --preset release --target easyjwt -j "$(nproc)"
make_demo
source "$credentials"

trap stop_service INT TERM
trap '[ -z "$service" ] || kill -TERM "$service" 2>/dev/null || true' EXIT
start_service
make_user
print_lines
code=0
wait "$service" || code=$?
service=
die "the service ended by itself with code $code; its log: $log"
