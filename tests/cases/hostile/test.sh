# What comes from outside may be broken in any way: a clear error with its place, the right exit status, never a hang, never a crash.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project clean

# tells NAME STATUS WORDS… -- ARGS…: the exit status, and each of the words in what it says
tells() {
	local name=$1 want=$2 words=() status word said
	shift 2
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	taf "$@"
	status=$?
	cat out err >said
	if [ $status -ge 124 ] && [ $status -ne 130 ]; then
		bad "$name" "hangs or crashes, exit status $status: $(tail -n 5 err)"
	elif [ $status -ne "$want" ]; then
		bad "$name" "exit status $status, not $want: $(tail -n 6 err)"
	elif grep -q 'Sanitizer\|runtime error' said; then
		bad "$name" "$(grep -A 3 'Sanitizer\|runtime error' said)"
	elif [ "$(wc -c <err)" -gt 100000 ]; then
		bad "$name" "says $(wc -c <err) bytes"
	else
		for word in "${words[@]}"; do
			if ! grep -qF -- "$word" said; then
				bad "$name" "does not say '$word' but: $(head -n 12 err)"
				return
			fi
		done
		ok "$name"
	fi
}
# config NAME SED-EXPRESSION WORDS…: the pipeline so edited is refused before any work
config() {
	local name=$1
	rm -rf p w && project p
	sed -i "$2" p/pipeline.yaml
	shift 2
	tells "config: $name" 2 "$@" -- run -f p/pipeline.yaml -w w
	[ ! -e w/taf.db ] || bad "config: $name: nothing done" "there is a taf.db"
}
# whole NAME WORDS…: p/pipeline.yaml as it is now is refused
whole() {
	local name=$1
	shift
	tells "config: $name" 2 "$@" -- run -f p/pipeline.yaml -w w
}

# --- The pipeline file ---
config "list not closed" 's/needs: \[clean\]/needs: [clean/' "p/pipeline.yaml:2"
config "tab" 's/^  - name: say/\t- name: say/' "p/pipeline.yaml:"
config "text for a number" 's/count: 12/count: many/' "p/pipeline.yaml:14:" "count" "many" "^"
config "number out of range" 's/count: 12/count: -3/' "p/pipeline.yaml:14:" "count"
config "number beyond all" 's/count: 12/count: 99999999999999999999/' "p/pipeline.yaml:14:" "count"
config "list for a map" 's/^    with: {provider: voice, rate: 2}/    with: [voice]/' "p/pipeline.yaml:22:"
config "map for a list" 's/needs: \[clean\]/needs: {clean: 1}/' "p/pipeline.yaml:21:"
config "a text for all stages" 's/^stages:/stages: none\nrest:/' "p/pipeline.yaml:"
config "not a number" 's/rate: 2/rate: .nan/' "p/pipeline.yaml:22:" "rate"
config "without end" 's/rate: 2/rate: .inf/' "p/pipeline.yaml:22:" "rate"
config "unknown keys, all at once" 's/^seed:/sead:/;s/count: 12/cuont: 12/;s/uses: screen/usses: screen/' "'sead'" "did you mean 'seed'" \
	"'cuont'" "did you mean 'count'" "'usses'" "did you mean 'uses'"
