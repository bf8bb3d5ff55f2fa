# The test server of LLMs: each switch does what docs/llm-server.md says, by python3's own client on loopback.
. "$TAF_TOP/tests/cases/kit/kit.sh"
server=${TAF_LLM_SERVER:-$TAF_TOP/build/taf-llm-server}
[ -x "$server" ] || { bad program "there is no $server: make servers"; exit 1; }
export server slow

# --- The command line ---
"$server" --help >out; is help $? 0
has help-switch out "--misbehave"
"$server" --version >out; is version $? 0
"$server" --rpm many 2>err; is bad-number $? 2
has bad-number-says err "--rpm wants a whole number"
"$server" --no-such 2>err; is bad-option $? 2
has bad-option-says err "there is no switch --no-such"
"$server" --hang 60 --reset 60 2>err; is over-100 $? 2
has over-100-says err "add up to 120 percent"
"$server" --lines no-such.yaml 2>err; is no-lines $? 1
printf 'kinds: {a: {open: [x]}}\n' >lines.yaml
"$server" --lines lines.yaml 2>err; is bad-lines $? 2
has bad-lines-says err "lines.yaml:1:"

# --- Life ---
"$server" --port-file port >told & pid=$!
for _ in $(seq 1 200); do [ -s port ] && break; sleep 0.05; done
has told told "listening on http://127.0.0.1:$(cat port)/v1"
"$server" --port "$(cat port)" 2>err; is port-taken $? 1
kill "$pid"; wait "$pid"; is sigterm $? 0
sh -c '"$server" --die-with-parent --port-file orphan >orphan.told & echo $! >orphan.pid; while ! [ -s orphan ]; do sleep 0.05; done'
for _ in $(seq 1 200); do [ -e "/proc/$(cat orphan.pid)" ] || break; sleep 0.05; done
[ -e "/proc/$(cat orphan.pid)" ] && bad orphan "it outlived its parent" || ok orphan

python3 "$TAF_TOP/tests/cases/llm-server/switches.py"
python3 "$TAF_TOP/tests/cases/llm-server/agents.py"
