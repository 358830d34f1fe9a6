#!/usr/bin/python3
"""How long it takes from a revocation until services that judge tokens themselves refuse the token.

    bench/feed.py build/bench [--followers N] [--rate N] [--seconds S]

An auth-service with the revocation feed on, and N followers (bench_follow, the library's Authenticator) in
one process; all share both cores. RATE logins a second are ended in the database (those of a Django beside
us, say), in transactions of ten; of each transaction every follower is asked about one token until it
refuses. The time counts from the COMMIT.
"""
import argparse, base64, hashlib, hmac, json, os, shutil, sqlite3, subprocess, tempfile, time

from service import Service, cpu_seconds

KEY = "d577273ff885c3f84dadb8578bb40000"  # of bench/service.py's auth-service


def token(sid):
    part = lambda value: base64.urlsafe_b64encode(value).rstrip(b"=")
    now = int(time.time())
    signed = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(
        {"token_type": "access", "exp": now + 3600, "iat": now, "jti": sid, "user_id": 1, "sid": sid}).encode())
    return (signed + b"." + part(hmac.new(KEY.encode(), signed, hashlib.sha256).digest())).decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--followers", type=int, default=100)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="easyjwt-bench-")
    program = os.path.join(options.build, "easyjwt")
    try:
        auth = Service(program, folder, easy_jwt='SESSION_CLAIM = "sid"', cores="0,1")
        added = subprocess.run(auth.command + ["clients", "add", "bench", "--scope", "feed"],
                               capture_output=True, text=True, check=True).stdout.split()
        link = sqlite3.connect(os.path.join(auth.folder, "bench.sqlite3"), timeout=10, isolation_level=None)
        link.execute("PRAGMA synchronous=FULL")
        sids = ["%032x" % (i + 1) for i in range(options.rate * options.seconds + 1)]
        later = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 86400))
        link.execute("BEGIN")
        link.executemany("INSERT INTO easyjwt_session VALUES (?, 1, ?, ?, ?, '', '', ?, NULL)",
                         [(sid, later, later, later, sid) for sid in sids])
        link.execute("COMMIT")
        followers = subprocess.Popen(
            [os.path.join(options.build, "bench/bench_follow"), "http://127.0.0.1:%d" % auth.port, added[1],
             added[3], KEY, str(options.followers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        followers.stdin.write(token(sids.pop()) + "\n")
        followers.stdin.flush()
        assert followers.stdout.readline() == "ready\n"
        before = cpu_seconds(auth.pids)
        begun = time.monotonic()
        for number in range(0, len(sids), 10):
            late = number / options.rate - (time.monotonic() - begun)
            if late > 0:
                time.sleep(late)
            link.execute("BEGIN IMMEDIATE")
            link.execute("UPDATE easyjwt_session SET ended_at = created_at WHERE id IN (%s)"
                         % ", ".join("'%s'" % sid for sid in sids[number:number + 10]))
            link.execute("COMMIT")
            followers.stdin.write("%s %d\n" % (token(sids[number]), time.monotonic_ns()))
            followers.stdin.flush()
        took = time.monotonic() - begun
        cpu = cpu_seconds(auth.pids) - before
        out, _ = followers.communicate()
        count, median, p99, most = out.split()
        print("%d followers, %d revocations a second for %.0f s, SQLite" %
              (options.followers, len(sids) / took, took))
        print("  from COMMIT to refusal: median %s ms, p99 %s ms, at most %s ms, of %s refusals" %
              (median, p99, most, count))
        print("  CPU of the auth-service: %.0f %% of a core" % (cpu / took * 100))
        auth.stop()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
