# eval: the numbers equal those of a second implementation; predictions in all forms; broken input is told by its place.
. "$TAF_TOP/tests/cases/kit/kit.sh"
here=$TAF_TOP/tests/cases/cli-eval
all="by-prompt.json by-id.jsonl chat.jsonl swift.jsonl"
python3 "$here/make.py" rel 120 || exit 1

taf eval metrics --bench rel $all --json; is metrics $? 0
cp out numbers.json
python3 "$here/oracle.py" numbers.json same-as-oracle
python3 "$here/schema.py" "$TAF_TOP/schemas/eval.schema.json" numbers.json schema
taf eval metrics --bench rel/bench.zip $all; is metrics-table $? 0
has table-classes out "recall (95%)"
has table-confusion out "truth ↓ predicted →"
has table-strata out "30 to 60 s"
# One question missing: also the oracle sees it, so the comparison can fail.
tail -n +2 by-id.jsonl >fewer.jsonl && mv fewer.jsonl by-id.jsonl
taf eval metrics --bench rel $all --json
python3 "$here/oracle.py" out same-as-oracle-with-one-less
python3 "$here/oracle.py" numbers.json changed | grep -q "^not ok" && ok oracle-can-fail || bad oracle-can-fail "it found no difference"
cp out numbers.json

# prepare: questions without answers, and a key that gives the same numbers.
taf eval prepare rel -o questions; is prepare $? 0
is prepare-files "$(ls questions | tr '\n' ' ')" "fraud.jsonl fraud_type.jsonl key.jsonl scene.jsonl "
taf eval metrics --bench questions $all --json; is by-key $? 0
if cmp -s out numbers.json; then ok by-key-same; else bad by-key-same "other numbers than by the bench"; fi
taf eval prepare rel/bench.zip --form swift --audio /data/ -o swift; is prepare-swift $? 0
python3 - <<'PY'
import json
bench = json.load(open("items.json", encoding="utf-8"))
problems = []
for form in ("questions", "swift"):
    for task, items in bench.items():
        rows = [json.loads(line) for line in open("%s/%s.jsonl" % (form, task), encoding="utf-8")]
        if len(rows) != len(items):
            problems.append("%s %s: %d rows" % (form, task, len(rows)))
        for row, item in zip(rows, items):
            if any(k in row for k in ("answer", "response", "reasoning", "solution")) or len(row["messages"]) != len(item["prompt"]):
                problems.append("%s %s: %s" % (form, task, row))
            first = row["messages"][1]["content"]
            sound = row["audios"][0] if form == "swift" else first[0]["audio_url"]["url"]
            text = first if form == "swift" else "<audio>" + first[1]["text"]
            if "<audio>%s</audio>\n" % sound.replace("/data/", "") + text[7:] != item["prompt"][1]["content"] or not text.startswith("<audio>"):
                problems.append("%s %s: %s" % (form, task, first))
print("not ok questions: %s" % problems[0] if problems else "ok questions")
PY
taf eval prepare rel --model m -o batch; is prepare-batch $? 0
has batch-line batch/fraud.jsonl '"method":"POST","url":"/v1/chat/completions"'
# A model that answers the questions of prepare in ms-swift's way: joined by messages and sound.
python3 - <<'PY'
import json
truth = {json.loads(l)["id"]: json.loads(l) for l in open("swift/key.jsonl", encoding="utf-8")}
with open("perfect.jsonl", "w", encoding="utf-8") as out:
    for task in ("scene", "fraud", "fraud_type"):
        for line in open("swift/%s.jsonl" % task, encoding="utf-8"):
            row = json.loads(line)
            answer = truth[row.pop("id")]["answer"]
            value = {"is_fraud": answer == "fraud"} if task == "fraud" else {task: answer}
            row["response"] = "<think>…</think><answer>%s</answer>" % json.dumps(value, ensure_ascii=False)
            row["messages"].append({"role": "assistant", "content": row["response"]})
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
PY
taf eval metrics --bench rel perfect.jsonl; is perfect $? 0
is perfect-accuracy "$(grep -c 'accuracy 100.0%' out)" 3

# Usage.
taf eval; is no-command $? 2
has no-command-says err "taf eval metrics"
taf eval metricks; is unknown-command $? 2
has unknown-near err "did you mean 'metrics'?"
taf eval metrics by-id.jsonl; is no-bench $? 2
has no-bench-says err "--bench work/release"
taf eval metrics --bench rel; is no-predictions $? 2
taf eval prepare rel; is no-out $? 2
taf eval prepare rel -o x --form xml; is form $? 2
taf eval prepare rel -o x --form swift --model m; is model-of-swift $? 2
taf eval --help; is group-help $? 0
has group-help-says out "prepare"
taf help eval metrics; is help-sub $? 0
has help-sub-says out "taf eval metrics --bench"

