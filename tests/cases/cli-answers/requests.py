"""`show --requests --json` says what the server saw: requests.py OUT WORK SERVER-LOG"""
import json
import sqlite3
import sys

doc = json.load(open(sys.argv[1]))
db = sqlite3.connect("file:%s/taf.db?mode=ro" % sys.argv[2], uri=True)
seen = sum(1 for _ in open(sys.argv[3]))


def check(name, good, why=""):
    print("ok json: %s" % name if good else "not ok json: %s: %s" % (name, str(why)[:400]))


stages = {s["name"]: s["requests"] for s in doc["stages"]}
check("stages", list(stages) == ["agents", "think", "say"] and not any(s["withheld"] for s in doc["stages"]), list(stages))
rows = [r for s in ("agents", "think") for r in stages[s]]
check("members", all(r["model"] == "case-model" and r["tokens_in"] > 0 and r["cost"] > 0 and r["text"] and not r["imported"] for r in rows), rows[:1])
check("thinking", any(r.get("thinking") for r in stages["think"]), stages["think"][:1])
check("order", stages["agents"][0]["step"] in ("opening", "left 1", "right 1")
      and [r["step"] for r in stages["think"]] in (["scene", "fraud"], ["scene", "fraud", "fraud_type"]), [r["step"] for r in stages["agents"] + stages["think"]])
# The history grows from question to question of one side.
sizes = [len(r["request"]["messages"]) for r in stages["agents"] if r["step"].startswith("left")]
check("history", sizes == sorted(sizes), sizes)
check("speech", all(len(r["object"]) == 64 and r["request"]["text"] for r in stages["say"]) and stages["say"][0]["step"] == "ask 1", stages["say"][:1])
count = db.execute("SELECT count(*) FROM answer a JOIN item i ON i.n=a.item WHERE i.id=?", (doc["id"],)).fetchone()[0]
check("all of the call", count == sum(map(len, stages.values())), (count, {k: len(v) for k, v in stages.items()}))
llm = db.execute("SELECT count(*) FROM answer WHERE object IS NULL").fetchone()[0]
check("as many as the server saw", llm == seen, (llm, seen))
