# Speech from a server: stored by line, asked for again when it will not do, at several places; every call ends whole or quarantined with its reason.
TAF_LLM_SERVER=$TAF_TOP/${BUILD:-build}/taf-tts-server
. "$TAF_TOP/tests/cases/kit/llm.sh"
own_programs
server_on
first_port=$port

# tts_project DIR [PROVIDER LINES…]: 8 imported calls, 6 written ones; spoken and mixed
tts_project() {
	local dir=$1 line
	shift
	mkdir -p "$dir"
	cp -r "$kit"/personas.yaml "$kit"/calls.jsonl "$kit"/scenarios "$dir"/
	{
		cat <<-YAML
			version: 1
			name: taf-case
			seed: 7
			providers:
			  talker: {kind: script}
			  voices:
		YAML
		for line in "$@"; do echo "    $line"; done
		cat <<-YAML
			stages:
			  - name: calls
			    uses: import
			    with: {inputs: [calls.jsonl], private: false}
			  - name: agents
			    uses: synthesize
			    with: {provider: talker, scenarios: [scenarios/*.yaml], personas: personas.yaml, count: 6}
			  - name: say
			    uses: speak
			    needs: [calls, agents]
			    with: {provider: voices}
			  - name: mix
			    uses: normalize
			    needs: [say]
		YAML
	} >"$dir/pipeline.yaml"
}
chattts=('kind: chattts' "base_url: http://127.0.0.1:$port" 'in_flight: 6' 'temperature: [0.3, 0.5]' 'casts: 2' 'attempts: 8')
tts_project p "${chattts[@]}"
# sounds WORK: how many are stored
sounds() { python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1] + "/taf.db").execute("SELECT count(*) FROM answer").fetchone()[0])' "$1"; }
# taf_ids WORK: of the imported calls
taf_ids() { python3 -c 'import sqlite3, sys; print("\n".join(r[0] for r in sqlite3.connect(sys.argv[1] + "/taf.db").execute("SELECT id FROM item WHERE id LIKE '"'"'calls/%'"'"'")))' "$1"; }
quarantined() { stage quarantined say <out; }

# What is asked is counted in characters of speech, and called so.
taf plan -f p/pipeline.yaml -w w
has "plan: a column of characters" out "requests  characters"
has "plan: the bill" out " characters of speech"
lacks "plan: no tokens" out "token"
# Calls that are there are counted by their own texts, line by line.
taf run -f p/pipeline.yaml -w w --until calls
taf run -f p/pipeline.yaml -w w --until agents
taf plan -f p/pipeline.yaml -w w --json
is "plan: by the texts" "$(of stages.say.basis <out) $(of stages.say.unit <out)" "call-texts characters"
planned=$(of stages.say.tokens <out)
taf plan -f p/pipeline.yaml -w w
has "plan: tells it" out "for say by the texts of its calls;"

# --- All well ---
taf run -f p/pipeline.yaml -w w --json
is "run: exit status" "$?" 0
is "run: all spoken" "$(stage calls_out say <out) $(stage calls_out mix <out)" "14 14"
taf status -w w
has "status: a column of characters" out "work time  characters"
is "status: the account" "$(grep -c '^provider voices: .* characters$' out)" 1
is "status: all runs" "$(grep -c ' answers, [0-9,]* characters$' out)" 1
lacks "status: no tokens" out "token"
taf status -w w --json
is "plan: as many were spoken" "$(of stages.say.tokens_in <out)" "$planned"
is "status: unit" "$(of stages.say.unit <out) $(of providers.0.unit <out)" "characters characters"
id=$(taf_ids w | head -n 1)
taf show "$id" --requests -f p/pipeline.yaml -w w
is "show: characters" "$(($(grep -c ': chattts, [0-9]* characters$' out) > 1))" 1
lacks "show: no tokens" out "token"
texts=$(sounds w)
llm results w >wanted
python3 - w <<'P'
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/taf.db")
calls = sides = 0
for fields, in db.execute("SELECT fields FROM result"):
    f = json.loads(fields)
    if "speech" not in f:
        continue
    calls += 1
    voices = {json.dumps(s["voice"], sort_keys=True) for s in f["speech"]}
    sides += len(voices)
    bad = [s for s in f["speech"] if s["duration_ms"] < 100 or s["sample_rate"] != 24000]
    print("ok sound" if not bad else f"not ok sound: {bad}")
print("ok each side keeps its voice, and the two differ" if sides == 2 * calls else f"not ok voices: {sides} of {calls} calls")
P
reset
taf run -f p/pipeline.yaml -w w --json --set stages.mix.with.loudness=-20
is "another loudness: nothing is spoken" "$? $(served requests)" "0 0"
# A sound that is deleted is noticed at the next run, and asked for again; with it the results come out the same.
python3 - w <<'P'
import json, os, sqlite3, sys
for fields, in sqlite3.connect(sys.argv[1] + "/taf.db").execute("SELECT fields FROM result"):
    f = json.loads(fields)
    if "speech" in f:
        hex = f["speech"][1]["object"]
        os.remove(f"{sys.argv[1]}/objects/{hex[:2]}/{hex[2:]}")
        break
P
taf run -f p/pipeline.yaml -w w --json
is "a sound deleted: asked for again" "$? $(($(served requests) > 0))" "0 1"
is "a sound deleted: the same results" "$(llm results w | diff wanted - | head -n 3)" ""
reset
cp -r p q
python3 - q/calls.jsonl <<'P'
import json, sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
call = json.loads(lines[0])
call["left"][1] = "我这边是客服中心，请您核对一下刚才的信息。"
lines[0] = json.dumps(call, ensure_ascii=False)
open(sys.argv[1], "w", encoding="utf-8").write("\n".join(lines) + "\n")
P
taf run -f q/pipeline.yaml -w w --json
is "one line changed: that one is spoken" "$? $(served requests) $(($(sounds w) - texts))" "0 1 1"

# A voice more changes some sides, and those alone are spoken: the others' sounds are kept under their voices.
rm -rf v
reset
tts_project v "${chattts[@]}" 'voices: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]'
taf run -f v/pipeline.yaml -w v/w --json
all=$(served sounds)
sed -i 's/, 12]/, 12, 13]/' v/pipeline.yaml
taf run -f v/pipeline.yaml -w v/w --json
is "a voice more: few are spoken" "$? $(($(served sounds) - all < all / 3))" "0 1"

# try speaks what is not stored, and keeps it
rm -rf t
reset
taf run -f p/pipeline.yaml -w t --json --until agents
taf run -f p/pipeline.yaml -w t --json --until calls
id=$(taf_ids t | head -n 1)
cat >bin/failing <<'P'
#!/usr/bin/env python3
import os, struct
def send(kind, ticket, body):
    os.write(3, struct.pack("<IBQ", len(body) + 9, kind, ticket) + body)
os.read(3, 1 << 16)
send(3, 0, b"{}")
os.read(3, 1 << 16)
send(4, 1, b'{"code":-14,"error":"the sound is gone","us":1}')
os.read(3, 1)
P
chmod +x bin/failing
TAF_WORKER="$PWD/bin/failing" taf try say "$id" -f p/pipeline.yaml -w t --json
is "try: a worker that fails: exit status" "$?" 1
has "try: a worker that fails: words" out "the sound is gone"
# Who tries a voice that will not do sees each sound that was asked for, and why it will not.
switch '{"silent": 100}'
taf try say "$id" -f p/pipeline.yaml -w t
is "try: bad sounds: exit status" "$?" 3
has "try: bad sounds: what was asked" out 'provider requests:'
has "try: bad sounds: the text" out '  request 1 (right '
has "try: bad sounds: why" out '(none that will do: it is silent'
has "try: bad sounds: the failure" out 'the work failed (invalid): right '
switch '{"silent": 0, "fail-status": "422=100"}'
taf try say "$id" -f p/pipeline.yaml -w t
has "try: refused: why" out '(none that will do: provider voices: the server refused the request: '
switch '{"fail-status": "422=0"}'
taf try say "$id" -f p/pipeline.yaml -w t --set providers.voices.attempts=1 --set "providers.voices.base_url=http://127.0.0.1:9"
has "try: nobody there: why" out '(none that will do: '
reset
taf try say "$id" -f p/pipeline.yaml -w t --json
is "try: speaks" "$? $(($(served requests) > 0))" "0 1"
asked=$(served requests)
taf try say "$id" -f p/pipeline.yaml -w t --json
is "try: once" "$? $(served requests)" "0 $asked"

# --- Two places, one of them dead; then the other comes ---
reset
dead=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
tts_project two 'kind: chattts' "base_urls: [http://127.0.0.1:$dead, http://127.0.0.1:$first_port]" 'in_flight: 2' 'temperature: [0.3, 0.5]' 'casts: 2' 'attempts: 8'
taf run -f two/pipeline.yaml -w two/w --json
is "one place is dead: exit status" "$?" 0
is "one place is dead: all spoken" "$(stage calls_out say <out)" 14
server_on second
reset_second=$port
sed -i "s/$dead/$port/" two/pipeline.yaml
rm -rf two/w
taf run -f two/pipeline.yaml -w two/w --json
is "two places: exit status" "$?" 0
is "two places: both are used" "$(($(served requests) > 3))" 1
kill "$server_pid"
port=$first_port
is "two places: the same sounds as from one" "$(llm results two/w | diff wanted - | head -n 3)" ""

# --- The ladder, a step each: every sound of a word is silent until something changes ---
word=$(python3 -c 'import json; print(json.loads(open("p/calls.jsonl", encoding="utf-8").readline())["left"][0][:4])')
for step in alone temperature voice never; do
	reset
	rm -rf l
	until=$step
	[ $step != never ] || until=
	switch "{\"silent\": 100, \"where\": \"$word\", \"until\": \"$until\"}"
	taf run -f p/pipeline.yaml -w l --json
	status=$?
	if [ $step = never ]; then
		is "ladder: $step: exit status" "$status" 3
		is "ladder: $step: quarantined" "$(quarantined)" 1
		taf status -f p/pipeline.yaml -w l --quarantined
		has "ladder: $step: reason" out "left 0 \"$word"
		has "ladder: $step: of the sound" out '": no sound would do, in 2 voices; the last: it is silent'
		taf retry -f p/pipeline.yaml -w l
		switch '{"silent": 0, "where": "", "until": ""}'
		taf run -f p/pipeline.yaml -w l --json
		is "ladder: retry: exit status" "$?" 0
	else
		is "ladder: $step: exit status" "$status" 0
		is "ladder: $step: quarantined" "$(quarantined)" 0
	fi
done
switch '{"silent": 0, "where": "", "until": ""}'

# --- All ways of going wrong at once ---
bad='{"engine-error": 3, "empty-mp3": 3, "silent": 3, "short": 3, "long": 3, "torn-mp3": 3, "wrong-rate": 3, "stereo": 3, "wrong-count": 3, "traversal": 3, "bomb": 3, "bad-crc": 3, "encrypted": 3, "doubled": 3, "html": 3, "reset": 3, "truncate": 3, "bad-json": 3, "fail-status": "500=3,503=3"}'
reset
rm -rf b
switch "$bad"
taf run -f p/pipeline.yaml -w b --json --set stages.agents.with.count=20
status=$?
if [ $status = 0 ] || [ $status = 3 ]; then ok "all at once: exit status"; else bad "all at once: exit status" "$status: $(cat err)"; fi
is "all at once: whole or quarantined" "$(($(stage calls_out say <out) + $(quarantined)))" 28
is "all at once: most are whole" "$(($(stage calls_out say <out) >= 26))" 1
echo "# all at once: $(quarantined) of 28 calls quarantined, $(served requests) requests"
switch "$(sed 's/: 3/: 0/g; s/=3/=0/g' <<<"$bad")"

# --- Stopped, and killed ---
sigs="INT KILL"
[ "$slow" = 1 ] || sigs=KILL
for sig in $sigs; do
	reset
	rm -rf w
	switch '{"latency": "100-300"}'
	begin w
	until_served 12 status.200 || bad "SIG$sig: asks" "$(cat w.err)"
	kill -$sig $pid
	ended 20
	switch '{"latency": "0"}'
	at_rest
	made=$(served sounds)
	kept=$(sounds w)
	taf run -f p/pipeline.yaml -w w --json
	is "SIG$sig: goes on" "$?" 0
	is "SIG$sig: as a run that was not stopped" "$(llm results w | diff wanted - | head -n 3)" ""
	[ $sig = KILL ] || is "SIG$sig: nothing answered twice" "$(served answered_again)" 0
	is "SIG$sig: what was kept is not spoken again" "$(($(served sounds) - made))" $((texts - kept))
done

# A worker that is killed while it measures costs nothing. One alone: an item that the second one took over and lost, too, is held for the killer.
reset
rm -rf w
switch '{"latency": "50-100"}'
begin w
until_served 3 status.200 || bad "worker killed: asks" "$(cat w.err)"
worker= # those of the run that was killed before may still be there, those of this one not yet
for _ in $(seq 1 $((100 * slow))); do
	for each in $(workers); do
		grep -qs "^PPid:[[:space:]]*$pid\$" "/proc/$each/status" && worker=$each && break
	done
	[ -n "$worker" ] && break
	sleep 0.05
done
if [ -n "$worker" ] && kill -9 "$worker"; then ok "worker killed: one was"; else bad "worker killed: one was" "none was there"; fi
ended 60
is "worker killed: exit status" "$status" 0
is "worker killed: the same" "$(llm results w | diff wanted - | head -n 3)" ""
switch '{"latency": "0"}'

# A worker that never comes up ends the run, with words, though threads wait for it.
rm -rf w
printf '#!/bin/sh\nexit 1\n' >bin/broken && chmod +x bin/broken
timeout -k 5 $((60 * slow)) env TAF_WORKER="$PWD/bin/broken" "$TAF" run -f p/pipeline.yaml -w w --json >out 2>err </dev/null
is "worker broken: exit status" "$?" 1
has "worker broken: words" err "ends before it is ready"

# Nor is one that says itself that it cannot start the sounds' doing: no call is quarantined for it.
rm -rf w
cat >bin/unable <<'P'
#!/usr/bin/env python3
import os, struct
os.read(3, 1 << 16)
body = b'{"code":-15,"error":"no voice data"}'
os.write(3, struct.pack("<IBQ", len(body) + 9, 3, 0) + body)
P
chmod +x bin/unable
timeout -k 5 $((60 * slow)) env TAF_WORKER="$PWD/bin/unable" "$TAF" run -f p/pipeline.yaml -w w --json >out 2>err </dev/null
is "worker unable: exit status" "$?" 1
has "worker unable: words" err "taf-worker cannot start: no voice data"
is "worker unable: quarantined" "$(quarantined)" 0

# --- OpenAI's contract, in each format ---
formats="mp3 wav flac opus pcm"
[ "$slow" = 1 ] || formats="mp3 pcm" # under a sanitizer: a sound as it is, and one that gets a header
for format in $formats; do
	reset
	tts_project o 'kind: openai-speech' "base_url: http://127.0.0.1:$port/v1" 'model: m' 'voices: [alloy female young, echo male, nova female, onyx male elderly]' "response_format: $format" 'in_flight: 8'
	rm -rf o/w
	taf run -f o/pipeline.yaml -w o/w --json --set stages.agents.with.count=1
	is "openai-speech, $format: exit status" "$?" 0
	is "openai-speech, $format: all spoken" "$(stage calls_out mix <out)" 9
done
switch '{"json-reply": "audio_base64"}'
rm -rf o/w
taf run -f o/pipeline.yaml -w o/w --json --set stages.agents.with.count=1
is "openai-speech, JSON: exit status" "$? $(stage calls_out mix <out)" "0 9"
switch '{"json-reply": ""}'
