# Agents, self-instruct and annotation by a model behind the OpenAI API: what is counted, and what is asked again after which change. The server is the witness.
. "$TAF_TOP/tests/cases/kit/llm.sh"
server_on server --latency 2-20
llm_project p 'in_flight: 16' 'price_in: 2' 'price_out: 8'
# Prompts of its own, to be changed.
for type in synthesize enhance annotate; do
	mkdir -p p/prompts && cp -r "$TAF_TOP/stages/$type/prompts" p/prompts/$type
done
sed -i -e 's|count: 12}|count: 12, prompts: [prompts/synthesize]}|' -e 's|parents: 4}|parents: 4, prompts: [prompts/enhance]}|' \
	-e 's|uses: annotate|&|' -e '/uses: annotate/,/with:/s|with: {provider: writer}|with: {provider: writer, prompts: [prompts/annotate]}|' p/pipeline.yaml

# --- Before: what it would take, by the lengths of the prompts ---
taf plan -f p/pipeline.yaml -w w --json || bad "plan before" "$(cat err)"
cp out plan.json
is "plan before: to run" "$(of stages.agents.to_run <out)" 12
is "plan before: basis" "$(of stages.agents.basis <out)" prompt-lengths
is "plan before: asked nothing" "$(served requests)" 0
taf plan -f p/pipeline.yaml -w w
has "plan before: words" out "by the lengths of the prompts"

# --- The run ---
taf run -f p/pipeline.yaml -w w --json
is run $? 0
cp out status.json
python3 - "$kit" plan.json status.json "$port" <<'P'
import json, sys
sys.path.insert(0, sys.argv[1])
import llm
plan, status = json.load(open(sys.argv[2])), json.load(open(sys.argv[3]))
seen = json.loads(llm.call(sys.argv[4], "/stats"))
stages = {s["name"]: s for s in status["stages"]}
provider = status["providers"][0]


def check(name, good, why):
    print(f"ok {name}" if good else f"not ok {name}: {str(why)[:400]}")


for p in plan["stages"]:
    s = stages[p["name"]]
    check("plan holds for " + p["name"], p["to_run"] <= s["computed"] <= p["to_run"] + p["unknown"], (p, s))
guess = next(p for p in plan["stages"] if p["name"] == "agents")
check("plan guessed", guess["requests"] / 2 < stages["agents"]["requests"] < guess["requests"] * 2 and
      guess["tokens"] / 3 < stages["agents"]["tokens_in"] + stages["agents"]["tokens_out"] < guess["tokens"] * 3, (guess, stages["agents"]))
# One of the imported calls is too short for screen.
check("all passed", [s["rejected"] for s in stages.values()] == [0, 0, 1, 0, 0, 0] and all(s["quarantined"] == 0 for s in stages.values())
      and stages["think"]["calls_out"] == 23 and stages["more"]["calls_out"] == 4, stages)
check("requests", provider["requests"] == provider["ok"] == seen["requests"] == seen["status"]["200"] > 200, (provider, seen["requests"]))
check("asked once", seen["seen_again"] == 0, seen)
check("tokens", (provider["tokens_in"], provider["tokens_out"]) == (seen["tokens"]["in"], seen["tokens"]["out"]), (provider, seen["tokens"]))
for what in ("requests", "tokens_in", "tokens_out", "cost"):
    total = sum(s[what] for s in stages.values())
    check("stages' " + what, abs(total - provider[what]) < 1e-3 and all(
        (s[what] > 0) == (s["name"] in ("agents", "more", "think")) for s in stages.values()), (total, provider))
# A cost of a request is rounded up to a millionth.
exact = (provider["tokens_in"] * 2 + provider["tokens_out"] * 8) / 1e6
check("cost", exact <= provider["cost"] <= exact + provider["requests"] * 1e-6, (exact, provider["cost"]))
check("in flight", 3 <= seen["in_flight_peak"] <= 16 and seen["connections_peak"] <= 17, seen["in_flight_peak"])
check("scene, fraud, type", stages["think"]["requests"] == sum(n for p, n in seen["parts"].items() if p.startswith("annotate")), seen["parts"])
P
llm results w >first
cp status.json whole.json
taf status -f p/pipeline.yaml -w w --json
is "status: cost" "$(of providers.0.cost <out)" "$(of providers.0.cost <whole.json)"
taf status -f p/pipeline.yaml -w w
has "status: words" out "provider writer: $(of providers.0.requests <whole.json) requests"
no_key "no key" w out err status.json

