# What changed runs again, and nothing else: `plan` before, the run after. The small project, whole pipeline.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p

# What is put back comes from the cache, the release too: its files are packed anew, but that counts as cached.
# step NAME COMPUTED ARGS…: plan and run; COMPUTED is what the run must compute ("say=1 pack=1"), and the plan must have known its bounds
step() {
	local name=$1 want=$2 status
	shift 2
	if ! taf plan -f p/pipeline.yaml -w w --json "$@"; then
		bad "$name plan" "$(cat err)"
		return
	fi
	cp out plan.json
	taf run -f p/pipeline.yaml -w w --json "$@"
	status=$?
	cp out status.json
	if [ $status -ne 0 ]; then
		bad "$name" "exit status $status: $(cat err)"
		return
	fi
	is "$name" "$(computed <status.json)" "$want"
	python3 - "$name" <<'P'
import json, sys
name = sys.argv[1]
plan = {s["name"]: s for s in json.load(open("plan.json"))["stages"]}
bad = []
for s in json.load(open("status.json"))["stages"]:
    p = plan[s["name"]]
    if not p["to_run"] <= s["computed"] <= p["to_run"] + p["unknown"]:
        bad.append("%s: to_run %d, unknown %d, computed %d" % (s["name"], p["to_run"], p["unknown"], s["computed"]))
    if sum(p["reasons"].values()) != p["to_run"]:
        bad.append("%s: %d to run, reasons %s" % (s["name"], p["to_run"], p["reasons"]))
print("not ok %s plan: %s" % (name, "; ".join(bad)) if bad else "ok %s plan" % name)
P
}
# reasons NAME STAGE WANTED: of the latest plan
reasons() {
	is "$1 reasons of $2" "$(stage reasons "$2" <plan.json)" "$3"
}
edit() { # FILE SED-EXPRESSION; it must change something
	cp "$1" before
	sed -i "$2" "$1"
	! cmp -s before "$1" || bad "edit $1" "$2 changes nothing"
}

step first "calls=8 agents=12 clean=20 say=19 sound=19 pack=1"
reasons first agents "{'new-call': 12}"
digests w/release >first.sums
step nothing ""