config "unknown stage type" 's/uses: screen/uses: scren/' "p/pipeline.yaml:16:" "scren" "screen"
config "unknown provider kind" 's/kind: espeak/kind: espeek/' "p/pipeline.yaml:7:" "espeek" "espeak"
config "unknown need" 's/needs: \[clean\]/needs: [claen]/' "p/pipeline.yaml:21:" "claen" "clean"
config "cycle" 's/needs: \[calls, agents\]/needs: [calls, agents, sound]/' "p/pipeline.yaml:" "clean" "say" "sound"
config "needs itself" 's/needs: \[clean\]/needs: [say]/' "p/pipeline.yaml:" "say"
config "name twice" 's/name: sound/name: say/' "p/pipeline.yaml:" "say"
config "field that nobody writes" 's/needs: \[sound\]/needs: [clean]/' "p/pipeline.yaml:" "audio" "clean"
config "private data" 's/, private: false//' "p/pipeline.yaml:" "private" "anonymize"
config "wrong provider" 's/provider: voice/provider: writer/' "p/pipeline.yaml:22:" "writer"
config "no such provider" 's/provider: voice/provider: vioce/' "p/pipeline.yaml:22:" "vioce"
config "key given twice" 's/^seed: 7/seed: 7\nseed: 8/' "p/pipeline.yaml:" "seed"
config "literal key" 's/{kind: espeak}/{kind: espeak, api_key: sk-1234567890abcdef}/' "p/pipeline.yaml:7:" "api_key"
lacks "config: a key is not repeated" <(sed -n '/taf:/p' err) "sk-1234567890abcdef"
config "no such input" 's/calls.jsonl/colls.jsonl/' "p/pipeline.yaml:11:" "colls.jsonl"
config "glob without match" 's/calls.jsonl/"*.nothing"/' "p/pipeline.yaml:11:" "*.nothing"
config "version to come" 's/^version: 1/version: 9/' "p/pipeline.yaml:2:" "version"
config "empty name" 's/name: say$/name: ""/' "p/pipeline.yaml:"
config "name with a slash" 's/name: say$/name: ..\/say/;s/\[say\]/[..\/say]/' "p/pipeline.yaml:"
config "two documents" '$a ---\nversion: 1' "p/pipeline.yaml:"
config "tag" 's/^seed: 7/seed: !!python\/object:os.system 7/' "p/pipeline.yaml:"

rm -rf p && project p
{
	echo "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"
	for i in $(seq 1 20); do echo "a$i: &a$i [$(yes "*a$((i - 1))" | head -n 10 | paste -sd,)]"; done
} >p/pipeline.yaml
whole "alias bomb" "p/pipeline.yaml"
{
	cat clean/pipeline.yaml
	for i in $(seq 1 20000); do printf '# %0500d\n' "$i"; done
} >p/pipeline.yaml
whole "ten megabytes" "p/pipeline.yaml" "larger"
{
	printf 'version: '
	head -c 200000 /dev/zero | tr '\0' '['
} >p/pipeline.yaml
whole "deep" "p/pipeline.yaml"
{ head -n 2 clean/pipeline.yaml && printf 'name: caf\xe9\n' && tail -n +4 clean/pipeline.yaml; } >p/pipeline.yaml
whole "invalid UTF-8" "p/pipeline.yaml:3" "UTF-8"
{ head -n 2 clean/pipeline.yaml && printf 'name: a\0b\n' && tail -n +4 clean/pipeline.yaml; } >p/pipeline.yaml
whole "a zero byte" "p/pipeline.yaml:"
: >p/pipeline.yaml
whole "empty" "p/pipeline.yaml"
echo "just words" >p/pipeline.yaml
whole "no map" "p/pipeline.yaml:1"
head -c 3000 /dev/urandom >p/pipeline.yaml
whole "noise" "p/pipeline.yaml"
tells "config: a folder" 2 "clean" -- run -f clean -w w
tells "config: missing" 2 "not-here.yaml" -- run -f not-here.yaml -w w
mkfifo pipe
tells "config: a pipe" 2 "pipe" -- run -f pipe -w w
tells "config: a device without end" 2 "/dev/zero" -- run -f /dev/zero -w w

# --- The command line ---
tells "usage: no such command" 2 "rnu" "run" -- rnu
tells "usage: no such option" 2 "limt" "limit" -- run --limt 3
tells "usage: no number" 2 "--jobs" -- run -j many
tells "usage: no jobs" 2 "--jobs" -- run -j 0
tells "usage: a value is missing" 2 "--file" -- run -f
tells "usage: bad --set" 2 "--set" -- run -f clean/pipeline.yaml -w w --set nonsense
tells "usage: --set of nothing" 2 "nostage" -- run -f clean/pipeline.yaml -w w --set stages.nostage.with.count=3
tells "usage: unknown profile" 2 "nightly" -- run -f clean/pipeline.yaml -w w --profile nightly
tells "usage: unknown stage" 2 "sya" "say" -- run -f clean/pipeline.yaml -w w --until sya
tells "usage: no run yet" 1 "taf run" -- status -f clean/pipeline.yaml -w nothing-here

