#!/usr/bin/python3
"""What the service costs on a private PostgreSQL (Debian's, durable), as ratios within one run.

    bench/on_postgresql.py build/bench [--only rotation|nodes] [--rounds N] [--seconds S]

  rotation  refresh with rotation and blacklisting, against pgbench with the same statements in the
            same transaction shape over as many connections; all share the machine's cores
  nodes     CPU per verify and per rotation of two nodes on one database under one load, against
            one node under the same load
"""
import argparse, os, pathlib, re, shutil, statistics, subprocess, sys, tempfile, time

from service import Service, cpu_seconds, post, rotate, rotation_script

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
import postgresql  # noqa: E402

CONNECTIONS = 16  # DATABASE.POOL_SIZE
ROTATING = "ROTATE_REFRESH_TOKENS = true\nBLACKLIST_AFTER_ROTATION = true"
DURABLE = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on", "shared_buffers": "256MB",
           "max_wal_size": "1GB"}

# The statements of src/auth/token_store.cpp and the round trips of a rotation. A jti is a number of 19
# digits, all that pgbench can make, which like the service's grows with time and is random at its end.
SCRIPT = """\\set user random(1, 64)
\\set number :number + 1
\\set jti :start + :number * 1000000 + :client_id * 10000 + random(0, 9999)
\\startpipeline
BEGIN;
SELECT u.is_active, u.password, EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken WHERE token_id = \
(SELECT id FROM token_blacklist_outstandingtoken WHERE jti = :jti)), u.id \
FROM (SELECT 1) AS one LEFT JOIN "user" u ON u.id = :user;
INSERT INTO token_blacklist_outstandingtoken (jti, token, user_id, created_at, expires_at) \
VALUES (:jti, :token, NULL, NULL, :expires) ON CONFLICT (jti) DO NOTHING;
INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) \
SELECT :now, id FROM token_blacklist_outstandingtoken WHERE jti = :jti ON CONFLICT (token_id) DO NOTHING;
\\endpipeline
COMMIT;
"""


def pgbench(cluster, database, token, folder, seconds):
    """Rotations a second."""
    name = os.path.join(folder, "rotation.sql")
    with open(name, "w") as f:
        f.write(SCRIPT)
    command = [postgresql.binaries() / "pgbench", "--no-vacuum", "--protocol=prepared", f"--file={name}",
               f"--client={CONNECTIONS}", "--jobs=1", f"--time={seconds}", f"--define=token={token}",
               "--define=number=0",
               f"--define=start={int(time.time()) * 10**9}", "--define=expires=2030-01-01 00:00:00+00", "--define=now=2026-01-01 00:00:00+00",
               cluster.url(database)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    if done.returncode or not rate or (failed and int(failed[1])):
        sys.exit(f"pgbench: {done.stdout}{done.stderr}")
    return float(rate[1])


def bench_rotation(program, folder, options):
    with postgresql.Cluster(DURABLE) as cluster:
        postgresql.Database(cluster, name="bench")
        service = Service(program, folder, ROTATING, cores="0,1", threads=0, url=cluster.url("bench"))
        rates, floors, costs = [], [], []
        for _ in range(options.rounds):
            rate, cost = rotate(options.build, service, options.seconds)
            rates.append(rate)
            costs.append(cost)
            floors.append(pgbench(cluster, "bench", service.login()["refresh"], folder, options.seconds))
        service.stop()
    rate, floor = statistics.median(rates), statistics.median(floors)
    ratios = sorted(a / b for a, b in zip(rates, floors))
    print(f"\nRefresh with rotation and blacklisting on PostgreSQL, durable, {CONNECTIONS} connections")
    print(f"  service  {rate:8.0f} rotations/s  {statistics.median(costs):.1f} us of its CPU each")
    print(f"  pgbench  {floor:8.0f} rotations/s  ratio in the rounds "
          f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def load(nodes, scripts, folder, seconds):
    """CPU of all nodes per request, half of the connections and half of the load on each."""
    ends = []
    before = cpu_seconds([pid for node in nodes for pid in node.pids])
    for node, script in zip(nodes, scripts):
        name = os.path.join(folder, f"load-{node.port}.lua")
        with open(name, "w") as f:
            f.write(script)
        ends.append(subprocess.Popen(["wrk", "-t1", f"-c{64 // len(nodes)}", f"-d{seconds}s", "-s", name,
                                      f"http://127.0.0.1:{node.port}"], stdout=subprocess.PIPE, text=True))
    outputs = [end.communicate()[0] for end in ends]
    used = cpu_seconds([pid for node in nodes for pid in node.pids]) - before
    if any("Non-2xx" in output for output in outputs):
        sys.exit("not every request was answered 200: nothing was measured")
    return used / sum(int(re.search(r"(\d+) requests in", output)[1]) for output in outputs) * 1e6


def bench_nodes(program, folder, options):
    with postgresql.Cluster(DURABLE) as cluster:
        postgresql.Database(cluster, name="bench")
        nodes = [Service(program, folder, ROTATING, cores="0,1", threads=0, url=cluster.url("bench"),
                         is_filled=i > 0) for i in range(2)]
        verify = post("/auth/token/verify/", {"token": nodes[0].login()["access"]})
        costs = {}
        for _ in range(options.rounds):
            for count in (1, 2):
                costs.setdefault(("verify", count), []).append(
                    load(nodes[:count], [verify] * count, folder, options.seconds))
                scripts = [rotation_script([nodes[0].login(1 + i % 64)["refresh"] for i in range(256)])
                           for _ in range(count)]
                costs.setdefault(("rotation", count), []).append(
                    load(nodes[:count], scripts, folder, options.seconds))
        for node in nodes:
            node.stop()
    print("\nCPU of the nodes per request, one load of 64 connections")
    for name in ("verify", "rotation"):
        one, two = (statistics.median(costs[name, count]) for count in (1, 2))
        print(f"  {name:<9} one node {one:6.2f} us   two nodes {two:6.2f} us   ratio {two / one:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    program = os.path.join(options.build, "easyjwt")
    folder = tempfile.mkdtemp(prefix="easyjwt-bench-")
    try:
        for name, bench in (("rotation", bench_rotation), ("nodes", bench_nodes)):
            if options.only in ("", name):
                bench(program, folder, options)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
