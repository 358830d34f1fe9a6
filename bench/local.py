#!/usr/bin/python3
"""What an authenticated request of a client-service costs in local mode (VERIFY_MODE "local").

    bench/local.py build/bench [--rounds N] [--seconds S]

The service (bench/local_service.cpp) judges HS256 tokens itself; 64 users in turn over 64 kept-alive
connections of wrk. CPU time of the service per request, taken in turn, medians of each round's ratio:
GET /api/open/ (AllowAny, no token sent) against GET /api/test/ with a token, the same body, on core 0
with wrk on core 1; then each with SERVER.THREADS = 1 and 2 on both cores beside wrk; and one process of
two threads against two processes of one, which share nothing: a wrk of 32 connections for each thread.
"""
import argparse, concurrent.futures, os, shutil, subprocess, sys, tempfile

from service import Service, compare, cpu_seconds, wrk

KEY = "d577273ff885c3f84dadb8578bb40000"  # of bench/service.py's auth-service


class Local:
    """A client-service in local mode in front of an auth-service."""

    def __init__(self, program, folder, auth, threads, cores):
        self.folder = tempfile.mkdtemp(dir=folder)
        config = os.path.join(self.folder, "easyjwt.toml")
        with open(config, "w") as f:
            os.chmod(f.name, 0o600)
            f.write(f'''SECRET_KEY = "{'c' * 50}"
INSTALLED_APPS = ["easyjwt_client", "easyjwt_user"]
[SERVER]
LISTEN = "127.0.0.1:0"
THREADS = {threads}
[EASY_JWT]
REMOTE_AUTH_SERVICE_URL = "http://127.0.0.1:{auth.port}"
VERIFY_MODE = "local"
SIGNING_KEY = "{KEY}"
''')
        self.process = subprocess.Popen(["taskset", "-c", cores, program, "--config", config, "runserver"],
                                        stdout=subprocess.PIPE, text=True,
                                        stderr=open(os.path.join(self.folder, "log"), "w"))
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.pids = [self.process.pid]

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Pair:
    """Two threads that serve: two processes of one, or one of both."""

    def __init__(self, *services):
        self.ports = [services[0].port, services[-1].port]
        self.pids = [pid for service in services for pid in service.pids]


def cost_of_pair(pair, script, folder, seconds):
    """Microseconds of CPU per request, each port under half of the connections."""
    folders = [os.path.join(folder, half) for half in ("first", "second")]
    for each in folders:
        os.makedirs(each, exist_ok=True)
    before = cpu_seconds(pair.pids)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda port, where: wrk(port, script, where, seconds, 32), pair.ports, folders))
    if any(bad for _, bad, _ in done):
        sys.exit("not all was answered 200: nothing was measured")
    return (cpu_seconds(pair.pids) - before) / sum(requests for requests, _, _ in done) * 1e6


def in_turn(path, tokens):
    """Whole requests, made once: wrk's own work is the same with a token and without."""
    requests = [f"GET {path} HTTP/1.1\\r\\nHost: localhost\\r\\n"
                + (f"Authorization: Bearer {token}\\r\\n" if token else "") + "\\r\\n" for token in tokens]
    listed = ", ".join(f'"{request}"' for request in requests)
    return f"""
local requests, at = {{ {listed} }}, 0
function request()
  at = at % #requests + 1
  return requests[at]
end
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="easyjwt-bench-")
    servers = []
    try:
        auth = Service(os.path.join(options.build, "easyjwt"), folder)
        program = os.path.join(options.build, "bench/bench_local_service")
        one = Local(program, folder, auth, 1, "0")
        both = [Local(program, folder, auth, threads, "0,1") for threads in (1, 2)]
        second = Local(program, folder, auth, 1, "0,1")
        servers = [one, *both, second, auth]
        tokens = [auth.login(user)["access"] for user in range(1, 65)]
        test = in_turn("/api/test/", tokens)
        compare("a client-service in local mode, core 0", folder, options.rounds, options.seconds,
                [("AllowAny", one, in_turn("/api/open/", [""])), ("with a token", one, test)])
        compare("the same with 1 and 2 threads, both cores", folder, options.rounds, options.seconds,
                [("1 thread", both[0], test), ("2 threads", both[1], test)])
        opened = in_turn("/api/open/", [""])
        compare("without a token: what the threads themselves cost", folder, options.rounds,
                options.seconds, [("1 thread", both[0], opened), ("2 threads", both[1], opened)])
        processes, threads = Pair(both[0], second), Pair(both[1])
        for title, script in (("with a token", test), ("without one", opened)):
            compare(f"two threads of one process against two processes, {title}", folder, options.rounds,
                    options.seconds, [("2 processes", processes, script), ("2 threads", threads, script)],
                    cost_of_pair)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
