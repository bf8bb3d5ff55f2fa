# What the end-to-end cases share; `. "$TAF_TOP/tests/cases/kit/kit.sh"` at their beginning. The folder's other files are a small project: 20 calls.
# A case runs in a scratch folder of its own. TAF_SLOW stretches its waits (sanitizers).
set -u
kit=$TAF_TOP/tests/cases/kit
slow=${TAF_SLOW:-1}

ok() { echo "ok $1"; }
bad() { # NAME WHY…
	local name=$1
	shift
	echo "not ok $name: $(tr '\n' ' ' <<<"$*" | cut -c 1-600)"
}
is() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "is '$2', not '$3'"; fi
}
has() { # NAME FILE WORDS
	if grep -qF -- "$3" "$2"; then ok "$1"; else bad "$1" "does not say '$3' but: $(tail -n 12 "$2")"; fi
}
lacks() { # NAME FILE WORDS
	if grep -qF -- "$3" "$2"; then bad "$1" "says '$3': $(grep -F -- "$3" "$2" | head -n 3)"; else ok "$1"; fi
}

# project DIR: the small project, to be changed at will
project() {
	mkdir -p "$1"
	cp -r "$kit"/pipeline.yaml "$kit"/personas.yaml "$kit"/calls.jsonl "$kit"/scenarios "$1"/
}
# taf ARGS…: standard output in out, errors in err; the exit status is returned
taf() {
	timeout -k 5 $((120 * slow)) "$TAF" "$@" >out 2>err </dev/null
}
# digests DIR: of all its files, in order
digests() {
	(cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
}
# temporaries WORK: what a run left that should not be there
temporaries() {
	find "$1" \( -path '*/objects/tmp/*' -o -name '*.tmp' -o -name '*.new' -o -name '*.old' \) -printf '%P\n'
	find "$1"/.. -maxdepth 1 -name '*.tmp' -printf '../%P\n'
}
# The workers of this case: others may be testing on the same machine, so the program's path is made the case's own.
own_programs() {
	mkdir -p bin
	cp "$TAF" bin/taf && cp "$TAF_WORKER" bin/taf-worker
	TAF=$PWD/bin/taf TAF_WORKER=$PWD/bin/taf-worker
}
# workers → pids of living workers of this case (not those that wait to be buried)
workers() {
	local p
	for p in /proc/[0-9]*; do
		if [ "$(readlink "$p/exe" 2>/dev/null)" = "$TAF_WORKER" ] && ! grep -q '^State:.[ZX]' "$p/status" 2>/dev/null; then
			echo "${p#/proc/}"
		fi
	done
}
# no_workers: true when none is left within two seconds: they die by themselves
no_workers() {
	local i
	for i in $(seq 1 $((20 * slow))); do
		[ -z "$(workers)" ] && return 0
		sleep 0.1
	done
	return 1
}
# stage FIELD STAGE <status.json
stage() {
	python3 -c 'import json, sys
for s in json.load(sys.stdin)["stages"]:
    if s["name"] == sys.argv[2]:
        print(s[sys.argv[1]])' "$1" "$2"
}
# computed <status.json → "calls=0 agents=0 …", only stages that computed
computed() {
	python3 -c 'import json, sys
print(" ".join("%s=%d" % (s["name"], s["computed"]) for s in json.load(sys.stdin)["stages"] if s["computed"]))'
}
