"""Failures that last until something changes: what a client does about them (split, ask again, another temperature, another voice) helps, step by step."""
import json

from tts import LINES, Server, check, entries, generate, speech

WORD, BAD = "异常", LINES[1]  # stands in one of the three lines only

with Server() as s:
    # What each sound is when nothing is wrong: it depends on text, voice and temperature, not on its neighbours.
    def all_good(texts=LINES, seed=7, **code):
        return dict(zip(texts, [d for _, d in entries(generate(s, texts, seed, **code)[2])]))
    good = {(seed, t): all_good(seed=seed, temperature=t) for seed in (7, 8) for t in (0.3, 0.5)}

    def hits(texts=LINES, seed=7, temperature=0.3):
        """Which of the texts come back other than they should be; the status if it is not 200."""
        status, _, data = generate(s, texts, seed, temperature=temperature)
        if status != 200:
            return status
        return [t for t, (_, d) in zip(texts, entries(data)) if d != good[seed, temperature][t]]

    def order(**switches):
        s.switch(**{"silent": 0, "wrong-count": 0, "engine-error": 0, "where": "", "until": "", "fail-status": "", **switches})
        s.reset()

    # --- Only batches fail: split, and it is well ---
    order(engine_error=100, until="alone")
    check("batch-500", hits() == 500 and hits(LINES[:2]) == 500 and [hits([t]) for t in LINES] == [[], [], []])
    order(wrong_count=100, until="alone")
    check("batch-count", len(entries(generate(s)[2])) in (2, 4) and [hits([t]) for t in LINES] == [[], [], []])
    order(silent=100, until="alone", where=WORD)
    check("batch-where", hits() == [BAD] and hits([BAD]) == [] and hits([LINES[0], LINES[2]]) == [])

    # --- Another temperature helps: batch and alone fail as often as they are asked, other texts never ---
    order(silent=100, until="temperature", where=WORD)
    check("heat-batch", [hits(), hits()] == [[BAD], [BAD]])
    check("heat-alone", [hits([BAD]), hits([BAD]), hits([LINES[0]])] == [[BAD], [BAD], []])
    check("heat-voice", hits([BAD], seed=8) == [BAD])
    check("heat-other", hits([BAD], temperature=0.5) == [] and hits(temperature=0.5) == [])
    check("heat-back", hits([BAD]) == [BAD])
    check("heat-counted", s.stats()["answers"] == {"silent": 6}, s.stats()["answers"])

    # --- Only another voice helps ---
    order(engine_error=100, until="voice", where=WORD)
    check("voice-batch", hits() == 500 and hits([BAD]) == 500 and hits([LINES[0]]) == [])
    check("voice-heat", hits([BAD], temperature=0.5) == 500)
    check("voice-other", hits([BAD], seed=8) == [] and hits(seed=8) == [] and hits([BAD], seed=8, temperature=0.5) == [])
    check("voice-back", hits([BAD]) == 500)
    s.reset()
    check("voice-reset", hits([BAD], seed=8) == 500 and hits([BAD]) == [])
    order(fail_status="500=100", silent=100, until="voice", where=WORD)  # the first time fails on the way: it is the first time all the same
    hits()
    s.switch(fail_status="")
    check("voice-way", hits([BAD], seed=8) == [] and hits([BAD]) == [BAD])

    # --- Nothing helps ---
    order(silent=100, where=WORD)
    check("never", hits() == hits([BAD]) == hits([BAD], temperature=0.5) == hits([BAD], seed=8) == [BAD])

    # --- P percent of the texts, not of the requests: the same ones in any batch ---
    texts = [f"这是第{i}句。" for i in range(30)]
    for seed in (7, 8):
        good[seed, 0.3] = all_good(texts, seed)
    order(silent=25, short=25, until="voice")
    bad = hits(texts)
    check("share", 6 <= len(bad) <= 24 and [t for t in texts if hits([t])] == bad, len(bad))
    check("share-split", hits(texts[:15]) + hits(texts[15:]) == bad and hits(texts, seed=8) == [])
    st = s.stats()["answers"]
    check("share-counted", st["silent"] > 0 and st["short"] > 0 and st["silent"] + st["short"] == 3 * len(bad), st)
    s.switch(short=0)

    # --- The other route: voice, and a temperature where a client sends one ---
    def ends(**rest):
        return speech(s, BAD, **rest)[0]
    order(engine_error=100, until="temperature", where=WORD)
    check("speech-heat", [ends(), ends(voice="fable"), ends(temperature=0.7), ends()] == [500, 500, 200, 500])
    order(engine_error=100, until="voice", where=WORD)
    check("speech-voice", [ends(), ends(temperature=0.7), ends(voice="fable"), ends()] == [500, 500, 200, 500])
    shown = json.loads(s.call("GET", "/switch")[2])
    check("shown", shown["until"] == "voice" and shown["where"] == WORD, shown)
    status, why = s.switch(until="always")
    check("refused", status == 400 and "alone | temperature | voice" in json.dumps(why), (status, why))
    order()
    check("well-again", "until" not in json.loads(s.call("GET", "/switch")[2]) and hits(texts) == [])
