"""A small release without sounds: make.py FOLDER [CHANGE…]. The changes are those that the case names."""
import hashlib
import json
import os
import sys
import zipfile

folder, changes = sys.argv[1], set(sys.argv[2:])
os.makedirs(folder)
dataset = "other-name" if "renamed" in changes else "tiny"


def name(ident):
    return hashlib.sha256((dataset + ident).encode()).hexdigest()[:12]


rows, texts, rounds = [], [], {"train": [], "test": []}
ids = ["a/%02d" % i for i in range(30)]
if "removed" in changes:
    ids.remove("a/03")
if "added" in changes:
    ids += ["b/%02d" % i for i in range(25)]
for i, ident in enumerate(sorted(ids)):
    audio = "audio/%s.mp3" % name(ident)
    sound = "sound of " + ident + (" again" if "audio" in changes and ident == "a/01" else "")
    row = {"id": ident, "name": name(ident), "audio": audio, "label": "normal", "scene": "打车服务", "source": "asr", "split": "train",
           "sha256": hashlib.sha256(sound.encode()).hexdigest(), "bytes": len(sound), "turns": 2, "duration_ms": 1000 + len(sound)}
    if "label" in changes and ident == "a/02":
        del row["scene"]
        row.update(label="fraud", fraud_type="客服诈骗")
    if "split" in changes and ident == "a/04":
        row["split"] = "test"
    if "other" in changes and ident == "a/05":
        row["source"] = "synthetic"
    text = "left：您好" + ("啊" if "text" in changes and ident == "a/06" else "")
    think = "听了" + ("又听了" if "annotations" in changes and ident == "a/07" else "")
    rows.append(row)
    texts.append({"audio": audio, "label": row["label"], "text": text})
    rounds[row["split"]].append({"messages": [{"role": "user", "content": "<audio>?"}, {"role": "assistant", "content": think}], "audios": [audio]})


def lines(items):
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def write(file, data):
    with open(os.path.join(folder, file), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def pack(file, entries):
    with zipfile.ZipFile(os.path.join(folder, file), "w") as z:
        for entry, data in entries:
            z.writestr(zipfile.ZipInfo(entry), data)


pack("binary_classification.zip", [("binary_classification.jsonl", lines(texts))])
pack("sft.zip", [("train.jsonl", lines(rounds["train"])), ("test.jsonl", lines(rounds["test"]))])
write("manifest.jsonl", lines(rows))
write("audio.zip", "not looked into" + ("; other sounds" if "audio" in changes else ""))
stats = {"dataset": dataset, "calls": len(rows), "left_out": {"quarantined": 1 if "build" in changes else 0, "rejected": 2},
         "stages": [{"name": "clean", "uses": "screen", "version": 2 if "build" in changes else 1}],
         "build": {"seed": 7, "tools": {"speak": "libx 2" if "build" in changes else "libx 1"}}}
write("stats.json", json.dumps(stats))
if "file" in changes:
    write("extra.txt", "x")
if "cut" in changes:
    with open(os.path.join(folder, "sft.zip"), "rb") as f:
        write("sft.zip", f.read()[:200])
sums = []
for file in sorted(os.listdir(folder)):
    with open(os.path.join(folder, file), "rb") as f:
        sums.append("%s  %s\n" % (hashlib.sha256(f.read()).hexdigest(), file))
write("SHA256SUMS", "".join(sums))