# --- Inputs and scenarios ---
rm -rf p w && project p
cp -r "$TAF_TOP"/tests/fixtures/broken p/broken
{
	printf '{"tts_id": "b1", "left": ["您好'
	printf '\n{"tts_id": "b2", "left": "text", "right": []}\n[1,2]\nnull\n\n{}\n'
	printf '{"tts_id": "b3", "left": ["caf\xe9"], "right": ["x"], "fraud_type": "日常购物"}\n'
	printf '{"tts_id": "a1", "left": ["您好。"], "right": ["再见。"], "fraud_type": "日常购物"}\n'
	head -c 100000 /dev/zero | tr '\0' '['
	printf '\n{"tts_id": "b4", "left": ["a\\u0000b"], "right": ["\\ud800"], "fraud_type": "日常购物"}\n'
	printf '{"tts_id": 5, "left": [1], "right": [null], "fraud_type": 7}\n'
	printf '{"tts_id": "b5", "left": ["\xe4\xbd'
} >p/worst.jsonl
cat p/calls.jsonl p/worst.jsonl >p/all.jsonl
sed -i 's|inputs: \[calls.jsonl\]|inputs: [all.jsonl]|' p/pipeline.yaml
tells "input: broken lines" 1 "max_quarantined" -- run -f p/pipeline.yaml -w w
tells "input: broken lines, partial" 3 "quarantined" -- run -f p/pipeline.yaml -w w --partial
cat w/runs/*.log >said
for line in 9 10 11 15 16 18 19; do has "input: line $line is named" said "all.jsonl:$line"; done
is "input: the others went on" "$(grep -c '"id":"calls/\|"id":"all/' w/release/manifest.jsonl)" 7
rm -rf w
sed -i 's|inputs: \[all.jsonl\]|inputs: [calls.jsonl, broken/*]|' p/pipeline.yaml
tells "input: broken files" 3 "quarantined" -- run -f p/pipeline.yaml -w w --partial --until clean
cat w/runs/*.log >said
for file in cut-short.json wrong-role.json no-label not-a-transcript.txt; do has "input: $file is named" said "$file"; done
sed -i 's|inputs: .*, private|inputs: [scenarios], private|' p/pipeline.yaml
tells "input: a folder of other things" 3 "quarantined" -- run -f p/pipeline.yaml -w w --until clean
for file in fruit parcel prize; do
	tells "input: every file has its reason: $file" 0 "$file.yaml" -- why "$file" -f p/pipeline.yaml -w w
done
rm -rf p w && project p
mkfifo p/pipe.jsonl
sed -i 's|inputs: \[calls.jsonl\]|inputs: [pipe.jsonl]|' p/pipeline.yaml
taf run -f p/pipeline.yaml -w w --until clean
status=$?
cat out err w/runs/*.log >said 2>/dev/null
if [ $status -ge 1 ] && [ $status -le 3 ] && grep -q 'pipe.jsonl' said; then ok "input: a pipe"; else bad "input: a pipe" "exit status $status: $(cat err)"; fi
rm -rf p w && project p
if [ "$(id -u)" -ne 0 ]; then
	chmod 000 p/calls.jsonl
	taf run -f p/pipeline.yaml -w w --until clean
	status=$?
	cat out err w/runs/*.log >said 2>/dev/null
	if [ $status -ge 1 ] && [ $status -le 3 ] && grep -q 'calls.jsonl' said; then ok "input: unreadable"; else bad "input: unreadable" "exit status $status"; fi
	chmod 644 p/calls.jsonl
else
	echo "skipped: an unreadable file: root reads all"
fi
sed -i '3s/.*/kind: normall/' p/scenarios/fruit.yaml
rm -rf w
tells "scenario: broken" 2 "scenarios/fruit.yaml:" -- run -f p/pipeline.yaml -w w
head -c 3000 /dev/urandom >p/scenarios/fruit.yaml
tells "scenario: noise" 2 "scenarios/fruit.yaml" -- run -f p/pipeline.yaml -w w
cp clean/scenarios/parcel.yaml p/scenarios/fruit.yaml
tells "scenario: name twice" 2 "parcel" -- run -f p/pipeline.yaml -w w

# --- The work folder ---
rm -rf p w && project p
tells "work: good" 0 -- run -f p/pipeline.yaml -w w
digests w/release >wanted
cp -a w g && head -c 20000 /dev/urandom >g/taf.db && rm -f g/taf.db-*
cp g/taf.db garbage
for command in run status "why calls/a7" plan gc; do
	read -ra words <<<"$command"
	tells "work: taf.db is noise: $command" 1 "g/taf.db" -- "${words[@]}" -f p/pipeline.yaml -w g
