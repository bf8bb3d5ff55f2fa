"""Limits, failures, delays and counts."""
import http.client
import json
import socket
import threading
import time

from client import SLOW, Server, check, ending

# --- The API ---
with Server() as s:
    status, headers, data = s.chat("你好")
    d = json.loads(data)
    check("completion", status == 200 and d["object"] == "chat.completion" and d["choices"][0]["finish_reason"] == "stop"
          and d["choices"][0]["message"]["role"] == "assistant" and d["model"] == "m", data)
    usage = d["usage"]
    check("usage", usage["prompt_tokens"] == 2 + 4 and usage["total_tokens"] == usage["prompt_tokens"]
          + usage["completion_tokens"] and usage["completion_tokens"] > 0, usage)
    check("request-id", headers["x-request-id"] and s.chat("你好")[1]["x-request-id"] != headers["x-request-id"])
    check("deterministic", s.chat("你好")[2] == data and s.chat("你好", seed=2)[2] != data)
    check("other-path", s.call("POST", "/chat/completions", {"model": "m", "seed": 1, "messages": [
        {"role": "user", "content": "你好"}]})[2] == data)
    models = json.loads(s.call("GET", "/v1/models")[2])
    check("models", models["object"] == "list" and models["data"][0]["id"], models)
    for name, body in {
            "no-json": b"{", "no-messages": {"model": "m"}, "empty": {"model": "m", "messages": []},
            "role": {"model": "m", "messages": [{"role": "boss", "content": "x"}]},
            "max-tokens": {"model": "m", "max_tokens": 0, "messages": [{"role": "user", "content": "x"}]},
            "stream": {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}}.items():
        status, _, data = s.call("POST", "/v1/chat/completions", body)
        check(f"bad-{name}", status == 400 and json.loads(data)["error"]["message"], (status, data))
    check("nowhere", s.call("GET", "/v2")[0] == 404)
    cut = json.loads(s.chat("请说一段长一点的话", max_tokens=3)[2])
    check("cut", cut["choices"][0]["finish_reason"] == "length" and cut["usage"]["completion_tokens"] == 3, cut)
    st = s.stats()
    check("stats", st["status"] == {"200": 6, "400": 6} and st["requests"] == 12 and st["seen_again"] == 3
          and st["answered_again"] == 3 and st["in_flight"] == 0 and st["tokens"]["in"] > 0
          and st["tokens_per_minute"] == st["tokens"]["in"] + st["tokens"]["out"] == st["minutes"][0]["tokens"], st)
    s.reset()
    check("reset-stats", s.stats()["requests"] == 0 and s.chat("你好")[0] == 200 and s.stats()["seen_again"] == 0)
    status, now = s.switch(rpm=7, hang="2.5", fail_status="500=2,503=1", think=True, misbehave="markup=5")
    check("switch", status == 200 and now["rpm"] == 7 and now["hang"] == 2.5 and now["fail-status"] == {"500": 2, "503": 1}
          and now["think"] is True and now["misbehave"] == {"markup": 5}, now)
    status, why = s.switch(rpm=9, nonsense=1)
    check("switch-whole", status == 400 and "nonsense" in why["error"]["message"]
          and json.loads(s.call("GET", "/switch")[2])["rpm"] == 7, why)
with Server("--seed", "2") as s, Server("--seed", "3") as t:
    check("server-seed", s.chat("你好")[2] != t.chat("你好")[2])

# --- Limits: a minute of a second ---
for window in ("fixed", "sliding", "bucket:60"):
    with Server("--rpm", "10", "--minute", "3000", "--window", window) as s:
        got = [s.chat(seed=i) for i in range(14)]
        statuses = [g[0] for g in got]
        check(f"rpm-{window}", statuses[:10] == [200] * 10 and 429 in statuses, statuses)
        refused = next(g for g in got if g[0] == 429)
        head = refused[1]
        check(f"rpm-headers-{window}", head["x-ratelimit-limit-requests"] == "10" and
              head["x-ratelimit-remaining-requests"] == "0" and head["x-ratelimit-reset-requests"]
              and int(head["Retry-After"]) >= 1 and 0 < int(head["retry-after-ms"]) <= 3000
              and json.loads(refused[2])["error"]["code"] == "rate_limit_exceeded", (dict(head), refused[2]))
        time.sleep(int(head["retry-after-ms"]) / 1000 + 0.05)
        check(f"rpm-again-{window}", s.chat(seed=50)[0] == 200)
