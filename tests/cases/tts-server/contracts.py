"""Both contracts: what is asked and what is answered."""
import base64
import json
import os
import shutil
import subprocess

from tts import LINES, RATE, Server, check, details, entries, generate, mp3, samples, seconds, speech

with Server("--log", "log.jsonl", "--log-bodies") as s:
    # --- ChatTTS ---
    status, headers, data = generate(s)
    got = entries(data)
    check("zip", status == 200 and headers["Content-Type"] == "application/zip" and [n for n, _ in got] == ["0.mp3", "1.mp3", "2.mp3"],
          [n for n, _ in got])
    found = [mp3(d) for _, d in got]
    check("mp3", all(f[1:] == (RATE, 1, 0) and f[0] > 10 for f in found), found)
    syllables = [17, 24, 2]
    rates = [n / (seconds(d) - 0.3) for n, (_, d) in zip(syllables[:2], got)]
    check("pace", all(3.6 < r < 5.4 for r in rates) and seconds(got[2][1]) < 1.6, (rates, seconds(got[2][1])))
    check("same-again", generate(s)[2] == data)
    alone = entries(generate(s, [LINES[1]])[2])
    check("same-alone", alone == [("0.mp3", got[1][1])], len(alone))
    others = {generate(s, **change)[2] for change in ({"seed": 8}, {"temperature": 0.5}, {"top_P": 0.6}, {"prompt": "[speed_4]"})}
    check("others", len(others) == 4 and data not in others)
    fast, slow = (seconds(entries(generate(s, prompt=p)[2])[1][1]) for p in ("[speed_9]", "[speed_1]"))
    check("speed", fast * 1.25 < slow, (fast, slow))
    check("spk-emb", generate(s, seed=None, spk_emb="abc")[0] == 200 and generate(s, seed=None, spk_emb=[[0.5, 1]])[2] !=
          generate(s, seed=None, spk_emb=[[0.5, 2]])[2])
    spaced = entries(generate(s, [" ".join(LINES[2])])[2])[0][1]
    check("spaced", abs(seconds(spaced) - seconds(got[2][1])) < 0.3)
    check("empty-text", entries(generate(s, ["", "。"])[2])[0][1][:1] == b"\xff")
    for name, body, wanted in (
            ("json", b"{", {("body",): "json_invalid"}),
            ("nothing", {}, {("body", "text"): "missing", ("body", "params_infer_code"): "missing"}),
            ("text", {"text": "x", "params_infer_code": {}}, {("body", "text"): "list_type"}),
            ("texts", {"text": ["x", 3], "params_infer_code": {}}, {("body", "text", 1): "string_type"}),
            ("no-text", {"text": [], "params_infer_code": {}}, {("body", "text"): "value_error"}),
            ("types", {"text": ["x"], "use_decoder": "perhaps", "params_infer_code": {"top_K": "a", "temperature": "b"}},
             {("body", "use_decoder"): "bool_type", ("body", "params_infer_code", "top_K"): "int_type",
              ("body", "params_infer_code", "temperature"): "float_type"}),
            ("stream", {"text": ["x"], "stream": True, "params_infer_code": {}}, {("body", "stream"): "value_error"})):
        status, _, why = s.call("POST", "/generate_voice", body)
        check(f"422-{name}", status == 422 and details(why) == wanted, (status, why))
    instances = json.loads(s.call("GET", "/status")[2])["instances"]
    check("status", set(instances) == {"0", "1"} and instances["0"]["busy"] is False, instances)
    check("ready", json.loads(s.call("GET", "/ready")[2]) == {"status": "ready", "instances": 2})
    s.switch(no_ready=True, no_status=True)
    check("no-routes", s.call("GET", "/ready")[0] == 404 and s.call("GET", "/status")[0] == 404)
    s.switch(no_ready=False, no_status=False, ready_after=1000000, instances=3)
    check("loading", json.loads(s.call("GET", "/status")[2]) == {"instances": {}} and generate(s)[0] == 503
          and json.loads(s.call("GET", "/ready")[2]) == {"status": "initializing"} and speech(s)[0] == 503)
    s.switch(ready_after=0, not_ready=True)
    check("not-ready", json.loads(s.call("GET", "/status")[2]) == {"instances": {}} and generate(s)[0] == 503)
    s.switch(not_ready=False)
    check("loaded", len(json.loads(s.call("GET", "/status")[2])["instances"]) == 3 and generate(s)[0] == 200)
    s.switch(dummy_first=True)
    twice = entries(generate(s)[2])
    check("dummy-first", [n for n, _ in twice] == ["0.mp3", "1.mp3", "2.mp3"] * 2 and all(seconds(d) < 0.25 for _, d in twice[:3])
          and twice[3:] == got, [n for n, _ in twice])
    s.switch(dummy_first=False)

    # --- OpenAI ---
    kinds = {"mp3": ("audio/mpeg", b"\xff"), "wav": ("audio/wav", b"RIFF"), "flac": ("audio/flac", b"fLaC"), "opus": ("audio/ogg", b"OggS"),
             "pcm": ("audio/pcm", b"")}
    files = {form: speech(s, form=form) for form in kinds}
    check("formats", all(files[f][0] == 200 and files[f][1]["Content-Type"] == kind and files[f][2].startswith(head)
                         for f, (kind, head) in kinds.items()), {f: files[f][2][:8] for f in files})
    rate, channels, v = samples(files["wav"][2])
    check("wav", rate == RATE and channels == 1 and files["wav"][2][44:] == files["pcm"][2] and 4 < len(v) / rate < 8, len(v))
    check("mp3-length", 0 <= seconds(files["mp3"][2]) - len(v) / rate < 0.2, (seconds(files["mp3"][2]), len(v) / rate))
    if shutil.which("ffmpeg"):  # a decoder that is not ours
        for form in kinds:
            raw = ["-f", "s16le", "-ar", str(RATE), "-ac", "1"] if form == "pcm" else []
            out = subprocess.run(["ffmpeg", "-v", "error", *raw, "-i", "pipe:0", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "pipe:1"],
                                 input=files[form][2], capture_output=True)
            check(f"decodes-{form}", not out.stderr and abs(len(out.stdout) / 2 - len(v)) < 0.1 * RATE, (out.stderr, len(out.stdout)))
    check("mp3-default", s.call("POST", "/v1/audio/speech", {"model": "m", "input": LINES[1], "voice": "nova"})[1]["Content-Type"]
          == "audio/mpeg")
    check("other-path", s.call("POST", "/audio/speech", {"model": "m", "input": LINES[1], "voice": "nova", "response_format": "wav"})[2]
          == files["wav"][2])
    check("instructions", speech(s, instructions="很着急")[2] != files["wav"][2])
    quick = samples(speech(s, speed=2)[2])[2]
    check("speed-2", 1.7 < len(v) / len(quick) < 2.4, len(quick))
    for name, change in {"voice": {"voice": ""}, "input": {"input": " "}, "model": {"model": None}, "speed": {"speed": 9},
                         "format": {"response_format": "aiff"}, "long": {"input": "话" * 4097}}.items():
        body = {"model": "m", "input": "好", "voice": "nova", **change}
        status, _, why = s.call("POST", "/v1/audio/speech", body)
        check(f"400-{name}", status == 400 and json.loads(why)["error"]["type"] == "invalid_request_error", (status, why))
    s.switch(voices="anna, bert", formats="mp3,wav", models="m,n")
    status, _, why = speech(s)
    check("unknown-voice", status == 400 and "anna" in json.loads(why)["error"]["message"] and speech(s, voice="bert")[0] == 200, why)
    check("unknown-format", speech(s, voice="anna", form="flac")[0] == 400)
    check("unknown-model", speech(s, voice="anna", model="o")[0] == 404)
    check("voices", json.loads(s.call("GET", "/v1/audio/voices")[2]) == {"voices": ["anna", "bert"]})
    check("models", [m["id"] for m in json.loads(s.call("GET", "/v1/models")[2])["data"]] == ["m", "n"])
    s.switch(voices="", formats="", models="")
    for member in ("audio", "audio_base64"):
        s.switch(json_reply=member)
        status, headers, data = speech(s)
        check(f"json-{member}", headers["Content-Type"] == "application/json"
              and base64.b64decode(json.loads(data)[member]) == files["wav"][2], data[:80])
    s.switch(json_reply="", open_wav=True)
    data = speech(s)[2]
    check("open-wav", data[4:8] == data[40:44] == b"\xff" * 4 and data[44:] == files["pcm"][2], data[:44])
    s.switch(open_wav=False)
    check("nowhere", s.call("GET", "/v2")[0] == 404 and s.call("GET", "/generate_voice")[0] == 404)
    s.reset()
    generate(s), generate(s), speech(s)
    st = s.stats()
    check("stats", st["status"] == {"200": 3} and st["sounds"] == 7 and st["routes"] == {"generate_voice": 2, "speech": 1}
          and st["seen"] == 2 and st["answered_again"] == 1 and st["in_flight"] == 0 and 20000 < st["sound_ms"] < 40000
          and st["minutes"][0]["characters"] == 2 * sum(map(len, LINES)) + len(LINES[1]), st)
log = [json.loads(line) for line in open("log.jsonl")]
check("log", len(log) > 30 and all("body" in x for x in log if x["status"] == 200) and {x["texts"] for x in log if x["status"] == 200} >= {1, 3}
      and len({x["content"] for x in log if x["status"] == 200}) > 10, log[:1])
os.remove("log.jsonl")
with Server("--seed", "2") as s, Server("--seed", "3") as t:
    check("server-seed", generate(s)[2] != generate(t)[2])
with Server("--voice", "espeak") as s:
    rate, _, v = samples(speech(s)[2])
    check("espeak", rate == RATE and 2 < len(v) / rate < 12 and speech(s)[2] == speech(s)[2] and speech(s, voice="fable")[2] != speech(s)[2],
          len(v) / rate)
