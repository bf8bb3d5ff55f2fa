"""llm-open: dialogues against a server that takes 50 ms and has no limit, 512 in flight, every answer stored; server and client each on a core of its own.
Beside it wrk on the client's core, with one request of the same length over and over."""
import json
import os
import re
import shutil
import subprocess
import time
import zlib

import llmbench as llm

IN_FLIGHT, DIALOGUES = 512, 2000
cores = sorted(os.sched_getaffinity(0))[:2]
if len(cores) < 2:
    print("llm-open: one core only: server and client share it")
llm.raise_descriptors()
with llm.Server("--latency", "50", cpu=cores[0]) as s:
    folder = llm.project(s.port, DIALOGUES, in_flight=IN_FLIGHT)
    run = llm.Run(folder, cpu=cores[-1])
    seen = []
    while run.alive():
        seen.append((time.monotonic(), s.stats()["requests"]))
        time.sleep(0.2)
    run.wait()
    requests = s.stats()["requests"]
    # Without the start and the last dialogues, when fewer than 512 are left.
    part = [(t, n) for t, n in seen if 0.1 * requests <= n <= 0.7 * requests]
    rate = (part[-1][1] - part[0][1]) / (part[-1][0] - part[0][0])
    print(f"llm-open: {requests:,} requests in {run.seconds:.1f} s, {run.mb:.0f} MB")
    llm.line("llm-open", rate, "/s", 6000, False)
    llm.line("llm-open-cpu", run.cpu_s * 1000 / requests, "ms", 0.2, True)
    if shutil.which("wrk"):
        row = llm.kit.open_store(run.work).execute(f"SELECT sent FROM answer ORDER BY length(sent) LIMIT 1 OFFSET {requests // 2}").fetchone()
        body = json.dumps({**json.loads(zlib.decompress(row[0])), "model": "wrk", "seed": 1}, ensure_ascii=False)
        lua = os.path.join(folder, "post.lua")
        with open(lua, "w") as f:
            f.write(f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[{body}]==]\n')
        out = subprocess.run(["wrk", "-t1", f"-c{IN_FLIGHT}", "-d8s", "-s", lua, f"http://127.0.0.1:{s.port}/v1/chat/completions"],
                             capture_output=True, text=True, preexec_fn=llm.pinned(cores[-1])).stdout
        theirs = float(re.search(r"Requests/sec:\s*([\d.]+)", out).group(1))
        print(f"llm-open: wrk, one request of {len(body.encode()):,} bytes over and over, nothing stored: {theirs:,.0f}/s; taf {rate / theirs:.2f} of it")
    else:
        print("llm-open: no wrk beside it (apt install wrk)")
