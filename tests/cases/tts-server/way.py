"""Limits and failures on the way, with sound to be made; and an end in the middle of it all."""
import http.client
import json
import threading
import time

from client import SLOW
from tts import Server, check, details, ending, generate, speech

with Server("--rpm", "3", "--minute", "3000") as s:
    got = [generate(s, seed=i) for i in range(5)]
    check("rpm", [g[0] for g in got] == [200] * 3 + [429] * 2, [g[0] for g in got])
    check("rpm-says", int(got[4][1]["Retry-After"]) >= 1 and "Rate limit" in json.loads(got[4][2])["detail"], got[4][2])
with Server("--cpm", "60") as s:
    got = [speech(s, "话" * 25, seed=i) for i in range(3)]
    check("cpm", [g[0] for g in got] == [200, 200, 429] and got[1][1]["x-ratelimit-remaining-characters"] == "10"
          and json.loads(got[2][2])["error"]["type"] == "rate_limit_error", (got[2][2], dict(got[1][1])))
    check("cpm-counted", s.stats()["limited"]["characters"] == 1)
with Server("--auth", "k", "--quota-after", "1") as s:
    check("auth", speech(s)[0] == 401 and speech(s, headers={"Authorization": "Bearer k"})[0] == 200)
    check("quota", speech(s, headers={"Authorization": "Bearer k"})[0] == 429)
with Server("--latency", "700", "--concurrency", "1") as s:
    threads = [threading.Thread(target=generate, args=(s,)) for _ in range(2)]
    start = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check("concurrency", s.stats()["limited"]["concurrency"] == 1 and time.monotonic() - start >= 0.69, s.stats()["limited"])
with Server("--drip-rate", "200000") as s:
    whole = generate(s)[2]
    for switch, wanted in {"hang": "timeout", "reset": "reset", "reset-mid": "reset", "truncate": "truncated"}.items():
        s.switch(**{switch: 100})
        got = ending(s, timeout=1 / SLOW if switch == "hang" else 30)
        check(f"fail-{switch}", got == wanted, got)
        s.switch(**{switch: 0})
    for _ in range(int(100 * SLOW)):
        if s.stats()["in_flight"] == 0:
            break
        time.sleep(0.05)
    check("hang-gone", s.stats()["in_flight"] == 0)
    s.switch(drip=100)
    start = time.monotonic()
    check("drip", generate(s)[2] == whole and time.monotonic() - start > len(whole) / 200000 / 2)
    s.switch(drip=0, html=100)
    status, headers, data = generate(s)
    check("html", status == 200 and headers["Content-Type"].startswith("text/html") and data.startswith(b"<!DOCTYPE"), data[:80])
    s.switch(html=0, wrong_type=100)
    status, headers, data = generate(s)
    check("wrong-type", status == 200 and headers["Content-Type"].startswith("text/plain") and data == whole, headers["Content-Type"])
    s.switch(wrong_type=0, bad_json=100)
    status, headers, data = generate(s)
    try:
        json.loads(data)
        check("bad-json", False, data)
    except ValueError:
        check("bad-json", status == 200 and headers["Content-Type"] == "application/json")
    s.switch(bad_json=0, fail_status="500=100")
    status, _, data = generate(s)
    check("status-500", status == 500 and isinstance(json.loads(data)["detail"], str), data)
    check("status-500-speech", json.loads(speech(s)[2])["error"]["type"] == "server_error")
    s.switch(fail_status="422=100")
    status, _, data = generate(s)
    check("status-422", status == 422 and details(data) == {("body",): "value_error"}, data)
    s.switch(fail_status="500=50")
    s.reset()
    first = [generate(s, ["好。"], i)[0] for i in range(60)]
    second = [generate(s, ["好。"], i)[0] for i in range(60)]
    check("retry", 15 <= first.count(500) <= 45 and any(a == 500 and b == 200 for a, b in zip(first, second)), first.count(500))
    s.switch(fail_status="")
    # Sound is made beside the loop: many at once are all answered, and the same as one by one.
    one_by_one = {i: generate(s, seed=i)[2] for i in range(8)}
    at_once = {}
    threads = [threading.Thread(target=lambda i=i: at_once.update({i: generate(s, seed=i % 8)[2]})) for i in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check("at-once", len(at_once) == 40 and all(at_once[i] == one_by_one[i % 8] for i in at_once), len(at_once))
    s.switch(down_from=0, down_for=1.5)
    check("down", ending(s) == "refused")
    back = "refused"
    for _ in range(int(200 * SLOW)):
        back = ending(s)
        if back == 200:
            break
        time.sleep(0.05)
    check("up-again", back == 200, back)

# --- Ended in the middle of it all: cleanly, whatever is waiting, dripping, hanging, being spoken or just arriving ---
with Server("--latency", "0-400", "--hang", "10", "--drip", "10", "--reset-mid", "10", "--long", "10", "--bomb", "10") as s:
    stop = threading.Event()

    def storm(n):
        i = n * 1000000
        while not stop.is_set():
            i += 1
            try:
                ending(s, timeout=2, seed=i)
            except (OSError, http.client.HTTPException):
                pass
    threads = [threading.Thread(target=storm, args=(n,)) for n in range(20)]
    for t in threads:
        t.start()
    time.sleep(1)
    s.process.terminate()
    status = s.process.wait(60 * SLOW)
    stop.set()
    for t in threads:
        t.join()
    check("ended-amidst", status == 0, status)
