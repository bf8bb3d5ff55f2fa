# A server whose every other request fails, in all ways of the transport at once. With 8 attempts nearly all dialogues are whole, and those are what a faultless
# server gives; the others have failed with a reason, and the next run takes them up.
. "$TAF_TOP/tests/cases/kit/llm.sh"
server_on
llm_project p 'in_flight: 16' 'timeout_s: 2' 'connect_timeout_s: 2'
# Short talks, and no children: those are made of whoever is there.
sed -i -e 's/count: 12}/count: 8, min_turns: 4, max_turns: 6}/' -e 's/needs: \[clean, more\]/needs: [clean]/' -e '/name: more/,/with:/d' p/pipeline.yaml
taf run -f p/pipeline.yaml -w whole --json || bad whole "$(cat err)"
cp out whole.json
llm results whole >wanted
requests=$(served requests)

# check NAME ATTEMPTS WORK: the whole ones equal the faultless run's, the others have failed with a reason, and there are no fewer of the first than can be expected
faults='{"fail-status": "500=5,503=5,429=5", "hang": 5, "reset": 5, "reset-mid": 5, "drip": 5, "truncate": 5, "html": 5, "bad-json": 5}'
check() {
	python3 - "$kit" "$@" <<'P'
import json, math, sys
sys.path.insert(0, sys.argv[1])
import llm
name, attempts, work = sys.argv[2], int(sys.argv[3]), sys.argv[4]
wanted, now = llm.results("whole"), llm.results(work)
reasons = {(s, i): (code, text) for s, i, code, text in llm.failures(work)}
status = json.load(open("whole.json"))
stages = {s["name"]: s for s in status["stages"]}
# A request fails in 10 ways with 5% each, p = 0.5; a question when its attempts all fail, p^attempts; a call is whole when none of its n questions fails:
# (1 - p^attempts)^n. n: what was asked a dialogue, to write and to annotate it.
p = 10 * 0.05
questions = {"agents": stages["agents"]["requests"] / stages["agents"]["computed"], "think": stages["think"]["requests"] / stages["think"]["computed"]}
for stage, n in questions.items():
    calls = [k for k, v in wanted.items() if k[0] == stage and v[0] == "passed"]
    tried = [k for k in calls if now.get(k, ("missed",))[0] not in ("missed", "ended")]
    whole = [k for k in tried if now[k][0] == "passed"]
    differ = [k for k in whole if now[k] != wanted[k]]
    silent = [k for k in tried if now[k][0] != "passed" and (now[k][0] != "failed" or not reasons.get(k, (0, ""))[1])]
    share = (1 - p ** attempts) ** n
    least = len(tried) * share - 3 * math.sqrt(len(tried) * share * (1 - share))
    print(f"{name}, {stage}: {len(whole)} of {len(tried)} whole, expected {100 * share:.1f}% = {len(tried) * share:.1f}")
    print(f"not ok {name}: {stage} as without faults: {differ}" if differ else f"ok {name}: {stage} as without faults")
    print(f"not ok {name}: {stage} says why: {silent}" if silent else f"ok {name}: {stage} says why")
    print(f"ok {name}: {stage} whole" if len(whole) >= least else f"not ok {name}: {stage} whole: {len(whole)} of {len(tried)}, at least {least:.1f}")
P
}

reset
switch "$faults"
taf run -f p/pipeline.yaml -w w --json
status=$?
[ $status -eq 0 ] || [ $status -eq 3 ] && ok "8 attempts: exit status $status" || bad "8 attempts: exit status" "$status: $(cat err)"
cp out status.json
check "8 attempts" 8 w
at_rest
python3 - "$kit" "$port" <<'P'
import json, sys
sys.path.insert(0, sys.argv[1])
import llm
seen = json.loads(llm.call(sys.argv[2], "/stats"))
ways = ("status", "hang", "reset", "reset-mid", "drip", "truncate", "html", "bad-json")
failed = sum(seen["failures"].get(w, 0) for w in ways)
share = failed / seen["admitted"]
print("ok every way was taken" if all(seen["failures"].get(w) for w in ways) else f"not ok every way was taken: {seen['failures']}")
print(f"ok half of the requests failed: {share:.2f}" if 0.4 < share < 0.6 else f"not ok half of the requests failed: {share:.2f}")
p = json.load(open("status.json"))["providers"][0]
print("ok counted" if p["requests"] == seen["requests"] and p["limited"] == seen["status"]["429"] and p["lost"] > 0 and p["troubled"] > 0
      else f"not ok counted: {p} {seen}")
P
is "8 attempts: nothing answered twice" "$(served answered_again)" 0

reset
switch "$faults"
taf run -f p/pipeline.yaml -w w2 --json --set providers.writer.attempts=2
is "2 attempts: exit status" $? 3
check "2 attempts" 2 w2
has "2 attempts: words" <(llm failures w2) "gave no answer to 2 attempts"
is "2 attempts: some failed" "$(($(llm failures w2 | wc -l) > 2))" 1
at_rest
answered=$(llm answers w2)
switch '{"fail-status": "500=0", "hang": 0, "reset": 0, "reset-mid": 0, "drip": 0, "truncate": 0, "html": 0, "bad-json": 0}'
reset
taf run -f p/pipeline.yaml -w w2 --json --set providers.writer.attempts=2
is "later: taken up" $? 0
is "later: as without faults" "$(llm results w2 | diff wanted - | head -n 3)" ""
is "later: only the rest was asked" "$(served requests)" $((requests - answered))

# --- Few descriptors: fewer are asked at once, and neither server nor database seems gone ---
reset
switch '{"latency": "100-200"}'
(ulimit -n 64 && taf run -f p/pipeline.yaml -w few --until agents --json --set stages.agents.with.count=60 --set providers.writer.in_flight=100)
is "few files: run" $? 0
has "few files: said" err "ulimit -n"
is "few files: no request was lost" "$(of providers.0.lost <out)" 0
