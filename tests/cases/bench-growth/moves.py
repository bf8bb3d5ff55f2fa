"""What a change of the dataset did. Usage: moves.py read DB FILE: all calls that reached the benchmark, with all their fields.
moves.py same A B NAME: the calls of A are in B as they were, but for split and group. moves.py bound A B SHARE NAME: who left and entered the benchmark
against the bound of stages/bench/sample.h, stratum by stratum, computed here from the calls alone."""
import collections
import json
import sqlite3
import sys


def say(name, why):
    print("not ok %s: %s" % (name, str(why)[:400]) if why else "ok %s" % name)


def read(db, out):
    c = sqlite3.connect("file:%s?mode=ro" % db, uri=True)
    passed = 1  # enum outcome, src/core/store.h
    order = ["calls", "more", "agents", "once", "sides"]
    rows = {}
    for stage in order:
        for name, fields in c.execute("SELECT item.id, result.fields FROM memo JOIN item ON item.n = memo.item JOIN stage ON stage.n = memo.stage "
                                      "JOIN result ON result.n = memo.result WHERE stage.name = ? AND memo.outcome = ?", (stage, passed)):
            row = rows.setdefault(name, {})
            row.update(json.loads(fields))
            row["last"] = stage
    kept = {k: v for k, v in rows.items() if v["last"] == "sides"}
    json.dump(kept, open(out, "w", encoding="utf-8"), ensure_ascii=False, indent=0, sort_keys=True)
    print(len(kept), sum(v["split"] == "test" for v in kept.values()))


def families(calls):
    """id of the first call → (stratum, its calls)"""
    up = {}

    def root(x):
        up.setdefault(x, x)
        while up[x] != x:
            x = up[x]
        return x

    for name, call in calls.items():
        for other in call.get("parents", []) + ([call["group"]] if call.get("group") else []):
            up[root(other)] = root(name)
    together = collections.defaultdict(list)
    for name in sorted(calls):
        together[root(name)].append(name)
    ranks = ["asr", "published", "enhanced", "synthetic"]
    made = {}
    for names in together.values():
        first = min(names, key=lambda x: (ranks.index(calls[x]["source"]), x))
        label = calls[first]["label"]
        stratum = "%s/%s" % (json.dumps(label["is_fraud"]), label.get("fraud_type") or label.get("scene") or "-")
        made[first] = (stratum, tuple(names))
    return made


def quotas(made, share):
    """Hamilton's method; ties to the first by name."""
    calls = collections.Counter()
    for stratum, names in made.values():
        calls[stratum] += len(names)
    total = sum(calls.values())
    size = int(share * total + 0.5)
    got = {s: size * n // total for s, n in calls.items()}
    for s in sorted(calls, key=lambda s: (-(size * calls[s] % total), s.encode()))[:size - sum(got.values())]:
        got[s] += 1
    return got


def chosen(calls, made):
    test = {first for first, (_, names) in made.items() if calls[names[0]]["split"] == "test"}
    for first, (_, names) in made.items():
        if len({calls[n]["split"] for n in names}) != 1:
            say("a family is on one side", names)
    return test


def bound(a, b, share, name):
    fa, fb = families(a), families(b)
    qa, qb = quotas(fa, share), quotas(fb, share)
    ta, tb = chosen(a, fa), chosen(b, fb)
    unchanged = {f for f in fa if fb.get(f) == fa[f]}
    why, left, entered = [], 0, 0
    for part, made, quota in ((ta, fa, qa), (tb, fb, qb)):
        for s in quota:
            got = sum(len(made[f][1]) for f in part if made[f][0] == s)
            if got > quota[s]:
                why.append("%s: %d members, quota %d" % (s, got, quota[s]))
    for s in sorted(set(qa) | set(qb)):
        still = [f for f in unchanged if fa[f][0] == s]
        largest = max([len(fa[f][1]) for f in still] or [1])
        leave = sum(len(fa[f][1]) for f in still if f in ta and f not in tb)
        enter = sum(len(fa[f][1]) for f in still if f in tb and f not in ta)
        came = sum(len(fb[f][1]) for f in tb if fb[f][0] == s and f not in unchanged)
        went = sum(len(fa[f][1]) for f in ta if fa[f][0] == s and f not in unchanged)
        less = qa.get(s, 0) - qb.get(s, 0)
        if leave > came + max(0, less) + 2 * (largest - 1):
            why.append("%s: %d left, %d came, quota %d → %d, families to %d" % (s, leave, came, less + qb.get(s, 0), qb.get(s, 0), largest))
        if enter > went + max(0, -less) + 2 * (largest - 1):
            why.append("%s: %d entered, %d went, quota %d → %d, families to %d" % (s, enter, went, less + qb.get(s, 0), qb.get(s, 0), largest))
        left, entered = left + leave, entered + enter
    say(name, "; ".join(why))
    was, now = {n for n in a if a[n]["split"] == "test"}, {n for n in b if b[n]["split"] == "test"}
    print("    %d calls, %d members → %d, %d: %d stayed; of unchanged families %d left, %d entered" % (len(a), len(was), len(b), len(now), len(was & now), left, entered))


def same(a, b, name):
    changed = [n for n in a if n not in b or any(a[n].get(k) != b[n].get(k) for k in set(a[n]) | set(b[n]) if k not in ("split", "group"))]
    say(name, changed[:5])


if sys.argv[1] == "read":
    read(*sys.argv[2:4])
else:
    before, after = (json.load(open(x, encoding="utf-8")) for x in sys.argv[2:4])
    if sys.argv[1] == "same":
        same(before, after, sys.argv[4])
    else:
        bound(before, after, float(sys.argv[4]), sys.argv[5])
