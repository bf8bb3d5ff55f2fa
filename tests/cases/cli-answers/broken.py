"""Files that no export made, from one that was: broken.py FILE. Prints a line each: its name, a tab, words of the refusal."""
import json
import sys
import zipfile

source = sys.argv[1]
z = zipfile.ZipFile(source)
lines = z.read("answers.jsonl").decode().splitlines()
sounds = {n: z.read(n) for n in z.namelist() if n != "answers.jsonl"}
sounded = next(i for i, x in enumerate(lines) if '"object"' in x)


def write(name, lines, sounds=sounds, entry="answers.jsonl", words=None):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as out:
        if entry:
            out.writestr(entry, "".join(x + "\n" for x in lines))
        for n, data in sounds.items():
            out.writestr(n, data)
    if words:
        print(name + "\t" + words)


def changed(at, **members):
    row = json.loads(lines[at])
    row.update(members)
    return lines[:at] + [json.dumps(row, ensure_ascii=False)] + lines[at + 1:]


whole = open(source, "rb").read()
open("cut.zip", "wb").write(whole[:len(whole) // 2])
print("cut.zip\tcut.zip")
open("text.zip", "w").write("no zip")
print("text.zip\ttext.zip")
at = whole.index(b"answers.jsonl") + 300
open("flipped.zip", "wb").write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
print("flipped.zip\tanswers.jsonl")
write("other.zip", ["hello"], {}, "hello.txt", words="it has no answers.jsonl")
write("head.zip", changed(0, format="zip"), words="line 1: no file of")
write("newer.zip", changed(0, version=2), words="version 2 of the format")
write("short.zip", lines[:-1], words="the last line is missing")
write("fewer.zip", lines[:3] + lines[4:], words="the numbers of answers and sounds")
write("more.zip", lines + [lines[1]], words="more behind the last line")
write("key.zip", changed(2, key="xyz"), words="line 3: key and draw")
write("draw.zip", changed(2, draw=-1), words="line 3: key and draw")
write("answer.zip", changed(2, answer=[1]), words="line 3: request and answer must be objects")
write("tokens.zip", changed(2, tokens_in=-5), words="line 3: tokens_in")
write("model.zip", changed(2, model="m" * 1000), words="line 3: model and step")
write("object.zip", changed(sounded, object="00" * 32), words="object is not the sound")
write("json.zip", lines[:2] + ["{"] + lines[3:], words="line 3: ")
name = next(iter(sounds))
write("sound.zip", lines, {**sounds, name: b"another"}, words="is another than its name says")
end = json.loads(lines[-1])
more = lines[:-1] + [json.dumps({**end, "objects": end["objects"] + 1})]
write("stranger.zip", more, {**sounds, "../../x": b"x"}, words="does not belong there")
# This one is fine but for one sound.
fewer = lines[:-1] + [json.dumps({**end, "objects": end["objects"] - 1})]
gone = "objects/" + next(json.loads(x)["object"] for x in lines if '"object"' in x)
write("no-sound.zip", fewer, {n: d for n, d in sounds.items() if n != gone})