# --- What asks again ---
# asks NAME COUNT ARGS…: a run that asks the server so often; `some`: at least once
asks() {
	local name=$1 want=$2 before asked
	shift 2
	before=$(served requests)
	taf run -f p/pipeline.yaml -w w --json "$@"
	local status=$?
	asked=$(($(served requests) - before))
	[ $status -eq 0 ] || bad "$name: exit status" "$status: $(cat err)"
	if [ "$want" = some ] && [ $asked -gt 0 ]; then
		ok "$name"
	else
		is "$name" "$asked" "$want"
	fi
}
spent() { of "stages.$1.requests" <out; }

asks "again" 0
asks "a rule of screen" 0 --set stages.clean.with.max_turn_chars=500
is "a rule of screen: computed" "$(computed <out)" "clean=20"
asks "a rule of qa" 0 --set stages.checked.with.han_percent=50
is "a rule of qa: computed" "$(computed <out)" "checked=23"
asks "a judgement of annotate" 0 --set stages.think.with.min_thinking=61
is "a judgement of annotate: computed" "$(computed <out)" "think=23"
asks "a judgement of enhance" 0 --set stages.more.with.novelty=0.72
is "a judgement of enhance: computed" "$(computed <out)" "more=4"
asks "more calls" some --set stages.agents.with.count=14
is "more calls: agents" "$(of stages.agents.computed <out)" 2
is "more calls: all annotated" "$(of stages.checked.calls_out <out)" 25
asks "and back" 0

cp p/prompts/annotate/fraud.md fraud.md
sed -i '1s/^/请仔细看。/' p/prompts/annotate/fraud.md
asks "a prompt of annotate" some
fraud=$(spent think) # the questions about fraud, of fraudulent calls
is "a prompt of annotate: only there" "$(spent agents) $(spent more) $(($(spent think) > 5))" "0 0 1"
cp fraud.md p/prompts/annotate/fraud.md
asks "the prompt as it was" 0
cp p/prompts/synthesize/right-fraud.md right-fraud.md
sed -i '1s/^/请仔细看。/' p/prompts/synthesize/right-fraud.md
asks "a prompt of synthesize" some
if [ "$(spent agents)" -gt 0 ] && [ "$(spent think)" -gt 0 ]; then ok "a prompt of synthesize: and what is behind"; else bad "a prompt of synthesize: and what is behind" "$(cat out)"; fi
python3 - "$kit" <<'P'
import sys
sys.path.insert(0, sys.argv[1])
import llm
was = dict(tuple(line.rstrip("\n").split("\t")[i] for i in (0, 1)) and ((line.split("\t")[0], line.split("\t")[1]), line.rstrip("\n").split("\t")[3])
           for line in open("first"))
now = llm.results("w")
other = {i for (s, i), v in now.items() if s == "think" and v[1] != was.get((s, i))}
bad = {i for i in other if i.startswith(("calls/", "fruit/")) and "+" not in i}
print(f"not ok a prompt of synthesize: not beside it: {bad}" if bad or not other else "ok a prompt of synthesize: not beside it")
P
cp right-fraud.md p/prompts/synthesize/right-fraud.md
asks "that prompt as it was" 0

asks "generation 2" "$(of stages.think.requests <whole.json)" --set stages.think.generation=2
asks "generation 1 again" 0
server_on other
asks "another place" 0 --set "providers.writer.base_url=http://127.0.0.1:$port/v1"
is "another place: nothing asked there" "$(served requests)" 0
server_off
port=$(cat server.port)
CASE_KEY=sk-other asks "another key" 0
asks "other limits" 0 --set providers.writer.in_flight=3 --set providers.writer.tokens_per_min=100000 --set providers.writer.attempts=2
asks "another model" some --set providers.writer.model=other-model
asks "the model as it was" 0
llm results w | awk -F '\t' '$3 != "left"' >last # calls that came with the higher count, and left
is "as at first" "$(diff first last | head -n 3)" ""

