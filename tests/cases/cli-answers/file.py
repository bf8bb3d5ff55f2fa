"""What is in a file of `answers export`: file.py FILE WORK"""
import hashlib
import json
import sqlite3
import sys
import zipfile
import zlib

z = zipfile.ZipFile(sys.argv[1])
db = sqlite3.connect("file:%s/taf.db?mode=ro" % sys.argv[2], uri=True)
lines = z.read("answers.jsonl").decode().splitlines()
head, rows, end = json.loads(lines[0]), [json.loads(x) for x in lines[1:-1]], json.loads(lines[-1])
names = z.namelist()


def check(name, good, why=""):
    print("ok file: %s" % name if good else "not ok file: %s: %s" % (name, str(why)[:400]))


check("head", head["format"] == "taf-answers" and head["version"] == 1 and head["dataset"] == "taf-case" and head["taf"], head)
check("end", end == {"answers": len(rows), "end": True, "objects": len(names) - 1}, end)
check("first entry", names[0] == "answers.jsonl", names[:2])
check("sounds", all(hashlib.sha256(z.read(n)).hexdigest() == n[len("objects/"):] for n in names[1:]) and len(names) > 5, names[:3])
check("sounds are all", {r["object"] for r in rows if "object" in r} == {n[len("objects/"):] for n in names[1:]})
mine = {(k.hex(), d): (json.loads(a), json.loads(zlib.decompress(s)), m, st, i)
        for k, d, a, s, m, st, i in db.execute("SELECT a.request,a.draw,a.answer,a.sent,a.model,s.name,i.id FROM answer a JOIN stage s ON s.n=a.stage"
                                               " JOIN item i ON i.n=a.item")}
theirs = {(r["key"], r["draw"]): (r["answer"], r["request"], r["model"], r["stage"], r["call"]) for r in rows}
check("rows", mine == theirs and len(mine) == len(rows), (len(mine), len(theirs)))
check("no costs", not any("cost" in r for r in rows))