# Comments, blanks and line ends.
edit p/pipeline.yaml '1i # another comment'
edit p/pipeline.yaml 's/^seed: 7/seed:   7 # of all draws/'
edit p/scenarios/fruit.yaml '1s/.*/# 换一句注释/'
edit p/personas.yaml '1i # who'
step comment ""
edit p/scenarios/parcel.yaml 's/$/\r/'
edit p/calls.jsonl 's/$/\r/'
{ printf '\357\273\277' && cat p/calls.jsonl; } >bom && cp bom p/calls.jsonl
{ printf '\357\273\277' && cat p/scenarios/prize.yaml; } >bom && cp bom p/scenarios/prize.yaml
step "crlf and bom" ""
edit p/calls.jsonl '1s/^\xef\xbb\xbf//;s/\r$//'
touch p/*.* p/scenarios/*
step "touched" ""
is "same release" "$(digests w/release)" "$(cat first.sums)"

# One scenario file of three: its four calls, no other.
cp p/scenarios/parcel.yaml parcel.saved
edit p/scenarios/parcel.yaml 's/您别急啊。/您先别急。/;s/把卡号给我就行。/把卡号报给我吧。/'
step scenario "agents=4 clean=4 say=4 sound=4 pack=1"
reasons scenario agents "{'file-changed': 4}"
reasons scenario calls "{}"
cp parcel.saved p/scenarios/parcel.yaml
step "scenario put back" ""
is "scenario put back: same release" "$(digests w/release)" "$(cat first.sums)"

# A line that only some calls say: the others come out as before, and stop there.
edit p/scenarios/parcel.yaml 's/骗子，挂了。/骗子，再见。/'
step "early cutoff" "agents=4 clean=2 say=2 sound=2 pack=1"
cp parcel.saved p/scenarios/parcel.yaml
step "early cutoff put back" ""

# Parameters.
step loudness "sound=19 pack=1" --set stages.sound.with.loudness=-24
reasons loudness sound "{'parameter-changed': 19}"
taf why fruit/aunt/0001 sound -f p/pipeline.yaml -w w --set stages.sound.with.loudness=-24
has "loudness: why" out "-23 → -24"
step "loudness put back" ""
is "loudness put back: same release" "$(digests w/release)" "$(cat first.sums)"
# calls/a7 (two turns, six letters) passes now; what passed before is not spoken again.
step screen "clean=20 say=1 sound=1 pack=1" --set stages.clean.with.min_turns=2 --set stages.clean.with.min_chars=2
reasons screen clean "{'parameter-changed': 20}"
step "screen put back" ""
step "screen again" "" --set stages.clean.with.min_turns=2 --set stages.clean.with.min_chars=2
step "screen back again" ""
is "screen back again: same release" "$(digests w/release)" "$(cat first.sums)"

# Counts, and calls that leave and come back.
step count "agents=6 clean=6 say=6 sound=6 pack=1" --set stages.agents.with.count=18
reasons count agents "{'new-call': 6}"
step "count put back" ""
is "count put back: same release" "$(digests w/release)" "$(cat first.sums)"
step "count again" "" --set stages.agents.with.count=18
step "count back again" ""
cp p/calls.jsonl calls.saved
edit p/calls.jsonl '/"a5"/d'
step "line removed" "pack=1"
is "line removed: calls in the release" "$(wc -l <w/release/manifest.jsonl)" 18
cp calls.saved p/calls.jsonl
step "line put back" ""
is "line put back: same release" "$(digests w/release)" "$(cat first.sums)"
edit p/calls.jsonl 's/百合十块一枝/百合九块一枝/'
step "line changed" "calls=1 clean=1 say=1 sound=1 pack=1"
reasons "line changed" calls "{'file-changed': 1}"
cp calls.saved p/calls.jsonl
step "line changed back" ""
{ tail -n 4 calls.saved && head -n 4 calls.saved; } >p/calls.jsonl
step "lines in another order" ""
cp calls.saved p/calls.jsonl

# Names are in no key; a stage taken out and put back finds its results.
edit p/pipeline.yaml 's/name: say$/name: talk/;s/\[say\]/[talk]/'
step renamed "pack=1" # stats.json tells the stages' names
edit p/pipeline.yaml 's/name: talk$/name: say/;s/\[talk\]/[say]/'
step "renamed back" ""
edit p/pipeline.yaml '/name: clean/,/min_chars/d;s/\[clean\]/[calls, agents]/'
step "stage removed" "pack=1" # calls/a7 was spoken before, by another way
is "stage removed: calls" "$(wc -l <w/release/manifest.jsonl)" 20
cp "$kit"/pipeline.yaml p/
step "stage put back" ""
is "stage put back: same release" "$(digests w/release)" "$(cat first.sums)"
# A run under another configuration that was killed leaves nothing that confuses the next.
{ TAF_CRASH=after-commit:2 taf run -f p/pipeline.yaml -w w --set seed=9; } 2>/dev/null
step "after a killed run of another seed" ""
is "after a killed run: same release" "$(digests w/release)" "$(cat first.sums)"
step seed "agents=12 clean=12 say=19 sound=19 pack=1" --set seed=8
step "seed put back" ""
is "at the end: same release" "$(digests w/release)" "$(cat first.sums)"
# Copied elsewhere: the times of the release's files are others, so it is written anew, with the same bytes.
cp -r p moved && cp -r w moved/work
taf run -f moved/pipeline.yaml --json
is "moved folder" "$(computed <out)" ""
is "moved folder: same release" "$(digests moved/work/release)" "$(cat first.sums)"
