"""llm-limit: 1,000 dialogues at an allowance of 2,000,000 tokens a minute: what share of it is used after the first minute, and that nothing is answered
429, on servers that count a minute in three ways; beside it the upstream way, two workers that wait 5 s after whatever goes wrong, on the same server."""
import http.client
import json
import sys
import threading
import time
import zlib

import llmbench as llm

ALLOWANCE = 2_000_000
MINUTES = int(sys.argv[1]) if len(sys.argv) > 1 else 4  # of each window; the first is not counted
LATENCY = "lognormal:1500,0.4"


def upstream(server, work, seconds):
    """Two workers, each with a dialogue's requests one after the other. → tokens a minute"""
    rows = llm.kit.open_store(work).execute("SELECT sent FROM answer ORDER BY item, asked LIMIT 400").fetchall()
    bodies = [json.loads(zlib.decompress(sent)) for sent, in rows]
    end = time.monotonic() + seconds

    def worker(n):
        c = http.client.HTTPConnection("127.0.0.1", int(server.port), timeout=60)
        for i, body in enumerate(bodies[n::2]):
            while time.monotonic() < end:
                try:
                    c.request("POST", "/v1/chat/completions", json.dumps({**body, "model": "upstream", "seed": i}))
                    r = c.getresponse()
                    r.read()
                    if r.status == 200:
                        break
                except (OSError, http.client.HTTPException):
                    c.close()
                time.sleep(5)
    before = sum(server.stats()["tokens"].values())
    threads = [threading.Thread(target=worker, args=(n,)) for n in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return (sum(server.stats()["tokens"].values()) - before) * 60 / seconds


for window in "fixed", "sliding", "bucket:10":
    with llm.Server("--latency", LATENCY, "--tpm", str(ALLOWANCE), "--window", window) as s:
        folder = llm.project(s.port, 1000, tokens_per_min=ALLOWANCE, in_flight=256)
        run = llm.Run(folder, "--max-time", str(MINUTES * 60 + 5))
        run.wait(0, 4)
        stats = s.stats()
        minutes = [m["tokens"] for m in stats["minutes"]]
        counted = minutes[1:MINUTES]
        if run.seconds < MINUTES * 60 or len(counted) < MINUTES - 1:
            llm.die(f"the dialogues were written after {run.seconds:.0f} s: more of them, or fewer minutes")
        refused = sum(stats["limited"].values())
        share = 100 * sum(counted) / len(counted) / ALLOWANCE
        print(f"llm-limit: {window}: tokens by minute {' '.join(f'{m:,}' for m in minutes)}; {stats['requests']:,} requests, {refused} answered 429, "
              f"{run.cpu_s * 1000 / stats['requests']:.2f} ms of CPU a request")
        llm.line(f"llm-limit-{window.split(':')[0]}", share, "%", 97, False, refused == 0)
        if window == "fixed":
            theirs = upstream(s, run.work, 60)
            print(f"llm-limit: the upstream way on this server: {theirs:,.0f} tokens a minute, {100 * theirs / ALLOWANCE:.2g}% of the allowance; "
                  f"taf is {share * ALLOWANCE / 100 / theirs:.0f} times as fast")