# Broken input.
taf eval prepare rel -o questions; is out-not-empty $? 1
has out-not-empty-says err "is not empty"
taf eval metrics --bench nowhere by-id.jsonl; is bench-missing $? 1
taf eval metrics --bench rel nowhere.jsonl; is predictions-missing $? 1
mkdir -p empty && taf eval metrics --bench empty by-id.jsonl; is bench-empty $? 1
has bench-empty-says err "has no bench.zip"
mkdir -p cut && head -c 900 rel/bench.zip >cut/bench.zip && taf eval metrics --bench cut by-id.jsonl; is zip-cut $? 1
has zip-cut-says err "cut/bench.zip"
echo '{"id": "a.scene", "response": ' >bad.jsonl && taf eval metrics --bench rel bad.jsonl; is bad-json $? 1
has bad-json-place err "bad.jsonl:1:"
: >none.jsonl && taf eval metrics --bench rel none.jsonl; is no-rows $? 1
echo '{"id": "nobody", "response": "x"}' >foreign.jsonl && taf eval metrics --bench rel foreign.jsonl; is foreign $? 1
has foreign-says err "no prediction matches"
taf eval metrics --bench rel by-id.jsonl foreign.jsonl; is foreign-some $? 0
has foreign-some-says out "1 of them match no item, the first at foreign.jsonl:1"
head -n 1 by-id.jsonl >again.jsonl && taf eval metrics --bench rel by-id.jsonl again.jsonl; is twice $? 1
has twice-says err "again.jsonl:1: item"
sed 's/"response": *"[^"]*/"sentence": "/' again.jsonl >silent.jsonl
python3 -c 'import json; print(json.dumps({"id": json.loads(open("again.jsonl").readline())["id"], "sentence": "x"}))' >silent.jsonl
taf eval metrics --bench rel silent.jsonl; is silent $? 1
has silent-says err "no prediction has a text"
# Rows made from the bench's own items: the reference in them is nobody's prediction.
python3 - <<'PY'
import json
items = [x for part in json.load(open("items.json", encoding="utf-8")).values() for x in part]
for name, more in (("own", {}), ("own-predicted", {"prediction": "?"}), ("own-messages", {"messages": "<answer>{}</answer>"})):
    with open(name + ".jsonl", "w", encoding="utf-8") as out:
        for x in items:
            out.write(json.dumps({**x, **more}, ensure_ascii=False) + "\n")
PY
taf eval metrics --bench rel own.jsonl; is own $? 1
has own-says err "response is the reference"
for rows in own-predicted own-messages; do
	taf eval metrics --bench rel $rows.jsonl; is $rows $? 0
	is $rows-accuracy "$(grep -c 'accuracy 0.0%' out)" 3
done
echo '["text"]' >list.json && taf eval metrics --bench rel list.json; is no-object $? 1
head -c 300 by-prompt.json >cut.json && taf eval metrics --bench rel cut.json; is list-cut $? 1
has list-cut-place err "cut.json:"
# Two items of one prompt: by prompt nobody can tell them apart, by id they can be.
python3 - <<'PY'
import json
item = {"prompt": [{"role": "user", "content": "scene?"}], "response": "{}", "reasoning": "", "answer": "订餐服务"}
json.dump([item, dict(item, answer="打车服务")], open("scene.json", "w", encoding="utf-8"), ensure_ascii=False)
json.dump([dict(item, answer=None)], open("wrong.json", "w", encoding="utf-8"))
json.dump([{"answer": "x"}], open("promptless.json", "w", encoding="utf-8"))
open("by-doubled.jsonl", "w", encoding="utf-8").write(json.dumps({"prompt": item["prompt"], "text": "{\"scene\": \"订餐服务\"}"}) + "\n")
open("by-number.jsonl", "w", encoding="utf-8").write(json.dumps({"id": "scene.2", "text": "{\"scene\": \"打车服务\"}"}) + "\n")
PY
taf eval metrics --bench scene.json by-doubled.jsonl; is doubled-prompt $? 1
has doubled-prompt-says err "several items of the bench have this prompt"
taf eval metrics --bench scene.json by-number.jsonl; is doubled-by-id $? 0
has doubled-by-id-says out "accuracy 50.0%"
taf eval metrics --bench wrong.json by-number.jsonl; is answerless $? 1
taf eval metrics --bench promptless.json by-number.jsonl; is promptless $? 1
has promptless-place err "promptless.json:1:"
