"""A second implementation of `taf eval metrics`, in plain Python from the definitions: reads what make.py wrote and compares every number."""
import json
import math
import re
import sys

KEYS = {"scene": "scene", "fraud": "is_fraud", "fraud_type": "fraud_type"}
CLOSED = {
    "scene": "订餐服务 咨询客服 预约服务 交通咨询 日常购物 打车服务 外卖服务".split(),
    "fraud": ["fraud", "normal"],
    "fraud_type": "投资诈骗 钓鱼诈骗 身份盗窃 彩票诈骗 银行诈骗 绑架诈骗 客服诈骗 邮件诈骗".split(),
}


def canonical(v):
    return json.dumps(v, ensure_ascii=False, sort_keys=True)


def objects(text):
    """All JSON objects that stand in a text, in order."""
    decoder, at = json.JSONDecoder(), 0
    while True:
        at = text.find("{", at)
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(text, at)
            yield value
            at = end
        except ValueError:
            at += 1


def answer(task, text):
    """'unparsable', 'invalid', or the label."""
    text = text.rsplit("</think>", 1)[-1].split("<think>", 1)[0]
    found = []
    tagged = re.findall(r"<answer>((?:(?!<answer>).)*?)(?:</answer>|$)", text, re.S)
    if tagged:
        found = [o[KEYS[task]] for o in objects(tagged[-1]) if KEYS[task] in o]
    if not found:
        found = [o[KEYS[task]] for o in objects(text) if KEYS[task] in o]
    if not found:
        return "unparsable"
    value = found[-1]
    if task == "fraud":
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            value = value.strip().lower() == "true"
        return ("fraud" if value else "normal") if isinstance(value, bool) else "invalid"
    named = [label for label in CLOSED[task] if isinstance(value, str) and label in value]
    return named[0] if len(named) == 1 else "invalid"


def wilson(k, n):
    if n == 0:
        return 0, 0, 1
    z = 1.959963984540054
    # As the roots of (p - k/n)² = z² p (1 - p) / n.
    a, b, c = 1 + z * z / n, -(2 * k / n + z * z / n), (k / n) ** 2
    root = math.sqrt(max(b * b - 4 * a * c, 0))
    return k / n, (-b - root) / (2 * a), (-b + root) / (2 * a)


def predictions():
    doc = json.load(open("by-prompt.json", encoding="utf-8"))
    for rows in doc["results"].values():
        for row in rows:
            yield None, canonical(row["prompt"]), row["prediction"]
    for line in open("by-id.jsonl", encoding="utf-8"):
        row = json.loads(line)
        yield row["id"], None, row["response"]
    for line in open("chat.jsonl", encoding="utf-8"):
        row = json.loads(line)
        yield row["custom_id"], None, row["response"]["body"]["choices"][0]["message"]["content"]
    for line in open("swift.jsonl", encoding="utf-8"):
        row = json.loads(line)
        path = "audio/" + row["audios"][0].rsplit("/", 1)[1]
        prompt = json.loads(json.dumps(row["messages"][:-1]).replace("<audio>", "<audio>%s</audio>\\n" % path))
        yield None, canonical(prompt), row["response"]


def items():
    for task, rows in json.load(open("items.json", encoding="utf-8")).items():
        for row in rows:
            name = re.search(r"audio/([0-9a-f]{12})\.mp3", canonical(row["prompt"])).group(1)
            yield {"task": task, "truth": row["answer"], "id": "%s.%s" % (name, task), "name": name, "prompt": canonical(row["prompt"])}