# --- Another folder: the same results, whatever the limits ---
reset
taf run -f p/pipeline.yaml -w w2 -j 1 --json --set providers.writer.in_flight=3
is "another folder" $? 0
llm results w2 >second
is "another folder: same results" "$(diff first second | head -n 3)" ""
if [ "$(served in_flight_peak)" -le 3 ]; then ok "another folder: 3 in flight"; else bad "another folder: 3 in flight" "$(served in_flight_peak)"; fi

# --- After a run up to a stage: what is measured, and what is not yet ---
taf run -f p/pipeline.yaml -w w3 --until clean || bad "until" "$(cat err)"
taf plan -f p/pipeline.yaml -w w3 --json --set stages.agents.with.count=15
is "plan after: basis" "$(of stages.agents.basis <out) $(of stages.think.basis <out)" "earlier-runs prompt-lengths"
is "plan after: to run" "$(of stages.agents.to_run <out) $(of stages.think.to_run <out)" "3 19"
each=$((10#$(of stages.agents.requests <out) / 3))
mean=$(($(of stages.agents.requests <whole.json) / 12))
if [ $each -ge $((mean - 1)) ] && [ $each -le $((mean + 1)) ]; then ok "plan after: requests"; else bad "plan after: requests" "$each a call, $mean were made"; fi

# A pilot measures, too; a stage that is asked for no call is not known.
taf run -f p/pipeline.yaml -w w4 --limit 14 >/dev/null || bad "pilot" "$(cat err)"
taf plan -f p/pipeline.yaml -w w4 --json
is "plan after a pilot: basis" "$(of stages.agents.basis <out) $(of stages.think.basis <out)" "earlier-runs earlier-runs"

# --- One call: its answers are those of the run; a changed prompt asks, and what it got is kept ---
before=$(served requests)
taf try think calls/a1 -f p/pipeline.yaml -w w
is "try" "$? $(($(served requests) - before))" "0 0"
has "try: the answer" out "stored, so it is not asked again"
has "try: what it keeps" out "nothing is stored but answers that are paid for"
taf try think calls/a1 -f p/pipeline.yaml -w none
lacks "try: no folder is no run at work" err "is working"
sed -i '1s/^/请再仔细看。/' p/prompts/annotate/fraud.md
call=$(grep -P '^think\tparcel.*passed' first | head -n 1 | cut -f 2)
taf try think "$call" -f p/pipeline.yaml -w w
is "try anew" "$? $(($(served requests) - before))" "0 1"
asks "after try" $((fraud - 1))

# --- What was asked for a call ---
taf show "$call" think -f p/pipeline.yaml -w w --requests --json
is "show --requests" $? 0
python3 - "$kit" "$call" <<'P'
import json, sys
shown = json.dumps(json.load(open("out")), ensure_ascii=False)
missing = [w for w in ("请再仔细看。", "tokens_in", "scene", "fraud_type", "case-model") if w not in shown]
print(f"not ok show --requests: what was asked and answered: {missing}" if missing else "ok show --requests: what was asked and answered")
P

# --- Answers for a colleague: who takes them over asks nothing, and spends nothing ---
taf answers export answers.zip -f p/pipeline.yaml -w w
is "answers export" $? 0
mkdir w5
taf answers import answers.zip -f p/pipeline.yaml -w w5
is "answers import" $? 0
asked=$(served requests)
taf run -f p/pipeline.yaml -w w5 --json --set max_cost=0
is "after import: a run that may spend nothing" "$? $(($(served requests) - asked))" "0 0"
llm results w5 >taken
llm results w | awk -F '\t' '$3 != "left"' >last
is "after import: same results" "$(diff taken last | head -n 3)" ""
no_key "no key at all" w w5 out err answers.zip
