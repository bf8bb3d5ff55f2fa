# What is wrong with an account, not with a call: its stages stop at once, the rest goes on, and the same command finishes when it is mended. And a server that
# is away for a while: the account pauses, probes, goes on, and says so.
. "$TAF_TOP/tests/cases/kit/llm.sh"
# Two accounts: the agents' and the annotators'.
server_on scribe
scribe=$port scribe_pid=$server_pid
server_on server --auth "$CASE_KEY"
llm_project p 'in_flight: 8' 'price_in: 1'
sed -i -e "s|^stages:|  scribe: {kind: openai, base_url: 'http://127.0.0.1:$scribe/v1', model: case-model, in_flight: 8}\n&|" \
	-e '/uses: annotate/,/with:/s|provider: writer|provider: scribe|' p/pipeline.yaml
taf run -f p/pipeline.yaml -w whole || bad whole "$(cat err)"
requests=$(served requests)
llm results whole >wanted
finishes() { # NAME
	taf run -f p/pipeline.yaml -w w --json
	is "$1: the same command finishes" $? 0
	is "$1: as a run that was not stopped" "$(llm results w | diff wanted - | head -n 3)" ""
	is "$1: nothing answered twice" "$(served answered_again)" 0
}

# --- No key, a wrong key ---
reset
(unset CASE_KEY; taf run -f p/pipeline.yaml -w w)
is "unset: exit status" $? 2
has "unset: named" err "taf: p/pipeline.yaml:$(grep -n api_key_env p/pipeline.yaml | cut -d: -f1):18: provider writer: the environment variable CASE_KEY"
is "unset: before any work" "$(served requests) $(ls w/release w/taf.db 2>/dev/null | wc -l)" "0 $(ls w/taf.db 2>/dev/null | wc -l)"
(unset CASE_KEY; taf run -f p/pipeline.yaml -w w --until calls)
is "unset: not used" $? 0
# A pipeline without scenarios: the kit's are too small for check.
mkdir -p c && cp p/calls.jsonl c/
sed -e '/name: agents/,$d' p/pipeline.yaml >c/pipeline.yaml
echo '  - {name: think, uses: annotate, needs: [calls], with: {provider: writer}}' >>c/pipeline.yaml
(unset CASE_KEY; taf check -f c/pipeline.yaml)
is "unset: check" $? 2
has "unset: check names it" err "CASE_KEY"
(unset CASE_KEY; taf plan -f p/pipeline.yaml -w w)
is "unset: plan needs none" $? 0
is "unset: no probe was made" "$(served requests)" 0
taf check -f c/pipeline.yaml --online
is "check --online" $? 0
has "check --online: model" out "case-model"
is "check --online: one request" "$(served requests)" 1
CASE_KEY=sk-wrong-0815ab taf check -f c/pipeline.yaml --online
is "check --online: wrong key" $? 2
cat out err >said
has "check --online: says so" said "401"
cp c/pipeline.yaml c/two.yaml
echo '  - {name: more, uses: enhance, needs: [calls], with: {provider: scribe}}' >>c/two.yaml
CASE_KEY=sk-wrong-0815ab taf check -f c/two.yaml --online
is "check --online: one of two" $? 2
has "check --online: tells of the one" err "401"
has "check --online: and of the other" out "provider scribe (openai): case-model answered"

reset
CASE_KEY=sk-wrong-0815ab taf run -f p/pipeline.yaml -w w --json
is "401: exit status" $? 1
has "401: words" err "401"
has "401: names the variable" err "CASE_KEY"
if [ "$(served requests)" -le 8 ]; then ok "401: stops at once"; else bad "401: stops at once" "$(served requests) requests"; fi
is "401: stages" "$(of stages.calls.calls_out <out) $(of stages.agents.calls_out <out)" "8 0"
if [ "$(of stages.think.calls_out <out)" = 7 ]; then ok "401: the other account goes on"; else bad "401: the other account goes on" "$(cat out)"; fi
is "401: what was dropped was not computed" "$(of stages.agents.computed <out) $(of stages.agents.quarantined <out)" "1 1"
is "401: state" "$(of run.state <out)" stopped
taf status -f p/pipeline.yaml -w w --json && cp out status.json
if grep -raqF sk-wrong-0815ab w out err status.json; then bad "401: no key" "it is there"; else ok "401: no key"; fi
finishes 401

# --- Money ends in mid-run ---
rm -rf w
reset
switch '{"quota-after": 60, "latency": "5-20"}'
taf run -f p/pipeline.yaml -w w --json
is "quota: exit status" $? 1
has "quota: words" err "exceeded your current quota"
if [ "$(served requests)" -le 68 ]; then ok "quota: stops at once"; else bad "quota: stops at once" "$(served requests) requests"; fi
is "quota: answers are kept" "$(of providers.writer.ok <out)" 60
is "quota: the other account goes on" "$(($(of stages.think.calls_out <out) >= 7))" 1
is "quota: one failure tells it" "$(llm failures w | wc -l)" 1
taf run -f p/pipeline.yaml -w w --json
is "quota: again" $? 1
if [ "$(served requests)" -le 76 ]; then ok "quota: again stops at once"; else bad "quota: again stops at once" "$(served requests) requests"; fi
switch '{"quota-after": 0}'
finishes quota
has "quota: nothing is left of it" <(llm failures w; echo none) none
is "quota: failures" "$(llm failures w)" ""

# --- Away at the start, away in mid-run ---
rm -rf w
reset
switch '{"down-from": 0, "down-for": 4}'
taf run -f p/pipeline.yaml -w w
is "down at the start: exit status" $? 0
has "down at the start: says so" err "provider writer: no reply from the server"
has "down at the start: waits" err "next try in"
has "down at the start: resumes" err "provider writer is back"
is "down at the start: results" "$(llm results w | diff wanted - | head -n 3)" ""
rm -rf w
reset
switch '{"latency": "50-100"}'
begin w
until_served 40 status.200
switch '{"down-from": 0, "down-for": 4}'
ended 60
is "down in mid-run: exit status" "$status" 0
has "down in mid-run: waits" w.err "next try in"
has "down in mid-run: resumes" w.err "provider writer is back"
is "down in mid-run: results" "$(llm results w | diff wanted - | head -n 3)" ""
is "down in mid-run: nothing answered twice" "$(served answered_again)" 0
grep -h "provider writer" w/runs/*.log >log
has "down in mid-run: in the log" log "is back"

# --- Away for longer than one waits ---
rm -rf w
reset
switch '{"down-from": 0.5, "down-for": 3600}'
taf run -f p/pipeline.yaml -w w --json --set providers.writer.patience_s=2
is "patience: exit status" $? 1
has "patience: words" err "run again"
is "patience: the other account goes on" "$(($(of stages.think.calls_out <out) >= 7))" 1
server_off
server_on server --port "$port" --auth "$CASE_KEY"
finishes patience
no_key "no key" w out err status.json w.err w.out log
kill "$scribe_pid"
