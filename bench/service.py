#!/usr/bin/python3
"""CPU time per request of the service, as ratios to nginx within one run.

  bench/service.py BUILD [--seconds S] [--rounds N] [--only NAME] [--rsa] [--connections N]

BUILD is a build folder of the bench preset (build/bench). Needs wrk, nginx and taskset. The server runs
on core 0 and wrk on core 1, over 64 kept-alive connections; every pair of measurements is taken in turn
(A B A B ...) and its median is reported, in CPU time of the server's processes per request, since wall
time on a shared machine says little. What is measured:

  nginx           nginx answering the same POST with `return 200 "{}"`
  verify          POST /auth/token/verify/ of an access token
  verify-refresh  the same of a refresh token (one read of the blacklist)
  refresh         POST /auth/token/refresh/ without rotation
  user            GET /auth/user/
  rotation        POST /auth/token/refresh/ with rotation and blacklisting, durable: requests per
                  commit, and beside it a raw SQLite loop that commits 64 rotations at a time
                  (--rsa: tokens signed by RS256 instead of HS256; --connections: instead of 64)
  flood           p99 of verify, idle and under a flood of logins (server on both cores)
  idle            resident memory, and time from start to the first answer
"""
import argparse, base64, contextlib, hashlib, http.client, json, os, re, shutil, signal, socket
import statistics, subprocess, sys, tempfile, time

