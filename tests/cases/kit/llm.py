"""What the cases with an LLM ask of their server and of a work folder: llm.py COMMAND ARGS…, or as a module."""
import json
import os
import sqlite3
import sys
import time
import urllib.request
import zlib


def call(port, path, body=None):
    r = urllib.request.Request(f"http://127.0.0.1:{port}{path}", None if body is None else body.encode())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(r, timeout=60) as reply:
        return reply.read().decode()


def walk(v, path):
    for name in path.split(".") if path else []:
        if isinstance(v, list):
            v = next((x for x in v if x["name"] == name), None) if not name.isdigit() else v[int(name)]
        else:
            v = v.get(name, 0)
    return v


def open_store(work):
    return sqlite3.connect(f"file:{work}/taf.db?mode=ro", uri=True)


def results(work):
    """{(stage, id): (outcome, fields)}; of failures the code alone: words hold times and counts."""
    db = open_store(work)
    names = dict(enumerate(["none", "passed", "rejected", "quarantined", "failed", "ended", "missed", "left"]))
    rows = db.execute("SELECT s.name, i.id, m.outcome, r.fields FROM memo m JOIN stage s ON s.n=m.stage JOIN item i ON i.n=m.item"
                      " LEFT JOIN result r ON r.n=m.result")
    return {(s, i): (names[o], f) for s, i, o, f in rows}


def failures(work):
    """[(stage, id, code, text)]"""
    return open_store(work).execute("SELECT s.name, i.id, f.code, f.text FROM failure f JOIN stage s ON s.n=f.stage"
                                    " JOIN item i ON i.n=f.item").fetchall()


def question(messages, seed):
    """What a request of the server and a stored answer have in common."""
    return json.dumps([messages, seed], ensure_ascii=False, sort_keys=True)


def answers(work):
    """The questions that have a stored answer."""
    try:
        rows = open_store(work).execute("SELECT sent, draw FROM answer").fetchall()
    except sqlite3.OperationalError:  # killed before there was a database
        return set()
    unpack = [(zlib.decompress(s).decode() if isinstance(s, bytes) else s, d) for s, d in rows]
    return {question(json.loads(s)["messages"], d & 0x7fffffff) for s, d in unpack}


def log(path):
    """The requests of a server with --log-bodies: [(question, row)]"""
    rows = []
    for line in open(path):
        if line.endswith("\n"):
            row = json.loads(line)
            body = row.pop("body", {"messages": [], "seed": 0})
            rows.append((question(body["messages"], body.get("seed")), row))
    return rows


def wait(port, what, least, most, pid):
    """Until the server has counted from `least` to `most`, or process `pid` (0: none) is no more: looked at often, in one process. → whether it has"""
    end = time.monotonic() + 60 * float(os.environ.get("TAF_SLOW", "1"))
    while time.monotonic() < end:
        if least <= walk(json.loads(call(port, "/stats")), what) <= most:
            return True
        try:
            if pid:
                os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.01)
    return False


def main(command, *args):
    if command == "stat":
        print(walk(json.loads(call(args[0], "/stats")), args[1]))
    elif command == "wait":
        sys.exit(0 if wait(args[0], args[1], int(args[2]), int(args[3]), int(args[4])) else 1)
    elif command == "switch":
        call(args[0], "/switch", args[1])
    elif command == "reset":
        call(args[0], "/reset", "")
    elif command == "of":
        print(walk(json.load(sys.stdin), args[0]))
    elif command == "results":
        for key, value in sorted(results(args[0]).items()):
            print(*key, *value, sep="\t")
    elif command == "failures":
        for row in sorted(failures(args[0])):
            print(*row, sep="\t")
    elif command == "answers":
        print(len(answers(args[0])))
    else:
        sys.exit(f"llm.py: no command {command}")


if __name__ == "__main__":
    main(*sys.argv[1:])
