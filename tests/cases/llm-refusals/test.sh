# A model that declines now and then costs draws, not dialogues; one that always does costs the calls, and `taf retry` gives each question as many draws again.
. "$TAF_TOP/tests/cases/kit/llm.sh"
server_on
llm_project p 'in_flight: 16' 'draws: 3'
count=(--until agents --set stages.agents.with.count=24)
taf run -f p/pipeline.yaml -w whole --json "${count[@]}"
is "none declined: exit status" "$?" 0

# Of some 17 questions a dialogue asks, three in a hundred are declined.
reset
switch '{"refuse": 3}'
taf run -f p/pipeline.yaml -w w --json "${count[@]}"
is "some declined: exit status" "$?" 0
declined=$(of providers.0.refused <out)
is "some declined: they were" "$((declined >= 3))" 1
is "some declined: each is stored" "$(llm answers w)" "$(served status.200)"
asked=$(served requests)
taf answers export -w w answers.zip && taf answers import -w handed answers.zip
taf run -f p/pipeline.yaml -w handed --json "${count[@]}"
is "handed on: exit status" "$?" 0
is "handed on: what was declined is not asked again" "$(served requests)" "$asked"
is "handed on: the same dialogues" "$(llm results w | diff - <(llm results handed) | head -n 3)" ""

# always SWITCH CLASS NAME: all questions go wrong, then all is well again, and a retry gets every call
always() {
	local n
	reset
	rm -rf w
	switch "$1"
	taf run -f p/pipeline.yaml -w w --json "${count[@]}"
	is "$3: exit status" "$?" 3
	is "$3: calls" "$(stage quarantined agents <out)" 24
	is "$3: requests" "$(served requests)" $((24 * 3))
	taf status -f p/pipeline.yaml -w w --quarantined
	is "$3: class and reason" "$(grep -c "($2): .*no answer of 3 would do; the last: " out)" 24
	taf run -f p/pipeline.yaml -w w --json "${count[@]}"
	is "$3: they wait" "$(served requests)" $((24 * 3))
	taf retry -f p/pipeline.yaml -w w --json
	is "$3: retry" "$(cat out)" '{"calls":24}'
	taf run -f p/pipeline.yaml -w w --json "${count[@]}"
	is "$3: still" "$(stage quarantined agents <out)" 24
	is "$3: as many draws again" "$(served requests)" $((24 * 6))
	switch "$4"
	taf retry -f p/pipeline.yaml -w w
	taf run -f p/pipeline.yaml -w w --json "${count[@]}"
	is "$3: well again" "$? $(stage quarantined agents <out)" "0 0"
	is "$3: nothing asked twice" "$(served answered_again)" 0
	n=$(served requests)
	taf run -f p/pipeline.yaml -w w --json "${count[@]}"
	is "$3: then all is stored" "$(served requests)" "$n"
}
always '{"refuse": 100}' data "all declined" '{"refuse": 0}'
always '{"length": 100}' invalid "all cut off" '{"length": 0}'
no_key "no key" w out err
