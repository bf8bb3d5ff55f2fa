"""What is wrong with a sound: each switch alone, measured in samples; and that the draw is of the request."""
import io
import json
import math
import wave

from tts import LINES, RATE, Server, check, entries, generate, mp3, rms, samples, seconds, speech


def crossings(v):
    return sum(a * b < 0 for a, b in zip(v, v[1:])) / max(1, len(v))


with Server() as s:
    good = samples(speech(s)[2])[2]
    peak, loud = max(map(abs, good)), 20 * math.log10(rms(good))
    check("level", -24 < loud < -17 and 0.2 < peak < 0.95, (loud, peak))
    head, tail = rms(good[:int(0.1 * RATE)]), rms(good[-int(0.05 * RATE):])
    check("quiet-ends", head < 0.001 and tail < 0.003, (head, tail))
    blocks = [rms(good[i:i + 480]) for i in range(0, len(good), 480)]
    check("pauses", sum(b < 0.01 for b in blocks) > 12 and sum(b > 0.05 for b in blocks) > len(blocks) * 0.4, len(blocks))
    check("speech-like", 0.01 < crossings(good) < 0.2, crossings(good))

    def one(name, **rest):
        s.switch(**{name: 100})
        data = speech(s, **rest)[2]
        s.switch(**{name: 0})
        return data

    check("empty-mp3", one("empty-mp3") == b"" and one("empty-mp3", form="mp3") == b"")
    found = [samples(one("silent", seed=i))[2] for i in range(8)]
    check("silent", all(len(v) > 4 * RATE and rms(v) < 0.0003 for v in found) and len({rms(v) > 0 for v in found}) == 2, [rms(v) for v in found])
    v = samples(one("short"))[2]
    check("short", len(v) == RATE // 5, len(v))
    v = samples(one("long"))[2]
    check("long", len(v) == 10 * len(good), len(v))
    v = samples(one("clipped"))[2]
    check("clipped", sum(abs(x) > 0.999 for x in v) > len(v) * 0.1, sum(abs(x) > 0.999 for x in v) / len(v))
    v = samples(one("noise"))[2]
    check("noise", len(v) == len(good) and crossings(v) > 0.4, crossings(v))
    rate, channels, v = samples(one("stereo"))
    check("stereo", rate == RATE and channels == 2 and len(v) == 2 * len(good), (rate, channels, len(v)))
    found = [samples(one("wrong-rate", seed=i)) for i in range(8)]
    check("wrong-rate", {f[0] for f in found} == {8000, RATE} and all(abs(len(f[2]) - len(good) / 3) < RATE for f in found),
          [(f[0], len(f[2])) for f in found])
    whole = speech(s)[2]
    cut = one("truncated-mp3")
    check("truncated-wav", 44 < len(cut) < len(whole) and whole.startswith(cut), (len(cut), len(whole)))
    with wave.open(io.BytesIO(whole)) as w:
        check("whole-wav", w.getnframes() == len(good))

    v = samples(one("cut-off"))[2]
    check("cut-off", 0.2 < len(v) / len(good) < 0.75 and v[:RATE // 2] == good[:RATE // 2], len(v) / len(good))
    s.switch(engine_error=100)
    check("engine-error", [speech(s)[0], generate(s)[0]] == [500, 500] and "message" in json.loads(speech(s)[2])["error"]
          and isinstance(json.loads(generate(s)[2])["detail"], str), speech(s)[2])
    s.switch(engine_error=0)

    # In a zip one of the sounds is hit, the others are as they were.
    plain = entries(generate(s)[2])

    def torn(d, was, begins=(0, 1)):
        frames = len(was) // 192
        for whole in [frames // 2 * b for b in begins]:
            keep, rest = divmod(len(d) - whole * 192, frames - whole)
            if 40 <= keep <= 180 and rest == 0 and d == was[:whole * 192] + b"".join(
                    was[k * 192:k * 192 + keep] for k in range(whole, frames)):
                return True
        return False
    for name, wrong in {
            "empty-mp3": lambda d: d == b"", "truncated-mp3": lambda d: 0 < mp3(d)[3] < 192, "stereo": lambda d: mp3(d)[2] == 2,
            "wrong-rate": lambda d: mp3(d)[1] == 8000 or seconds(d) < 3, "short": lambda d: seconds(d) < 0.35,
            "long": lambda d: seconds(d) > 5, "torn-mp3": lambda d: any(torn(d, was) for _, was in plain),
            "cut-off": lambda d: mp3(d)[3] == 0 and any(0.2 < seconds(d) / seconds(was) < 0.8 for _, was in plain)}.items():
        s.switch(**{name: 100})
        got = entries(generate(s)[2])
        hit = [i for i in range(3) if got[i] != plain[i]]
        check(f"zip-{name}", len(hit) == 1 and [n for n, _ in got] == [n for n, _ in plain] and wrong(got[hit[0]][1]),
              (hit, [len(d) for _, d in got]))
        check(f"zip-{name}-again", entries(generate(s)[2]) == got)
        s.switch(**{name: 0})
    s.switch(torn_mp3=100, all_sounds=True)
    found = [(entries(generate(s, seed=i)[2]), i) for i in range(6)]
    s.switch(torn_mp3=0, all_sounds=False)
    found = [[(a, b) for (_, a), (_, b) in zip(got, entries(generate(s, seed=i)[2]))] for got, i in found]
    check("all-sounds", all(torn(a, b) for got in found for a, b in got))
    check("torn-kinds", {torn(*got[0], begins=(1,)) for got in found} == {True, False})
    s.switch(silent=100, where="异常")
    got = entries(generate(s)[2])
    check("where", [a == b for a, b in zip(got, plain)] == [True, False, True])
    check("where-not", entries(generate(s, [LINES[0]])[2])[0] == plain[0])

    four = LINES + ["什么异常？"]
    got = entries(generate(s, four)[2])
    s.switch(silent=0)
    check("where-all", [a == b for a, b in zip(got, entries(generate(s, four)[2]))] == [True, False, True, False])

    # P percent of the requests, again and again the same ones; another temperature, another fate.
    s.switch(silent=0, where="", short=20, empty_mp3=20)

    def fate(i, **rest):
        n = len(entries(generate(s, [f"第{i}句话有这么长。"], **rest)[2])[0][1])
        return "empty" if n == 0 else "short" if n < 2600 else "well"
    s.reset()
    first = [fate(i) for i in range(150)]
    check("share", 15 <= first.count("short") <= 48 and 15 <= first.count("empty") <= 48, (first.count("short"), first.count("empty")))
    check("same-fate", [fate(i) for i in range(150)] == first)
    check("other-fate", any(fate(i) != "well" and fate(i, temperature=0.5) == "well" for i in range(40)))
    st = s.stats()
    check("counted", st["answers"]["short"] > 30 and st["answers"]["empty-mp3"] > 30, st["answers"])