done
if cmp -s g/taf.db garbage; then ok "work: noise is left alone"; else bad "work: noise is left alone" "taf.db changed"; fi
: >empty && rm -rf e && mkdir e && cp empty e/taf.db
taf run -f p/pipeline.yaml -w e
status=$?
if [ $status -le 1 ]; then ok "work: taf.db is empty"; else bad "work: taf.db is empty" "exit status $status: $(cat err)"; fi
cp -a w n && python3 -c 'import sqlite3
db = sqlite3.connect("n/taf.db")
db.execute("PRAGMA user_version = 999")
db.commit()'
for command in run status plan; do
	tells "work: taf.db of a newer version: $command" 1 "n/taf.db" "newer" -- $command -f p/pipeline.yaml -w n
done
cp -a w c && python3 -c 'import os
size = os.path.getsize("c/taf.db")
with open("c/taf.db", "r+b") as f: # the pages after the first, but for the header
    f.seek(4096)
    f.write(os.urandom(size - 4096))'
tells "work: taf.db is damaged" 1 "c/taf.db" -- run -f p/pipeline.yaml -w c
: >file
tells "work: a file" 1 "file" -- run -f p/pipeline.yaml -w file
tells "work: cannot be made" 1 "/proc/nothing" -- run -f p/pipeline.yaml -w /proc/nothing
mkdir -p ro
if mount -t tmpfs -o size=4m none ro 2>/dev/null; then
	mkdir ro/w && cp -a w/. ro/w/ 2>/dev/null
	mount -o remount,ro ro
	tells "work: read-only" 1 "ro/w" -- run -f p/pipeline.yaml -w ro/w
	tells "work: read-only, never used" 1 "ro/new" -- run -f p/pipeline.yaml -w ro/new
	umount ro
else
	echo "skipped: a read-only folder: no tmpfs"
fi
# Objects that are gone or damaged are made again in the same run, when somebody needs them.
largest() { find w/objects -type f -printf '%s %p\n' | sort -n | tail -n "$1" | head -n 1 | cut -d ' ' -f 2; }
rm "$(largest 1)" w/release/audio.zip
tells "work: a lost object" 0 -- run -f p/pipeline.yaml -w w
is "work: a lost object: same release" "$(digests w/release)" "$(cat wanted)"
truncate -s 100 "$(largest 2)" && rm w/release/audio.zip
tells "work: an object cut short" 0 -- run -f p/pipeline.yaml -w w
is "work: an object cut short: same release" "$(digests w/release)" "$(cat wanted)"
for n in 1 2 3; do
	printf 'xxxx' | dd of="$(largest $n)" bs=1 seek=500 conv=notrunc 2>/dev/null
done
rm w/release/audio.zip
tells "work: damaged objects" 0 -- run -f p/pipeline.yaml -w w
is "work: damaged objects: same release" "$(digests w/release)" "$(cat wanted)"
rm -rf w/objects
rm w/release/audio.zip
tells "work: all objects gone" 0 -- run -f p/pipeline.yaml -w w
is "work: all objects gone: same release" "$(digests w/release)" "$(cat wanted)"

# --- The worker ---
TAF_WORKER=/nowhere/taf-worker tells "worker: missing" 1 "/nowhere/taf-worker" -- run -f p/pipeline.yaml -w x1
TAF_WORKER=$PWD/file tells "worker: no program" 1 "$PWD/file" -- run -f p/pipeline.yaml -w x1
chmod +x file
TAF_WORKER=$PWD/file tells "worker: an empty program" 1 "$PWD/file" -- run -f p/pipeline.yaml -w x1
TAF_WORKER=/bin/true tells "worker: true" 1 "/bin/true" -- run -f p/pipeline.yaml -w x1
TAF_WORKER=/bin/cat tells "worker: cat" 1 "/bin/cat" -- run -f p/pipeline.yaml -w x1
printf '#!/bin/sh\nhead -c 100000 /dev/urandom >&3\n' >noise-worker
printf '#!/bin/sh\nprintf "\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377" >&3; sleep 300\n' >long-worker
chmod +x noise-worker long-worker
TAF_WORKER=$PWD/noise-worker tells "worker: noise" 1 "noise-worker" -- run -f p/pipeline.yaml -w x1
TAF_WORKER=$PWD/long-worker tells "worker: an endless message" 1 "long-worker" -- run -f p/pipeline.yaml -w x1
tells "worker: the right one again" 0 -- run -f p/pipeline.yaml -w x1
is "worker: same release" "$(digests x1/release)" "$(cat wanted)"