HZ = os.sysconf("SC_CLK_TCK")
PASSWORD = "c0rrect-Horse-battery"
HS256 = 'SIGNING_KEY = "d577273ff885c3f84dadb8578bb40000"'


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / HZ


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Nginx:
    """nginx with one worker on core 0 that answers every POST with {}."""

    def __init__(self, folder):
        self.port = free_port()
        conf = os.path.join(folder, "nginx.conf")
        with open(conf, "w") as f:
            f.write(f"""
daemon off; master_process on; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log combined buffer=64k flush=1s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 1000000000; default_type application/json;
  server {{ listen 127.0.0.1:{self.port}; location / {{ return 200 "{{}}"; }} }}
}}""")
        self.process = subprocess.Popen(["taskset", "-c", "0", "nginx", "-c", conf],
                                        stderr=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            time.sleep(0.02)
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                                  text=True).stdout.split()
        self.pids = [self.process.pid, *map(int, children)]

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Service:
    """The service on a fresh database with users 1..64, who have one password; with `url`, on that
    one, which `is_filled` where another node has been there before."""

    def __init__(self, program, folder, easy_jwt="", cores="0", threads=1,
                 url="sqlite:///bench.sqlite3", is_filled=False, signing=HS256):
        self.folder = tempfile.mkdtemp(dir=folder)
        with open(os.path.join(self.folder, "easyjwt.toml"), "w") as f:
            os.chmod(f.name, 0o600)
            f.write(f'''SECRET_KEY = "{'s' * 50}"
INSTALLED_APPS = ["easyjwt_auth", "easyjwt_auth.token_blacklist", "easyjwt_user", "admin"]
PASSWORD_UPGRADE = false
[DATABASE]
URL = "{url}"
[SERVER]
LISTEN = "127.0.0.1:0"
THREADS = {threads}
[EASY_JWT]
{signing}
{easy_jwt}
''')
        self.command = [program, "--config", os.path.join(self.folder, "easyjwt.toml")]
        if not is_filled:
            self.fill()
        self.log = os.path.join(self.folder, "log")
        started = time.monotonic()
        self.process = subprocess.Popen(["taskset", "-c", cores] + self.command + ["runserver"],
                                        stdout=subprocess.PIPE, stderr=open(self.log, "w"), text=True)
        line = self.process.stdout.readline()
        self.port = int(line.rsplit(":", 1)[1])
        self.request("GET", "/healthz")
        self.start_seconds = time.monotonic() - started
        self.pids = [self.process.pid]

    def fill(self):
        digest = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", 1)
        encoded = "pbkdf2_sha256$1$salt$" + base64.b64encode(digest).decode()
        users = [{"model": "easyjwt_user.user", "pk": i,
                  "fields": {"email": f"user{i}@example.com", "password": encoded}}
                 for i in range(1, 65)]
        fixture = os.path.join(self.folder, "users.json")
        with open(fixture, "w") as f:
            json.dump(users, f)
        subprocess.run(self.command + ["migrate"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(self.command + ["loaddata", fixture], check=True, stdout=subprocess.DEVNULL)

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = dict(headers or {})
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response.status, json.loads(data or b"null")

    def login(self, user=1):
        status, pair = self.request("POST", "/auth/token/",
                                    {"email": f"user{user}@example.com", "password": PASSWORD})
        assert status == 200, pair
        return pair

    def resident_kib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read())[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        return open(self.log).read()


def post(path, body):
    return f"""wrk.method = "POST"
wrk.path = "{path}"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[{json.dumps(body)}]]
"""


def get(path, token):
    return f'wrk.path = "{path}"\nwrk.headers["Authorization"] = "Bearer {token}"\n'


def wrk(port, script, folder, seconds, connections=64, cores="1"):
    """Requests, and requests that did not answer 2xx, and the p99 in ms."""
    name = os.path.join(folder, f"script-{port}.lua")
    with open(name, "w") as f:
        f.write(script)
    out = subprocess.run(["taskset", "-c", cores, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                          "--latency", "-s", name, f"http://127.0.0.1:{port}"],
                         capture_output=True, text=True, check=True).stdout
    requests = int(re.search(r"(\d+) requests in", out)[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    scale = {"us": 0.001, "ms": 1, "s": 1000}[p99[2]]
    return requests, int(bad[1]) if bad else 0, float(p99[1]) * scale


def cost(server, script, folder, seconds):
    """Microseconds of the server's CPU per request."""
    before = cpu_seconds(server.pids)
    requests, bad, _ = wrk(server.port, script, folder, seconds)
    if bad:
        sys.exit(f"{bad} of {requests} requests were not answered 200: nothing was measured")
    return (cpu_seconds(server.pids) - before) / requests * 1e6


def compare(title, folder, rounds, seconds, contenders, cost=cost):
    """Takes the contenders in turn; prints medians, and medians of each round's ratio to the first:
    what else the machine does comes and goes, and is the same to those of a round."""
    times = {name: [] for name, _, _ in contenders}
    for _ in range(rounds):
        for name, server, script in contenders:
            times[name].append(cost(server, script, folder, seconds))
    medians = {name: statistics.median(t) for name, t in times.items()}
    first = next(iter(times.values()))
    print(f"\n{title}")
    for name, value in medians.items():
        spread = f"{min(times[name]):.2f} to {max(times[name]):.2f}"
        ratio = statistics.median(mine / its for mine, its in zip(times[name], first))
        print(f"  {name:<16} {value:7.2f} us/request ({spread})   {ratio:5.2f} x")
    return medians


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--rsa", action="store_true")
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    program = os.path.join(options.build, "easyjwt")
    folder = tempfile.mkdtemp(prefix="easyjwt-bench-")
    wanted = lambda name: not options.only or options.only == name
    try:
        if wanted("requests"):
            bench_requests(program, folder, options)
        if wanted("rotation"):
            bench_rotation(program, folder, options)
        if wanted("flood"):
            bench_flood(program, folder, options)
        if wanted("idle"):
            bench_idle(program, folder)
    finally:
        shutil.rmtree(folder)


def bench_requests(program, folder, options):
    nginx, service = Nginx(folder), Service(program, folder)
    pair = service.login()
    body = {"token": pair["access"]}
    try:
        compare("CPU per request, 64 connections, server on one core", folder, options.rounds,
                options.seconds, [
                    ("nginx", nginx, post("/auth/token/verify/", body)),
                    ("verify", service, post("/auth/token/verify/", body)),
                    ("verify-refresh", service,
                     post("/auth/token/verify/", {"token": pair["refresh"]})),
                    ("refresh", service, post("/auth/token/refresh/", {"refresh": pair["refresh"]})),
                    ("user", service, get("/auth/user/", pair["access"])),
                ])
    finally:
        nginx.stop()
        service.stop()


def rs256():
    key = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, text=True, check=True).stdout
    return f'ALGORITHM = "RS256"\nSIGNING_KEY = {json.dumps(key)}'


def bench_rotation(program, folder, options):
    service = Service(program, folder,
                      "ROTATE_REFRESH_TOKENS = true\nBLACKLIST_AFTER_ROTATION = true",
                      cores="0,1", threads=0, signing=rs256() if options.rsa else HS256)
    raw = os.path.join(folder, "raw.sqlite3")
    rates, raws, costs = [], [], []
    for _ in range(options.rounds):
        rate, cost = rotate(options.build, service, options.seconds, options.connections)
        rates.append(rate)
        costs.append(cost)
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(raw + suffix)
        subprocess.run(["sqlite3", os.path.join(service.folder, "bench.sqlite3"),
                        f".backup {raw}"], check=True)
        subprocess.run(["sqlite3", raw, "DELETE FROM token_blacklist_blacklistedtoken; "
                        "DELETE FROM token_blacklist_outstandingtoken"], check=True)
        out = subprocess.run([os.path.join(options.build, "bench/bench_rotation"), raw, "40000"],
                             capture_output=True, text=True, check=True).stdout
        raws.append(float(out.split()[0]))
    log = service.stop()
    rate, floor = statistics.median(rates), statistics.median(raws)
    print(f"\nRefresh with rotation and blacklisting, durable (synchronous=FULL), {options.connections} connections")
    print(f"  service   {rate:8.0f} rotations/s   {statistics.median(costs):.1f} us of CPU each")
    ratios = sorted(a / b for a, b in zip(rates, raws))
    print(f"  raw loop  {floor:8.0f} rotations/s, 64 to a commit   ratio in the rounds "
          f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    print("  " + "\n  ".join(line for line in log.splitlines() if "commits" in line))


def rotate(build, service, seconds, connections=64):
    """Rotations a second, and us of the service's CPU for each."""
    tokens = [service.login(1 + i % 64)["refresh"] for i in range(connections)]
    before = cpu_seconds(service.pids)
    out = subprocess.run([os.path.join(build, "bench/bench_rotate"), str(service.port), str(seconds)],
                         input="\n".join(tokens), stdout=subprocess.PIPE, text=True, check=True).stdout
    good, bad, taken = out.split()
    if int(bad):
        sys.exit(f"{bad} rotations were not answered 200")
    return int(good) / float(taken), (cpu_seconds(service.pids) - before) / int(good) * 1e6


def rotation_script(tokens):
    listed = ", ".join(f'"{t}"' for t in tokens)
    return f"""
local queue, head, tail = {{ {listed} }}, 1, {len(tokens)}
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  local token = queue[head]
  queue[head] = nil
  head = head + 1
  return wrk.format(nil, "/auth/token/refresh/", nil, '{{"refresh": "' .. (token or "") .. '"}}')
end
function response(status, headers, body)
  local token = string.match(body, '"refresh":"([^"]+)"')
  if token then
    tail = tail + 1
    queue[tail] = token
  end
end
"""


# A request every `1 / rate` seconds over one connection, whatever the last one took: what a service
# that asks now and then sees. wrk asks as fast as it is answered, and corrects its percentiles for
# the requests that it could not send meanwhile: its p99 is the worst hundredth of the time, not of
# the requests.
PACED = """
import socket, sys, time
port, rate, seconds, request = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4].encode()
connection = socket.create_connection(("127.0.0.1", port))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
times, start = [], time.perf_counter()
for i in range(int(rate * seconds)):
    time.sleep(max(0, start + i / rate - time.perf_counter()))
    sent = time.perf_counter()
    connection.sendall(request)
    if b" 200 " not in connection.recv(4096)[:20]:
        sys.exit("a verification was not answered 200")
    times.append(time.perf_counter() - sent)
print(sorted(times)[len(times) * 99 // 100] * 1000)
"""


def paced_p99(port, token, seconds):
    """ms, of 500 verifications a second."""
    body = json.dumps({"token": token})
    request = (f"POST /auth/token/verify/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\n\r\n{body}")
    # The client that measures must not wait for a core itself; a service's clients are elsewhere.
    done = subprocess.run(["chrt", "-f", "1", sys.executable, "-c", PACED, str(port), "500", str(seconds), request],
                          capture_output=True, text=True, check=True)
    return float(done.stdout)


def bench_flood(program, folder, options):
    service = Service(program, folder, cores="0,1", threads=0)
    access = service.login()["access"]
    status, answer = service.request("POST", "/auth/create-user/",
                                     {"email": "flood@example.com", "password": "Fl00d-the-gates!"})
    assert status == 201, answer
    login = post("/auth/token/", {"email": "flood@example.com", "password": "Fl00d-the-gates!"})
    idle, flooded = [], []
    name = os.path.join(folder, "flood.lua")
    with open(name, "w") as f:
        f.write(login)
    for _ in range(options.rounds):
        idle.append(paced_p99(service.port, access, options.seconds))
        flood = subprocess.Popen(["wrk", "-t1", "-c64", f"-d{options.seconds + 2}s", "-s", name,
                                  f"http://127.0.0.1:{service.port}"], stdout=subprocess.PIPE,
                                 text=True)
        time.sleep(1)
        flooded.append(paced_p99(service.port, access, options.seconds))
        flood.communicate()
    log = service.stop()
    a, b = statistics.median(idle), statistics.median(flooded)
    print("\np99 of verify, 500 a second over one connection, server and clients on both cores")
    print(f"  idle {a:.2f} ms ({min(idle):.2f} to {max(idle):.2f})   under a flood of logins {b:.2f} ms "
          f"({min(flooded):.2f} to {max(flooded):.2f})   ratio {b / a:.2f}")
    print("  " + "\n  ".join(line for line in log.splitlines() if "hashing" in line))


def bench_idle(program, folder):
    starts, memory = [], []
    for _ in range(5):
        service = Service(program, folder, cores="0,1", threads=0)
        time.sleep(1)
        starts.append(service.start_seconds * 1000)
        memory.append(service.resident_kib() / 1024)
        service.stop()
    print(f"\nidle: {statistics.median(memory):.1f} MiB resident, "
          f"{statistics.median(starts):.0f} ms from start to the first answer")


if __name__ == "__main__":
    main()