with Server("--tpm", "1000", "--reserve") as s:
    long = "话" * 500  # 350 tokens and 4 around them
    first = s.chat(long, max_tokens=300)
    used = json.loads(first[2])["usage"]["total_tokens"]
    check("tpm-corrected", int(first[1]["x-ratelimit-remaining-tokens"]) == 1000 - used and used < 654, dict(first[1]))
    check("tpm-reserved", s.chat(long, seed=2, max_tokens=600)[0] == 429 and s.chat(long, seed=3, max_tokens=20)[0] == 200)
    check("tpm-counted", s.stats()["limited"]["tokens"] == 1)
with Server("--tpm", "1000") as s:
    check("tpm-plain", [s.chat(long, seed=i, max_tokens=900)[0] for i in range(3)] == [200, 200, 429])
with Server("--quota-after", "3") as s:
    got = [s.chat(seed=i) for i in range(5)]
    check("quota", [g[0] for g in got] == [200, 200, 200, 429, 429]
          and json.loads(got[4][2])["error"]["code"] == "insufficient_quota", got[4][2])
with Server("--auth", "sk-test", "--models", "a, m") as s:
    check("auth", s.chat()[0] == 401 and s.chat(headers={"Authorization": "Bearer sk-other"})[0] == 401
          and s.chat(headers={"Authorization": "Bearer sk-test"})[0] == 200)
    check("models-named", [m["id"] for m in json.loads(s.call("GET", "/v1/models")[2])["data"]] == ["a", "m"]
          and s.chat(model="b", headers={"Authorization": "Bearer sk-test"})[0] == 404)

# --- Failures on the way, each by itself ---
with Server("--drip-rate", "2000") as s:
    for switch, wanted in {"hang": "timeout", "reset": "reset", "reset-mid": "reset", "truncate": "truncated"}.items():
        s.switch(**{switch: 100})
        got = ending(s, timeout=1 / SLOW if switch == "hang" else 30)
        check(f"fail-{switch}", got == wanted, got)
        s.switch(**{switch: 0})
    for _ in range(int(100 * SLOW)):  # the one that hung is let go when its client has gone
        if s.stats()["in_flight"] == 0:
            break
        time.sleep(0.05)
    check("hang-gone", s.stats()["in_flight"] == 0 and s.stats()["failures"]["hang"] == 1, s.stats())
    whole = s.chat()[2]
    s.switch(drip=100)
    start = time.monotonic()
    check("drip", s.chat()[2] == whole and time.monotonic() - start > len(whole) / 2000 / 2, time.monotonic() - start)
    s.switch(drip=0, html=100)
    status, headers, data = s.chat()
    check("html", status == 200 and headers["Content-Type"].startswith("text/html") and data.startswith(b"<!DOCTYPE"), data)
    s.switch(html=0, wrong_type=100)
    status, headers, data = s.chat(seed=5)
    s.switch(wrong_type=0)
    check("wrong-type", status == 200 and headers["Content-Type"].startswith("text/plain") and data == s.chat(seed=5)[2], headers)
    s.switch(bad_json=100)
    status, headers, data = s.chat()
    try:
        json.loads(data)
        check("bad-json", False, data)
    except ValueError:
        check("bad-json", status == 200 and headers["Content-Type"] == "application/json")
    s.switch(bad_json=0, fail_status="503=100")
    check("status-503", s.chat()[0] == 503)
    # One in two fails, decided by request and attempt: a retry can succeed, and the share is right.
    s.switch(fail_status="500=25,502=25")
    s.reset()
    first = [s.chat(seed=i)[0] for i in range(200)]
    second = [s.chat(seed=i)[0] for i in range(200)]
    bad = sum(x != 200 for x in first)
    check("share", 70 <= bad <= 130 and first.count(500) > 25 and first.count(502) > 25, (bad, first.count(500)))
    check("retry", 20 <= sum(a != 200 and b == 200 for a, b in zip(first, second)) <= 90)
    st = s.stats()
    check("share-counted", st["failures"]["status"] == st["status"]["500"] + st["status"]["502"] == 400 - st["status"]["200"], st)
    s.reset()
    check("same-again", [s.chat(seed=i)[0] for i in range(200)] == first)

