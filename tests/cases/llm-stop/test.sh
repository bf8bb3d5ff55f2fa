# Stopping a run that asks a model: by signals and by limits. What was paid for is kept, the next run asks the rest, and the result is an undisturbed run's.
. "$TAF_TOP/tests/cases/kit/llm.sh"
server_on
llm_project p 'in_flight: 8' 'price_in: 2' 'price_out: 8'
taf run -f p/pipeline.yaml -w whole --json || bad whole "$(cat err)"
cost=$(of providers.0.cost <out)
requests=$(served requests)
llm results whole >wanted
# share F: of the whole cost, as a decimal
share() { python3 -c 'import sys; print("%.6f" % (float(sys.argv[1]) * float(sys.argv[2])))' "$cost" "$1"; }
at_most() { python3 -c 'import sys; sys.exit(float(sys.argv[1]) > float(sys.argv[2]))' "$1" "$2"; }
# anew LATENCY: an empty server, no work folder
anew() {
	reset
	switch "{\"latency\": \"$1\"}"
	rm -rf w w.out w.err
}
# kept NAME: every answer that the server gave is stored, and the way on is told
kept() {
	at_rest || bad "$1: server at rest" "$(served in_flight)"
	is "$1: answers kept" "$(llm answers w)" "$(served status.200)"
	is "$1: not all" "$(($(served status.200) < requests))" 1
}
# goes_on NAME ARGS…: to the end, asking nothing that was answered before
goes_on() {
	local name=$1
	shift
	switch '{"latency": "0"}'
	taf run -f p/pipeline.yaml -w w --json "$@"
	is "$name: goes on" "$?" 0
	is "$name: nothing answered twice" "$(served answered_again)" 0
	is "$name: as a run that was not stopped" "$(llm results w | diff wanted - | head -n 3)" ""
}

# --- Signals ---
for sig in INT TERM; do
	anew 150-400
	begin w
	until_served 200 status.200 || bad "SIG$sig: asks" "$(cat w.err)"
	kill -$sig $pid
	ended 20
	is "SIG$sig: exit status" "$status" 130
	kept "SIG$sig"
	is "SIG$sig: nothing dropped" "$(served gone)" 0
	taf status -f p/pipeline.yaml -w w --json
	is "SIG$sig: state" "$(of run.state <out)" interrupted
	has "SIG$sig: says how to go on" w.out "it goes on from there"
	taf plan -f p/pipeline.yaml -w w --json
	is "SIG$sig: plan knows what was measured" "$(of stages.agents.basis <out)" earlier-runs
	goes_on "SIG$sig"
	is "SIG$sig: nothing asked twice" "$(served seen_again) $(served requests)" "0 $requests"
done
anew 20000
begin w
until_served 4 in_flight || bad "twice: asks" "$(cat w.err)"
kill -INT $pid
sleep 1
if kill -0 $pid 2>/dev/null; then ok "twice: once waits for what is in flight"; else bad "twice: once waits for what is in flight" "$(cat w.err)"; fi
kill -INT $pid
ended 15 # less than the latency
is "twice: exit status" "$status" 130
is "twice: nothing was answered" "$(served status.200)" 0
goes_on "twice"

# --- Limits ---
anew 10-30
taf run -f p/pipeline.yaml -w w --until agents --limit 6 --max-cost 0.0001 --max-time 5m
is "the same run: exit status" "$?" 4
has "the same run: with its limits" out "taf run -f p/pipeline.yaml -w w --until agents --limit 6 --max-cost 0.0001 --max-time 300"
anew 10-30
taf run -f p/pipeline.yaml -w w --json --max-cost "$(share 0.3)"
is "max-cost: exit status" "$?" 4
has "max-cost: words" err "--max-cost"
at_most "$(of providers.0.cost <out)" "$(share 0.3)" && ok "max-cost: held" || bad "max-cost: held" "$(cat out)"
at_most "$(share 0.15)" "$(of providers.0.cost <out)" && ok "max-cost: used" || bad "max-cost: used" "$(cat out)"
kept "max-cost"
goes_on "max-cost"

anew 10-30
taf run -f p/pipeline.yaml -w w --json --set "max_cost=$(share 0.3)"
is "max_cost: exit status" "$?" 4
has "max_cost: words" err "max_cost"
spent=$(of providers.0.cost <out)
kept "max_cost"
taf run -f p/pipeline.yaml -w w --json --set "max_cost=$(share 0.35)"
is "max_cost: of both runs" "$?" 4
at_most "$(python3 -c "print($spent + $(of providers.0.cost <out))")" "$(share 0.35)" && ok "max_cost: held by both runs" ||
	bad "max_cost: held by both runs" "$spent and $(cat out)"
goes_on "max_cost" --set "max_cost=$(share 1.1)"

anew 10-30
taf run -f p/pipeline.yaml -w w --json --set max_tokens=60000
is "max_tokens: exit status" "$?" 4
has "max_tokens: words" err "max_tokens"
if [ $(($(of providers.0.tokens_in <out) + $(of providers.0.tokens_out <out))) -le 60000 ]; then ok "max_tokens: held"; else bad "max_tokens: held" "$(cat out)"; fi
kept "max_tokens"
goes_on "max_tokens"

anew 600
taf run -f p/pipeline.yaml -w w --json --set max_time=1s
is "max_time: exit status" "$?" 4
kept "max_time"
goes_on "max_time" --set max_time=10m

# --- Paying again ---
before=$(served requests)
again=(--set confirm_above=0.001 --set stages.think.generation=2)
taf run -f p/pipeline.yaml -w w "${again[@]}"
is "confirm_above: exit status" "$?" 4
has "confirm_above: words" err "confirm_above"
has "confirm_above: way on" err "--yes"
is "confirm_above: nothing asked" "$(served requests)" "$before"
taf run -f p/pipeline.yaml -w w --set confirm_above=0.001 --set stages.agents.with.count=13
is "confirm_above: new calls are what a run is for" "$?" 0
before=$(served requests)
taf run -f p/pipeline.yaml -w w "${again[@]}" --yes
is "confirm_above: yes" "$?" 0
is "confirm_above: yes asks" "$(($(served requests) > before))" 1
taf run -f p/pipeline.yaml -w w --set confirm_above=1000 --set stages.think.generation=3
is "confirm_above: little enough" "$?" 0
# What is paid again behind a stage that is paid again counts; a rule that rejects one call more or less does not.
before=$(served requests)
taf run -f p/pipeline.yaml -w w --json --set stages.agents.generation=2 --set stages.think.generation=3 --set "confirm_above=$(share 0.7)"
is "confirm_above: what is behind counts" "$? $(served requests)" "4 $before"
taf run -f p/pipeline.yaml -w w --json --set stages.think.generation=3 --set stages.clean.with.max_turn_chars=500 --set confirm_above=0.001
is "confirm_above: not so a changed rule" "$? $(served requests)" "0 $before"
no_key "no key" w out err
