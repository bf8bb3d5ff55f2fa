# show: a call at each stage; what a private call said stays hidden unless it is asked for.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1
taf run --until clean; is run $? 0
taf show calls/a1; is status $? 0
has turns out "left   您好，花店。"
has fields out "label.is_fraud"
has stages out "clean (screen): passed"
has own-name out "qa.clean.verdict"
taf show calls/a1 --json
python3 - <<'END'
import json
doc = json.load(open("out"))
first, last = doc["stages"]
good = doc["id"] == "calls/a1" and first["fields"]["turns"][0]["text"] == "您好，花店。" and first["outcome"] == "passed" and not first["withheld"]
print("ok json" if good and "clean" in last["fields"]["qa"] else "not ok json: %s" % doc)
END
taf show calls/a1 clean; is one-stage $? 0
has one-stage-shown out "qa.clean.verdict"
lacks one-stage-only out "calls (import)"
taf show calls/a1 clena; is one-stage-unknown $? 2
has one-stage-near err "did you mean 'clean'?"
taf run --only calls/a1 --limit 1 --until clean -w one; is one-run $? 0
for command in show why; do
	taf $command calls/a2 -w one; is not-made-$command $? 0
	has not-made-$command-says out "no stage has worked on it yet"
done
taf show calls/a; is unknown $? 1
has near err "did you mean calls/a1"
taf show calls/x1 ; has near-spelt err "calls/a1"

# A private source without anonymize.
cat >private.yaml <<'END'
version: 1
name: taf-case
stages:
  - {name: calls, uses: import, with: {inputs: [calls.jsonl]}}
  - {name: clean, uses: screen, needs: [calls], with: {min_chars: 12}}
END
taf run -f private.yaml -w secret; is private-run $? 0
taf show calls/a1 -f private.yaml -w secret
lacks private-hidden out "花店"
has private-says out "--originals shows it"
taf show calls/a1 -f private.yaml -w secret --json; lacks private-hidden-json out "花店"
has private-withheld-json out '"withheld":true'
taf show calls/a1 -f private.yaml -w secret --originals; has private-originals out "花店"
taf show calls/a1 -f nowhere.yaml -w secret; lacks private-no-pipeline out "花店"
has private-no-pipeline-says err "cannot be loaded"
# Privacy is a fact of the stored call, whatever pipeline lies in the folder now.
cat >other.yaml <<'END'
version: 1
name: taf-case
providers:
  writer: {kind: script}
stages:
  - {name: agents, uses: synthesize, with: {provider: writer, scenarios: [scenarios/*.yaml], personas: personas.yaml, count: 2}}
END
sed 's/jsonl\]/jsonl], private: false/' private.yaml >public.yaml
for other in other.yaml public.yaml pipeline.yaml; do
	for command in show why; do
		taf $command calls/a1 -f $other -w secret; is private-$command-by-$other $? 0
		lacks private-$command-by-$other-hidden out "花店"
		taf $command calls/a1 -f $other -w secret --json; lacks private-$command-by-$other-json out "花店"
	done
done
taf run -f public.yaml -w secret; is private-made-public $? 0
taf show calls/a1 -f public.yaml -w secret; lacks private-stays-private out "花店"
taf run -f other.yaml -w secret; is private-other-run $? 0
taf show calls/a1 -f other.yaml -w secret; lacks private-after-other-run out "花店"
# What was never private is shown also when the pipeline is gone, and in a pilot.
taf show calls/a1 -f nowhere.yaml -w work; has public-no-pipeline out "花店"
lacks public-no-pipeline-quiet err "cannot be loaded"
taf run --only calls/a1 --until clean -w pilot; is pilot $? 0
taf show calls/a1 -w pilot; has pilot-shown out "花店"
taf run --only calls/a1 -f private.yaml -w secret-pilot; is private-pilot $? 0
taf show calls/a1 -f public.yaml -w secret-pilot; lacks private-pilot-hidden out "花店"
sed -i 's/百合十块一枝/百合九块一枝/' calls.jsonl
taf run -f private.yaml -w secret
taf why calls/a1 -f private.yaml -w secret; lacks why-hidden out "百合"
has why-path out "turns[2].text"
taf why calls/a1 -f private.yaml -w secret --json; lacks why-hidden-json out "百合"
taf why calls/a1 -f private.yaml -w secret --originals; has why-originals out "百合九块一枝"

# Escape sequences of a file do not reach the terminal.
printf '{"tts_id": "esc", "left": ["您好\\u001b[31m\\u202e，这里是花店。", "百合十块一枝。"], "right": ["有百合吗？", "要三枝。"], "user_age": 30, "user_awareness": "中", "fraud_type": "日常购物", "occupation": "护士", "termination_reason": "买好了", "terminator": "natural"}\n' >calls.jsonl
taf run -f private.yaml -w secret; taf show calls/esc -f private.yaml -w secret --originals
lacks escapes out "$(printf '\033')"
lacks turned-writing out "$(printf '\342\200\256')"
# An id may be given as it is written in the file.
sed -i 's/"esc"/"甲 乙"/' calls.jsonl
taf run -f public.yaml -w ids; taf show "calls/甲 乙" -f public.yaml -w ids; is plain-id $? 0
has plain-id-found out "calls/%e7%94%b2%20%e4%b9%99"
taf run -f public.yaml -w ids --only "calls/甲 乙"; is plain-only $? 0
has plain-only-hint out "taf why ID -f public.yaml -w ids"