# --- What the model does ---
with Server() as s:
    s.switch(refuse=100)
    refusals = {s.content(seed=i) for i in range(40)}
    check("refuse", len(refusals) >= 5 and any("抱歉" in r for r in refusals) and any("I " in r for r in refusals), refusals)
    s.switch(refuse=0, filter=100)
    choice = json.loads(s.chat()[2])["choices"][0]
    check("filter", choice["finish_reason"] == "content_filter" and choice["message"]["content"] == "", choice)
    s.switch(filter=0, filter_400=100)
    status, _, data = s.chat()
    check("filter-400", status == 400 and json.loads(data)["error"]["code"] == "data_inspection_failed", data)
    s.switch(filter_400=0, long=100, long_bytes=200000)
    check("long", len(s.content().encode()) >= 200000)
    s.switch(long=0)
    plain = s.content()
    s.switch(length=100)
    choice = json.loads(s.chat()[2])["choices"][0]
    check("length", choice["finish_reason"] == "length" and plain.startswith(choice["message"]["content"]), choice)
    s.switch(length=0, think=True)
    check("think", s.content().startswith("<think>") and s.content().endswith(plain), s.content())
    s.switch(think=False, reasoning=True)
    message = json.loads(s.chat()[2])["choices"][0]["message"]
    check("reasoning", message["content"] == plain and message["reasoning_content"], message)
    s.switch(no_response_format=True)
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    check("no-response-format", s.chat(response_format=schema)[0] == 400
          and s.chat(response_format={"type": "json_object"})[0] == 200)
    s.switch(no_json_mode=True)
    check("no-json-mode", s.chat(response_format={"type": "json_object"})[0] == 400)

# --- Delay, many at once, the port closed for a while ---
with Server("--latency", "300-600") as s:
    start = time.monotonic()
    s.chat()
    check("latency", time.monotonic() - start >= 0.29)
    check("latency-words", s.switch(latency="lognormal:20,0.5")[1]["latency"] == "lognormal:20,0.5" and s.chat(seed=9)[0] == 200
          and s.switch(latency="5-2")[0] == 400)
    s.switch(latency="1500-3000")
    s.reset()
    socks = []
    for i in range(600):
        k = socket.create_connection(("127.0.0.1", s.port), timeout=60 * SLOW)
        body = json.dumps({"model": "m", "seed": i, "messages": [{"role": "user", "content": "在吗"}]}).encode()
        k.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        socks.append(k)
    good = sum(k.recv(15).startswith(b"HTTP/1.1 200") for k in socks)
    for k in socks:
        k.close()
    st = s.stats()
    check("many", good == 600 and st["in_flight_peak"] >= 300 and st["connections_peak"] >= 600, (good, st["in_flight_peak"]))
    s.switch(latency="0", concurrency=1)
    threads = [threading.Thread(target=s.chat, kwargs={"seed": i}) for i in range(2)]
    s.switch(latency="700")
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check("concurrency", s.stats()["limited"]["concurrency"] == 1, s.stats()["limited"])
    s.switch(latency="0", concurrency=0)
    kept = s.open()
    s.chat(connection=kept)
    s.switch(down_from=0, down_for=1.5)
    ends = ending(s), ending(s, connection=kept)
    check("down", ends[0] == "refused" and ends[1] in ("reset", "closed"), ends)
    back = "refused"
    for _ in range(int(200 * SLOW)):
        back = ending(s)
        if back == 200:
            break
        time.sleep(0.05)
    check("up-again", back == 200, back)

# --- Ended in the middle of it all: cleanly, whatever is waiting, dripping, hanging or just arriving ---
with Server("--latency", "0-800", "--hang", "10", "--drip", "10", "--reset-mid", "10") as s:
    stop = threading.Event()

    def storm(n):
        i = n * 1000000
        while not stop.is_set():
            i += 1
            try:
                ending(s, seed=i, timeout=2)
            except (OSError, http.client.HTTPException):
                pass
    threads = [threading.Thread(target=storm, args=(n,)) for n in range(60)]
    for t in threads:
        t.start()
    time.sleep(1)
    s.process.terminate()
    status = s.process.wait(60 * SLOW)
    stop.set()
    for t in threads:
        t.join()
    check("ended-amidst", status == 0, status)
