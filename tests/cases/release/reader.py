"""A second reader of a release: sees it as its users do, and does with bench.zip what the public evaluation scripts do. Usage: reader.py NAME DIR SCHEMAS"""
import collections
import html.parser
import io
import json
import os
import re
import sys
import contextlib
import zipfile

case, folder, schemas = sys.argv[1:4]
os.chdir(folder)
TASKS = {"scene": "场景分类", "fraud": "欺诈分类", "fraud_type": "欺诈类型分类"}


def say(name, why):
    name = "%s: %s" % (case, name)
    print("not ok %s: %s" % (name, str(why)[:500]) if why else "ok %s" % name)


def lines(zip_name, entry):
    with zipfile.ZipFile(zip_name) as z:
        return [json.loads(x) for x in z.read(entry).decode("utf-8").splitlines()]


manifest = [json.loads(x) for x in open("manifest.jsonl", encoding="utf-8")]
stats = json.load(open("stats.json", encoding="utf-8"))
by_audio = {r["audio"]: r for r in manifest}

# --- Schemas, where a validator is at hand ---
try:
    import jsonschema
except ImportError:
    jsonschema = None
    print("skipped: no python3-jsonschema")


def valid(schema, rows):
    if not jsonschema:
        return
    check = jsonschema.Draft202012Validator(json.load(open(os.path.join(schemas, schema + ".schema.json"), encoding="utf-8")))
    wrong = [e.message for row in rows for e in check.iter_errors(row)]
    say("schema " + schema, wrong[:3])


valid("manifest", manifest)
valid("stats", [stats])
valid("classification", lines("binary_classification.zip", "binary_classification.jsonl"))

# --- The cards ---
card = open("README.md", encoding="utf-8").read()
front = re.match(r"---\n(.*?)\n---\n", card, re.S)
try:
    import yaml
    head = yaml.safe_load(front.group(1))
    want = {"license", "language", "pretty_name", "task_categories", "tags", "size_categories", "configs"}
    why = sorted(want - set(head))
    why += [c["config_name"] for c in head["configs"] for f in c["data_files"] if not os.path.exists(f["path"])]
    # datasets.load_dataset keeps "all" for the union of splits and refuses it as the name of one.
    why += [f["split"] for c in head["configs"] for f in c["data_files"] if f["split"] == "all"]
    say("front matter", why or (None if head["language"] == ["zh"] and head["pretty_name"] == stats["dataset"] else head))
except ImportError:
    print("skipped: no python3-yaml")
for name in ("README.md", "README.zh-CN.md"):
    text = open(name, encoding="utf-8").read()
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(code, {})
        say(name + ": examples run", None if str(len(manifest)) in out.getvalue() else out.getvalue())
    except Exception as e:
        say(name + ": examples run", repr(e))
    rows = dict(re.findall(r"^\| (\S+) \| (\d+) \|$", text, re.M))
    told = {k: v for part in ("labels", "fraud_types", "scenes", "sources", "splits") for k, v in stats[part].items()}
    say(name + ": numbers", [(k, v, rows.get(k)) for k, v in told.items() if k not in stats["sft"] and rows.get(k) != str(v)])

# --- The preview ---
if os.path.exists("preview/index.html"):
    class Page(html.parser.HTMLParser):
        sounds, open_tags, wrong = [], [], []

        def handle_starttag(self, tag, attrs):
            if tag == "audio":
                self.sounds.append(dict(attrs)["src"])
            if tag in ("script", "link", "img", "iframe"):
                self.wrong.append(tag)
            if tag not in ("meta",):
                self.open_tags.append(tag)

        def handle_endtag(self, tag):
            if not self.open_tags or self.open_tags.pop() != tag:
                self.wrong.append("/" + tag)

    page = Page()
    page.feed(open("preview/index.html", encoding="utf-8").read())
    files = sorted(x for x in os.listdir("preview") if x.endswith(".mp3"))
    say("preview", page.wrong or page.open_tags or (None if sorted(page.sounds) == files else page.sounds))
    labels = collections.Counter(by_audio["audio/" + f]["label"] for f in files)
    say("preview has both labels", None if len(labels) == 2 and abs(labels["fraud"] - labels["normal"]) <= 4 else labels)

