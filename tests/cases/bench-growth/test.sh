# The benchmark while the dataset grows: who stays, who leaves, within the bound of stages/bench/sample.h; and that growth computes nothing else again.
# Texts only: the calls, enhanced ones, those of all scenarios but one; near-duplicates; the benchmark.
. "$TAF_TOP/tests/cases/kit/kit.sh"
here=$TAF_TOP/tests/cases/bench-growth
mkdir -p p/scenarios
cp "$TAF_TOP"/stages/synthesize/scenarios/*.yaml p/scenarios/
new=$(cd p/scenarios && ls | head -n 1)
mv "p/scenarios/$new" .
nscenarios=$(find p/scenarios -name '*.yaml' | wc -l)
python3 "$here/make.py" 0 400 >p/calls.jsonl
cat >p/pipeline.yaml <<'P'
version: 1
name: growth
seed: 5
providers:
  writer: {kind: script}
stages:
  - {name: calls, uses: import, with: {inputs: [calls.jsonl], private: false}}
  - {name: more, uses: enhance, needs: [calls], with: {provider: writer, parents: 20, per_call: 2}}
  - {name: agents, uses: synthesize, with: {provider: writer, scenarios: [scenarios/*.yaml], per_scenario: 6}}
  - {name: once, uses: dedupe, needs: [calls, more, agents]}
  - {name: sides, uses: bench, needs: [once], with: {share: 0.1}}
P

# step NAME FILE ARGS…: plan and run; the calls of the benchmark into FILE
step() {
	local name=$1 file=$2 status
	shift 2
	taf plan -f p/pipeline.yaml -w w --json "$@" || bad "$name: plan" "$(cat err)"
	cp out plan.json
	taf run -f p/pipeline.yaml -w w --json "$@"
	status=$?
	cp out status.json
	if [ $status -eq 0 ]; then ok "$name"; else bad "$name" "exit status $status: $(cat err)"; fi
	python3 "$here/moves.py" read w/taf.db "$file" >counts || bad "$name: read" "no rows"
}
# to_run: stages with work that the plan knows of, as computed tells it of a run
to_run() {
	python3 -c 'import json, sys
print(" ".join("%s=%d" % (s["name"], s["to_run"]) for s in json.load(sys.stdin)["stages"] if s["to_run"]))' <plan.json
}
# members SPLIT <FILE
members() {
	python3 -c 'import json, sys
print(sum(c["split"] == sys.argv[1] for c in json.load(sys.stdin).values()))' "$1"
}
moves() { python3 "$here/moves.py" "$@"; }

step first a.json
read -r calls size <counts
is "a tenth" "$size" $(((calls + 5) / 10))
is "train and test" "$(members train <a.json)" $((calls - size))
id=$(python3 -c 'import json; print(min(k for k, c in json.load(open("a.json")).items() if c["split"] == "test"))')
taf show "$id" sides --json -f p/pipeline.yaml -w w
has "show says so" out '"split":"test"'

# A tenth more calls, of the same labels.
cp p/calls.jsonl calls.saved
python3 "$here/make.py" 400 440 >>p/calls.jsonl
step "10% more" b.json
is "10% more: imported" "$(stage computed calls <status.json)" 40
is "10% more: no scenario is played again" "$(stage computed agents <status.json)" 0
is "10% more: the plan knew" "$(stage to_run calls <plan.json) $(stage to_run agents <plan.json)" "40 0"
moves bound a.json b.json 0.1 "10% more: the bound holds"
moves bound b.json a.json 0.1 "10% fewer: the bound holds"
python3 - <<'P'
import json
a, b = (json.load(open(x)) for x in ("a.json", "b.json"))
was = {k for k, c in a.items() if c["split"] == "test"}
stay = sum(b[k]["split"] == "test" for k in was if k in b)
print("ok 10% more: most members stay" if 4 * stay >= 3 * len(was) else "not ok 10%% more: most members stay: %d of %d" % (stay, len(was)))
P
cp calls.saved p/calls.jsonl
step "back again" c.json
is "back again: nothing is computed" "$(computed <status.json)" ""
is "back again: the same calls and members" "$(sha256sum <c.json)" "$(sha256sum <a.json)"

# With a fixed size.
step "size" d.json --set stages.sides.with.share=0 --set stages.sides.with.size=60
is "size: only the benchmark" "$(computed <status.json)" "sides=1"
is "size: members" "$(members test <d.json)" 60

# One scenario more: its own calls, and the two stages that look at all.
cp "$new" p/scenarios/
step "one scenario more" e.json
is "one scenario more: planned" "$(to_run | tr ' ' '\n' | grep agents)" "agents=6"
is "one scenario more: computed" "$(computed <status.json)" "agents=6 once=1 sides=1"
moves same a.json e.json "one scenario more: all other calls are as they were"
moves bound a.json e.json 0.1 "one scenario more: the bound holds"
# With a number of calls for all scenarios, others give up some of theirs, and those that stay are not made again.
rm "p/scenarios/$new"
count=$((6 * nscenarios))
step "count" f.json --set stages.agents.with.per_scenario=0 --set stages.agents.with.count=$count
is "count: the same calls" "$(sha256sum <f.json)" "$(sha256sum <a.json)"
cp "$new" p/scenarios/
step "count, one more" g.json --set stages.agents.with.per_scenario=0 --set stages.agents.with.count=$count
is "count, one more: written" "$(stage computed agents <status.json)" 0 # all six, or fewer, are there from before
moves same g.json e.json "count, one more: those that stay are as they were"
rm "p/scenarios/$new"
step "at the end" h.json
is "at the end: as in the beginning" "$(sha256sum <h.json)" "$(sha256sum <a.json)"