def scores(rows):
    """(truth, said) of each item → the numbers."""
    labels = sorted({t for t, _ in rows} | {s for _, s in rows if s not in ("missing", "unparsable", "invalid")})
    out = {"items": len(rows), "correct": sum(t == s for t, s in rows)}
    for word in ("missing", "unparsable", "invalid"):
        out[word] = sum(s == word for _, s in rows)
    out["answered"] = len(rows) - out["missing"] - out["unparsable"] - out["invalid"]
    out["accuracy"], out["accuracy_low"], out["accuracy_high"] = wilson(out["correct"], len(rows))
    classes, macro, weighted = {}, [0, 0, 0], [0, 0, 0]
    for label in labels:
        hit = sum(t == s == label for t, s in rows)
        support, predicted = sum(t == label for t, _ in rows), sum(s == label for _, s in rows)
        p, p_low, p_high = wilson(hit, predicted)
        r, r_low, r_high = wilson(hit, support)
        f1 = 2 * hit / (support + predicted)
        classes[label] = {"label": label, "support": support, "predicted": predicted, "correct": hit, "precision": p, "precision_low": p_low,
                          "precision_high": p_high, "recall": r, "recall_low": r_low, "recall_high": r_high, "f1": f1}
        for i, v in enumerate((p, r, f1)):
            macro[i] += v / len(labels)
            weighted[i] += v * support / len(rows)
    out["macro"] = dict(zip(("precision", "recall", "f1"), macro))
    out["weighted"] = dict(zip(("precision", "recall", "f1"), weighted))
    micro_p = out["correct"] / out["answered"] if out["answered"] else 0
    out["micro"] = {"precision": micro_p, "recall": out["accuracy"], "f1": 2 * out["correct"] / (out["answered"] + len(rows))}
    return out, classes


def same(path, got, want):
    if isinstance(want, dict):
        return [e for k in want for e in same("%s.%s" % (path, k), got.get(k) if isinstance(got, dict) else None, want[k])]
    good = isinstance(got, (int, float)) and abs(got - want) < 1e-12 if isinstance(want, (int, float)) else got == want
    return [] if good else ["%s is %r, not %r" % (path, got, want)]


def duration(ms):
    return "under 30 s" if ms < 30000 else "30 to 60 s" if ms < 60000 else "over 60 s"


def compare(doc):
    every = list(items())
    said = {}
    by_prompt = {i["prompt"]: i["id"] for i in every}
    for ident, prompt, text in predictions():
        said[ident or by_prompt[prompt]] = text
    manifest = {r["name"]: r for r in map(json.loads, open("rel/manifest.jsonl", encoding="utf-8"))}
    for item in every:
        item["said"] = answer(item["task"], said[item["id"]]) if item["id"] in said else "missing"
        row = manifest[item["name"]]
        item["strata"] = {"source": row["source"], "label": row["label"], "type": row.get("fraud_type", row["scene"]),
                          "duration": duration(row["duration_ms"])}
    errors = same("items", doc["items"], len(every)) + same("unmatched", doc["unmatched"], 0)
    errors += same("tasks", [t["task"] for t in doc["tasks"]], ["scene", "fraud", "fraud_type"])
    for got in doc["tasks"]:
        mine = [i for i in every if i["task"] == got["task"]]
        pairs = [(i["truth"], i["said"]) for i in mine]
        want, classes = scores(pairs)
        errors += same(got["task"], got, want)
        errors += same(got["task"] + " classes", {c["label"]: c for c in got["classes"]}, classes)
        errors += same(got["task"] + " labels", sorted(c["label"] for c in got["classes"]), sorted(classes))
        names, rows = got["confusion"]["labels"], got["confusion"]["rows"]
        for i, truth in enumerate(names):
            for k, label in enumerate(names + [None]):
                n = sum(t == truth and (s == label or (label is None and s not in names)) for t, s in pairs)
                errors += same("%s confusion %s %s" % (got["task"], truth, label), rows[i][k], n)
        strata = {(s["by"], s["value"]): s for s in got["strata"]}
        wanted = {(by, i["strata"][by]) for i in mine for by in i["strata"]}
        errors += same(got["task"] + " strata", sorted(strata), sorted(wanted))
        for by, value in wanted & set(strata):
            part = [(i["truth"], i["said"]) for i in mine if i["strata"][by] == value]
            acc, low, high = wilson(sum(t == s for t, s in part), len(part))
            errors += same("%s %s %s" % (got["task"], by, value), strata[(by, value)], {
                "items": len(part), "correct": sum(t == s for t, s in part), "accuracy": acc, "accuracy_low": low, "accuracy_high": high})
    return errors


problems = compare(json.load(open(sys.argv[1], encoding="utf-8")))
print("not ok %s: %s" % (sys.argv[2], "; ".join(problems[:5])) if problems else "ok %s" % sys.argv[2])
