# The test server of speech: each switch does what docs/tts-server.md says, by python3's own client on loopback.
. "$TAF_TOP/tests/cases/kit/kit.sh"
server=${TAF_TTS_SERVER:-$TAF_TOP/build/taf-tts-server}
[ -x "$server" ] || { bad program "there is no $server: make servers"; exit 1; }
export server slow

# --- The command line ---
"$server" --help >out; is help $? 0
has help-switch out "--truncated-mp3"
"$server" --version >out; is version $? 0
has version-says out "taf-tts-server "
"$server" --rpm many 2>err; is bad-number $? 2
"$server" --misbehave all=1 2>err; is bad-option $? 2
has bad-option-says err "there is no switch --misbehave"
"$server" --silent 60 --short 60 2>err; is over-100 $? 2
has over-100-says err "add up to 120 percent"
"$server" --until never 2>err; is bad-until $? 2
has bad-until-says err "alone | temperature | voice"
"$server" --voice opera 2>err; is bad-voice $? 2

# --- Life ---
"$server" --port-file port >told & pid=$!
for _ in $(seq 1 200); do [ -s port ] && break; sleep 0.05; done
is told "$(cat told)" "listening on http://127.0.0.1:$(cat port)"
"$server" --port "$(cat port)" 2>err; is port-taken $? 1
kill "$pid"; wait "$pid"; is sigterm $? 0
sh -c '"$server" --die-with-parent --port-file orphan >orphan.told & echo $! >orphan.pid; while ! [ -s orphan ]; do sleep 0.05; done'
for _ in $(seq 1 200); do [ -e "/proc/$(cat orphan.pid)" ] || break; sleep 0.05; done
[ -e "/proc/$(cat orphan.pid)" ] && bad orphan "it outlived its parent" || ok orphan

export PYTHONPATH=$TAF_TOP/tests/cases/llm-server PYTHONDONTWRITEBYTECODE=1
for part in contracts sounds zips ladder way; do
	python3 "$TAF_TOP/tests/cases/tts-server/$part.py" || bad "$part" "it ended with status $?"
done