# --- Training rows ---
if os.path.exists("sft.zip"):
    with zipfile.ZipFile("sft.zip") as z:
        rows = {n[:-len(".jsonl")]: lines("sft.zip", n) for n in z.namelist()}
    valid("sft", [r for part in rows.values() for r in part])
    why = []
    for split, part in rows.items():
        for r in part:
            call = by_audio[r["audios"][0]]
            if call.get("split", "train") != split:
                why.append((split, call["name"]))
            if sum(m["content"].count("<audio>") for m in r["messages"]) != 1:
                why.append((call["name"], "<audio>"))
            replies = [m["content"] for m in r["messages"] if m["role"] == "assistant"]
            answers = [json.loads(re.search(r"<answer>(.*?)</answer>", x, re.S).group(1)) for x in replies]
            if not all(re.search(r"<think>(.*?)</think>", x, re.S).group(1).strip() for x in replies):
                why.append((call["name"], "think"))
            got = [answers[0]["scene"], "fraud" if answers[1]["is_fraud"] else "normal"] + [a["fraud_type"] for a in answers[2:]]
            if got != [call["scene"], call["label"]] + ([call["fraud_type"]] if call["label"] == "fraud" else []):
                why.append((call["name"], got))
    say("sft.zip agrees", why)
    say("sft.zip counts", None if {k: len(v) for k, v in rows.items() if v} == stats["sft"] else stats["sft"])


# --- What the public scripts do: join on the prompt, tell the task by its words, read the answer ---
def task_of(prompt):
    text = json.dumps(prompt, ensure_ascii=False)
    for key, task in (("fraud_type", "欺诈类型分类"), ("is_fraud", "欺诈分类"), ("scene", "场景分类")):
        if key in text:
            return task


def first_object(text):
    decoder = json.JSONDecoder()
    for at in (m.start() for m in re.finditer("{", text)):
        try:
            return decoder.raw_decode(text[at:])[0]
        except ValueError:
            pass


if os.path.exists("bench.zip"):
    with zipfile.ZipFile("bench.zip") as z:
        bench = {t: json.loads(z.read(t + ".json")) for t in TASKS}
    valid("bench", list(bench.values()))
    references, items = {}, [(t, x) for t in TASKS for x in bench[t]]
    for t, x in items:
        references[json.dumps(x["prompt"], ensure_ascii=False, sort_keys=True)] = x
    say("prompts stay distinct when joined", None if len(references) == len(items) else "%d of %d" % (len(references), len(items)))
    say("tasks by the words of the prompt", [(t, task_of(x["prompt"])) for t, x in items if task_of(x["prompt"]) != TASKS[t]])
    right, counted, why = 0, {t: collections.Counter() for t in TASKS}, []
    for t, x in items:  # a model that answers as the reference does must be right everywhere
        prediction = {"prompt": json.loads(json.dumps(x["prompt"])), "prediction": "<think>%s</think><answer>%s</answer>" % (x["reasoning"], x["response"])}
        reference = references[json.dumps(prediction["prompt"], ensure_ascii=False, sort_keys=True)]
        answer = re.search(r"<answer>(.*?)</answer>", prediction["prediction"], re.S).group(1).strip()
        label = first_object(answer)[{"fraud": "is_fraud"}.get(t, t)]
        label = {True: "fraud", False: "normal"}.get(label, label)
        right += label == reference["answer"]
        counted[t][reference["answer"]] += 1
        audio = re.search(r"audio/[0-9a-f]{12}\.mp3", x["prompt"][1]["content"]).group(0)
        if by_audio[audio].get("split") != "test" or len(x["prompt"]) != 2 + 2 * list(TASKS).index(t):
            why.append(audio)
    say("every reference answer is right", None if right == len(items) else "%d of %d" % (right, len(items)))
    say("bench.zip counts", None if {t: dict(c) for t, c in counted.items()} == stats["bench"] else (counted, stats["bench"]))
    say("bench.zip is the test split", why)
    train = {r["id"] for r in manifest if r.get("split", "train") == "train"}
    groups = {r.get("group", r["id"]) for r in manifest if r.get("split", "train") == "train"}
    say("no family on both sides", [r["id"] for r in manifest if r.get("split") == "test" and
                                    (r.get("group", r["id"]) in groups or train & set(r.get("parents", [])))])
