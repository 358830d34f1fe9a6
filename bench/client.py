#!/usr/bin/python3
"""What an authenticated request of a client-service costs in remote mode, as a ratio to nginx.

    bench/client.py build/bench [--rounds N] [--seconds S]

Auth-service and client-service (examples/client_service) are on core 0, wrk on core 1 with 64
kept-alive connections: GET /api/test/ by 64 users in turn, whose copies are there and do not change.
CPU time of both services together per request, against nginx answering a constant; beside it a bare
libcurl loop that does the GET /auth/user/ which is behind each request, with the auth-service's part.
How many connections the client-service keeps to the auth-service is told, too.
"""
import argparse, os, shutil, statistics, subprocess, sys, tempfile

from service import Nginx, Service, cpu_seconds, post, wrk


class Client:
    """examples/client_service in front of an auth-service."""

    def __init__(self, program, folder, auth):
        self.folder = tempfile.mkdtemp(dir=folder)
        config = os.path.join(self.folder, "easyjwt.toml")
        with open(config, "w") as f:
            os.chmod(f.name, 0o600)
            f.write(f'''SECRET_KEY = "{'c' * 50}"
INSTALLED_APPS = ["easyjwt_client", "easyjwt_user"]
[SERVER]
LISTEN = "127.0.0.1:0"
THREADS = 1
[EASY_JWT]
REMOTE_AUTH_SERVICE_URL = "http://127.0.0.1:{auth.port}"
''')
        self.process = subprocess.Popen(["taskset", "-c", "0", program, "--config", config, "runserver"],
                                        stdout=subprocess.PIPE, text=True,
                                        stderr=open(os.path.join(self.folder, "log"), "w"))
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.pids = [self.process.pid]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def in_turn(path, tokens):
    listed = ", ".join(f'"{t}"' for t in tokens)
    return f"""
local tokens, at = {{ {listed} }}, 0
function request()
  at = at % #tokens + 1
  return wrk.format("GET", "{path}", {{ ["Authorization"] = "Bearer " .. tokens[at] }})
end
"""


def cost(servers, script, folder, seconds):
    pids = [pid for server in servers for pid in server.pids]
    before = cpu_seconds(pids)
    requests, bad, _ = wrk(servers[0].port, script, folder, seconds)
    if bad:
        sys.exit(f"{bad} of {requests} requests were not answered 200: nothing was measured")
    return (cpu_seconds(pids) - before) / requests * 1e6


def curl(build, auth, token, count):
    """CPU of a libcurl loop and of the auth-service per request."""
    before = cpu_seconds(auth.pids)
    out = subprocess.run(["taskset", "-c", "1", os.path.join(build, "bench/bench_curl"),
                          f"http://127.0.0.1:{auth.port}/auth/user/", token, str(count)],
                         capture_output=True, text=True, check=True).stdout
    return float(out) + (cpu_seconds(auth.pids) - before) / count * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="easyjwt-bench-")
    try:
        auth = Service(os.path.join(options.build, "easyjwt"), folder)
        client = Client(os.path.join(options.build, "examples/client_service"), folder, auth)
        nginx = Nginx(folder)
        tokens = [auth.login(user)["access"] for user in range(1, 65)]
        cost([client, auth], in_turn("/api/test/", tokens), folder, 1)  # makes the copies
        contenders = {
            "nginx": lambda: cost([nginx], post("/", {}), folder, options.seconds),
            "libcurl, GET /auth/user/": lambda: curl(options.build, auth, tokens[0], 20000),
            "GET /api/test/, both services":
                lambda: cost([client, auth], in_turn("/api/test/", tokens), folder, options.seconds),
        }
        times = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, measure in contenders.items():
                times[name].append(measure())
        print("CPU per request, 64 connections; a request's token is verified at the auth-service")
        for name, mine in times.items():
            ratio = statistics.median(a / b for a, b in zip(mine, times["nginx"]))
            print(f"  {name:<30} {statistics.median(mine):7.2f} us ({min(mine):.2f} to {max(mine):.2f})"
                  f"   {ratio:5.2f} x")
        kept = subprocess.run(["ss", "-Htn", "state", "established", f"( dport = :{auth.port} )"],
                              capture_output=True, text=True, check=True).stdout.count("\n")
        print(f"  connections kept to the auth-service: {kept}")
        for server in (nginx, client, auth):
            server.stop()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
