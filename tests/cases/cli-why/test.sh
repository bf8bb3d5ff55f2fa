# why: rule, value, limit of a rejection; of work done again the part that changed, old → new.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1
printf '%s\n' '{"tts_id": "b1", "left": ["您好，花店。"], "right": [], "user_age": 30, "user_awareness": "中", "fraud_type": "日常购物", "occupation": "护士", "termination_reason": "买好了", "terminator": "natural"}' \
	'{"tts_id": "b2", "left": ["您好", "好"], "right": ["您好"], "fraud_type": "没有这一类"}' >>calls.jsonl
sed "s|@SELF@|$TAF_TOP|" "$TAF_TOP/stages/screen/rules.yaml" >rules.yaml
set_rules=(--set stages.clean.with.rules=rules.yaml)
taf run --until clean "${set_rules[@]}"; is run $? 3
taf why calls/b1; is status $? 0
has rule out "too_short: value 1, limit 4 turns"
has outcome out "clean (screen): rejected"
taf status --rejected; is "rejected: listed" "$? $(cat out)" "0 calls/a7 at clean: too_short 2 times
calls/b1 at clean: too_short 2 times"
taf status --rejected --json; has "rejected: JSON" out '{"rejected":[{"id":"calls/a7","rules":{"too_short":2},"stage":"clean"},'
taf why calls/b2; has quarantined out "calls (import): quarantined"
has quarantined-reason out "unknown label '没有这一类'"
lacks not-reached-twice out "clean"

taf run --until clean "${set_rules[@]}" --set stages.clean.with.min_turns=3
taf status --rejected; has "rejected: still" out "calls/b1 at clean"
taf why calls/a1 clean; has parameter out "parameters.min_turns: 4 → 3"
has parameter-reason out "parameter-changed"
lacks one-stage-only out "calls (import)"
taf why calls/a1 --json
python3 - <<'END'
import json
stages = {s["name"]: s for s in json.load(open("out"))["stages"]}
want = {"reason": "parameter-changed", "changes": [{"path": "parameters.min_turns", "old": 4, "new": 3}]}
print("ok json" if stages["clean"]["again"] == want and "again" not in stages["calls"] else "not ok json: %s" % stages)
END

echo '# a comment' >>rules.yaml
taf plan --until clean "${set_rules[@]}" --set stages.clean.with.min_turns=3
has comment out "nothing to do"
sed -i 's/^  - traceback$/  - trace-back/' rules.yaml
taf run --until clean "${set_rules[@]}" --set stages.clean.with.min_turns=3
taf why calls/a1 clean; has file out "file rules changed"

sed -i 's/百合十块一枝/百合九块一枝/' calls.jsonl
taf run --until clean "${set_rules[@]}" --set stages.clean.with.min_turns=3
taf why calls/a1; has input out 'calls wrote turns[2].text: "百合十块一枝。" → "百合九块一枝。"'
has input-reason out "input-changed"
has input-source out "file-changed"
taf why calls/a2 clean; lacks input-others out "input-changed"

taf why calls/a9; is unknown $? 1
has unknown-near err "did you mean calls/a"
taf why calls/a1 claen; is unknown-stage $? 2
has unknown-stage-near err "did you mean 'clean'?"

# A stage that was not looked at since an earlier one came to stop the call says so.
taf run --only calls/a1 --until say -w narrow; is narrow $? 0
taf run --only calls/a1 --until clean -w narrow --set stages.clean.with.min_turns=30; is narrow-stopped $? 0
taf why calls/a1 say -w narrow; has narrow-older out "of an earlier run: clean now stops the call"
taf why calls/a1 -w narrow --json; has narrow-older-json out '"stopped_before":"clean"'
taf run --only calls/a1 --until say -w narrow --set stages.clean.with.min_turns=30; is narrow-whole $? 0
taf why calls/a1 say -w narrow; has narrow-not-reached out "not reached: rejected by an earlier stage"

# A generation that changed is told as such; without one it is 0.
taf run --only calls/a1 --until clean -w gen; is generation-none $? 0
taf run --only calls/a1 --until clean -w gen --set stages.clean.generation=1; is generation-first $? 0
taf why calls/a1 clean -w gen; has generation-first-told out "generation 0 → 1"
taf run --only calls/a1 --until clean -w gen --set stages.clean.generation=2; is generation-second $? 0
taf why calls/a1 clean -w gen; has generation-told out "generation 1 → 2"
taf why calls/a1 clean -w gen --json; has generation-json out '{"new":2,"old":1,"path":"generation"}'
