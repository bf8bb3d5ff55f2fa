# Agents that do wrong in each way that is known. Every call ends clean, by rules that are written here anew, or quarantined with the question and what was wrong
# with its answers; and screen rejects no more of what such agents wrote than of what agents that behave did.
. "$TAF_TOP/tests/cases/kit/llm.sh"
server_on
llm_project p 'in_flight: 64'
for who in behaving misbehaving; do
	reset
	[ $who = behaving ] || switch '{"misbehave": "all=2"}'
	taf run -f p/pipeline.yaml -w $who --json --set "stages.agents.with.count=${TAF_DIALOGUES:-100}"
	status=$?
	cp out $who.json
	llm stat "$port" misbehaved >$who.did
	if [ $status -eq 0 ] || { [ $who = misbehaving ] && [ $status -eq 3 ]; }; then ok "$who: exit status $status"; else bad "$who: exit status" "$status: $(cat err)"; fi
done
python3 - "$kit" <<'P'
import ast, json, re, sys
sys.path.insert(0, sys.argv[1])
import llm


def check(name, good, why=""):
    print(f"ok {name}" if good else f"not ok {name}: {str(why)[:500]}")


# What a turn must not hold: signals and leaked tokens, placeholders, stage directions, markup, the speaker's name, a writer's words, foreign words.
BAD = {"token": r"##|<\||\|>|SIGNAL", "placeholder": r"X{2,}|x{2,}|某某|[\[【]|\{|_{2,}|○", "direction": r"[（(*]", "markup": r"[*#`]|^\s*[-•]|^\d+\.",
       "prefix": r"^\s*(左|右|left|right|客服|用户|诈骗者|骗子|对方|顾客|主叫|被叫|接电话的人|我)\s*[:：]", "lines": r"\n",
       "meta": r"作为.{0,4}(AI|人工智能|语言模型)|用户画像|示例|等待用户|语料|提示词", "english": r"[A-Za-z]{3,}\s+[A-Za-z]{2,}", "empty": r"^\s*$"}


def faults(turns, by_agents):
    found = [(name, t["text"]) for t in turns for name, p in BAD.items() if re.search(p, t["text"])]
    found += [("twice", a["text"]) for a, b in zip(turns, turns[1:]) if a["role"] == b["role"]]
    said = [(t["role"], t["text"]) for t in turns if len(t["text"]) > 8]
    found += [("repeat", t) for t in said if said.count(t) > 1]
    return found


for who in ("behaving", "misbehaving"):
    results, reasons = llm.results(who), llm.failures(who)
    status = {s["name"]: s for s in json.load(open(who + ".json"))["stages"]}
    written = {k: json.loads(f) for k, (o, f) in results.items() if k[0] in ("agents", "more") and o == "passed"}
    dirty = {k: faults(f["turns"], k[0] == "agents") for k, f in written.items()}
    dirty = {k: v for k, v in dirty.items() if v}
    check(f"{who}: {len(written)} calls are clean", written and not dirty, dirty)
    asked = [f for (s, _), f in written.items() if s == "agents" and f["termination"]["signal"] == "ENDCALL_SIGNAL" and f["turns"][-1]["text"].endswith(("？", "?"))]
    check(f"{who}: nobody hangs up on a question", not asked, asked)
    # One of left, right, natural; a hang-up is by who spoke last.
    ends = {f["termination"]["by"] for f in written.values()}
    check(f"{who}: terminators", ends <= {"left", "right", "natural"}, ends)
    notes = {k: json.loads(f) for k, (o, f) in results.items() if k[0] == "think" and o == "passed"}
    labels = {i: f["label"] for (_, i), f in written.items()}
    wrong = [i for (_, i), f in notes.items() if i in labels and f["annotations"]["fraud"]["answer"]["is_fraud"] != labels[i]["is_fraud"]]
    leaks = [i for (_, i), f in notes.items() if re.search("标签|答案|已知|给定|题目|核实过的结论", json.dumps(f["annotations"], ensure_ascii=False))]
    check(f"{who}: {len(notes)} annotations are true and leak nothing", notes and not wrong and not leaks, (wrong, leaks))
    rejected, calls = status["clean"]["rejected"] - 1, status["agents"]["calls_out"]  # one imported call is too short by itself
    print(f"{who}: screen rejected {rejected} of {calls} dialogues, {status['agents']['quarantined']} quarantined; qa rejected {status['checked']['rejected']} "
          f"of {status['checked']['calls_in']}; {json.load(open(who + '.json'))['providers'][0]['invalid']} answers were not valid")
    check(f"{who}: screen lets them pass", rejected <= 2 and status["checked"]["rejected"] == 0, (status["clean"], status["checked"]))
    # STEP: no answer of N would do; the last: WHAT
    mute = [r for r in reasons if not re.match(r"(closing |ending )?[a-z]+( \d+)?( repair)?: no answer of \d+ would do; the last: \S", r[3])]
    check(f"{who}: {len(reasons)} quarantined, each with question and reason", not mute, mute)
did = ast.literal_eval(open("misbehaving.did").read())
check("each was done", len(did) >= 16, did)
status = {s["name"]: s for s in json.load(open("misbehaving.json"))["stages"]}
check("most come through", status["agents"]["calls_out"] >= 0.8 * status["agents"]["calls_in"] and status["think"]["calls_out"] >= 0.8 * status["think"]["calls_in"], status)
P
