#!/usr/bin/env bash
# Installs, builds and starts an auth-service and a client-service in ./demo, with an administrator
# and a user, and prints commands to try them with. Ctrl-C stops both; run it again to start again.
#   ./quickstart.sh [--port N]      127.0.0.1:N and N+1, 8000 and 8001 unless told otherwise; 0: any
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
if ! [[ $port =~ ^[0-9]{1,5}$ ]] || [ "$((port = 10#$port))" -gt 65534 ]; then
  printf 'quickstart.sh: --port takes a number from 0 to 65534\n' >&2
  exit 2
fi
client_port=$((port == 0 ? 0 : port + 1))

auth_program=build/release/easyjwt
client_program=build/release/examples/client_service
credentials=demo/credentials.txt
services=()

check_ports() {
  local each
  for each in "$port" "$client_port"; do
    if [ "$each" -ne 0 ] && (exec 3<>"/dev/tcp/127.0.0.1/$each") 2>/dev/null; then
      die "port $each of 127.0.0.1 is taken; choose others: ./quickstart.sh --port 8100"
    fi
  done
}

random_password() { head -c 18 /dev/urandom | base64 | tr '+/' '-_'; }

# The project is made under another name and renamed once its administrator is there: what an
# interrupted run leaves behind is never taken for a finished one.
make_demo() {
  if [ -e "$credentials" ] && [ -e demo/client ]; then
    say "demo: it is there; its passwords are in $credentials"
    return
  fi
  [ ! -e demo ] || die "./demo is there, but not from this version of the script; move it away"
  say "demo: making an auth-service with an administrator, and a client-service"
  rm -rf build/demo.new
  mkdir build/demo.new
  "$auth_program" startproject auth build/demo.new/auth
  "$client_program" startproject client build/demo.new/client
  (
    umask 077
    printf "ADMIN_EMAIL='%s'\nADMIN_PASSWORD='%s'\nEMAIL='%s'\nPASSWORD='%s'\n" \
      admin@example.com "$(random_password)" user@example.com "$(random_password)" \
      >build/demo.new/credentials.txt
  )
  source build/demo.new/credentials.txt
  "$auth_program" --config build/demo.new/auth/easyjwt.toml migrate
  EASYJWT_SUPERUSER_EMAIL=$ADMIN_EMAIL EASYJWT_SUPERUSER_PASSWORD=$ADMIN_PASSWORD \
    "$auth_program" --config build/demo.new/auth/easyjwt.toml createsuperuser --noinput
  mv -T build/demo.new demo
}

# start NAME PROGRAM PORT: demo/NAME serves; its address is in $url.
start() {
  local log=demo/$1.log service
  (umask 077 && : >"$log")
  # In a session of its own: Ctrl-C is for this script, which then ends the services in their order.
  setsid "$2" --config "demo/$1/easyjwt.toml" runserver "127.0.0.1:$3" >>"$log" 2>&1 &
  service=$!
  services+=("$service")
  while ! url=$(grep -m1 -oE '^listening on https?://[^ ]+' "$log"); do
    if ! kill -0 "$service" 2>/dev/null; then
      cat "$log" >&2
      die "the $1-service did not start"
    fi
    sleep 0.05
  done
  url=${url#listening on }
}

# Passwords go to curl on its standard input: an argument can be read by everyone on the machine.
post() {
  local answer
  answer=$(curl -s -o /dev/null -w '%{http_code}' --json @- "$auth_url$1") || true
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

The auth-service listens on $auth_url (its log: demo/auth.log),
the client-service on $url (demo/client.log).

  administrator  $ADMIN_EMAIL  $ADMIN_PASSWORD
  user           $EMAIL  $PASSWORD

Paste this into another terminal:

URL=$url
AUTH_URL=$auth_url
EMAIL='$EMAIL'
PASSWORD='$PASSWORD'
ADMIN_EMAIL='$ADMIN_EMAIL'
ADMIN_PASSWORD='$ADMIN_PASSWORD'
TEXT
  sed -n '/^<!-- lines to try: begin -->$/,/^<!-- lines to try: end -->$/p' README.md |
    grep -vE '^(<!--.*|```.*)$'
  printf '\nready: %s and %s (Ctrl-C stops them)\n' "$auth_url" "$url"
}

end_services() {
  local each
  # The client-service first: it asks the other one.
  for ((each = ${#services[@]} - 1; each >= 0; each--)); do
    kill -TERM "${services[each]}" 2>/dev/null || true
    wait "${services[each]}" || die "a service stopped with code $?; the logs: demo/*.log"
  done
  services=()
}

stop_services() {
  trap '' INT TERM
  if [ ${#services[@]} -gt 0 ]; then
    printf '\n'
    say "stopping"
    end_services
    say "stopped"
  fi
  exit 0
}

check_ports
install_packages "${build_packages[@]}" "${run_packages[@]}"
say "build: $auth_program and $client_program (some minutes the first time)"
cmake --preset release
cmake --build --preset release --target easyjwt client_service -j "$(nproc)"
make_demo
source "$credentials"

trap stop_services INT TERM
trap '[ ${#services[@]} -eq 0 ] || kill -TERM "${services[@]}" 2>/dev/null || true' EXIT
start auth "$auth_program" "$port"
auth_url=$url
make_user
export EASYJWT_EASY_JWT__REMOTE_AUTH_SERVICE_URL=$auth_url
start client "$client_program" "$client_port"
print_lines
code=0
wait -n "${services[@]}" || code=$?
die "a service ended by itself with code $code; the logs: demo/*.log"
