# What the cases with an LLM over the network share: `. "$TAF_TOP/tests/cases/kit/llm.sh"`. A server of the case's own on a free port, and a small project
# whose provider `writer` asks it. What is counted is counted at the server.
. "$TAF_TOP/tests/cases/kit/kit.sh"
server=${TAF_LLM_SERVER:-$TAF_TOP/${BUILD:-build}/taf-llm-server}
if [ ! -x "$server" ]; then
	bad program "there is no $server: make servers"
	exit 1
fi
export CASE_KEY=sk-case-4f1d90c27be3
llm() { python3 "$kit/llm.py" "$@"; }

# server_on [NAME] [OPTION…]: a server that ends with this shell; its port in $port, its pid in $server_pid, its log in NAME.log
server_on() {
	local name=${1:-server} i
	[ $# -eq 0 ] || shift
	rm -f "$name.port"
	"$server" --die-with-parent --port-file "$name.port" --log "$name.log" "$@" >"$name.told" 2>&1 &
	server_pid=$!
	for i in $(seq 1 $((200 * slow))); do
		[ -s "$name.port" ] && break
		sleep 0.05
	done
	if [ ! -s "$name.port" ]; then
		bad server "did not start: $(cat "$name.told")"
		exit 1
	fi
	port=$(cat "$name.port")
}
server_off() {
	kill "$server_pid" 2>/dev/null
	wait "$server_pid" 2>/dev/null
}
# served WHAT: a number of the server's /stats, by its path: requests, status.200, tokens.in
served() { llm stat "$port" "$1"; }
# switch JSON: change the server's switches; reset: its counts, and what it has seen
switch() { llm switch "$port" "$1"; }
reset() { llm reset "$port"; }

# llm_project DIR [PROVIDER OPTIONS…]: the small project with agents: 12 dialogues, children of 4 calls, annotations. Each option is a YAML line "in_flight: 4".
llm_project() {
	local dir=$1 option
	shift
	mkdir -p "$dir"
	cp -r "$kit"/personas.yaml "$kit"/calls.jsonl "$kit"/scenarios "$dir"/
	{
		cat <<-YAML
			version: 1
			name: taf-case
			seed: 7
			providers:
			  writer:
			    kind: openai
			    base_url: http://127.0.0.1:$port/v1
			    api_key_env: CASE_KEY
			    model: case-model
		YAML
		for option in "$@"; do echo "    $option"; done
		cat <<-YAML
			stages:
			  - name: calls
			    uses: import
			    with: {inputs: [calls.jsonl], private: false}
			  - name: agents
			    uses: synthesize
			    with: {provider: writer, scenarios: [scenarios/*.yaml], personas: personas.yaml, count: 12}
			  - name: clean
			    uses: screen
			    needs: [calls, agents]
			    with: {min_chars: 12}
			  - name: more
			    uses: enhance
			    needs: [clean]
			    with: {provider: writer, parents: 4}
			  - name: think
			    uses: annotate
			    needs: [clean, more]
			    with: {provider: writer}
			  - name: checked
			    uses: qa
			    needs: [think]
			    with: {rules: annotations}
		YAML
	} >"$dir/pipeline.yaml"
}
# of PATH <status.json: a value of it: providers.0.requests, stages.agents.computed (stages and providers by name or place)
of() { llm of "$1"; }

pid=0
# begin WORK [ARGS…]: a run of p in the background, its pid in $pid; out and err are its own: WORK.out, WORK.err
begin() {
	local work=$1
	shift
	"$TAF" run -f p/pipeline.yaml -w "$work" "$@" >"$work.out" 2>"$work.err" </dev/null &
	pid=$!
}
# until_served N WHAT: the server has counted so many, while the run of begin is there; false when it ended before, or after a minute
until_served() { llm wait "$port" "$2" "$1" 1000000000 "${pid:-0}"; }
# at_rest: the server has nothing in flight any more
at_rest() { llm wait "$port" in_flight 0 0 0; }
# ended SECONDS → its exit status in $status; killed when it does not end in that time
ended() {
	local i
	for i in $(seq 1 $((10 * $1 * slow))); do
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	if kill -0 $pid 2>/dev/null; then
		kill -9 $pid
		wait $pid 2>/dev/null
		status="still running after $1 s"
	else
		wait $pid
		status=$?
	fi
}
# no_key NAME WORK FILES…: the key stands in none of what a run leaves
no_key() {
	local name=$1 work=$2
	shift 2
	if grep -raqF "$CASE_KEY" "$work" "$@"; then
		bad "$name" "the key stands in $(grep -ralF "$CASE_KEY" "$work" "$@")"
	else
		ok "$name"
	fi
}
