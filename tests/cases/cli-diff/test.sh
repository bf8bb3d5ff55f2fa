# diff: each kind of change of a call is told as itself and nothing else; exit statuses as of diff(1).
. "$TAF_TOP/tests/cases/kit/kit.sh"
make() { python3 "$TAF_TOP/tests/cases/cli-diff/make.py" "$@"; }
make base

make same; taf diff base same; is equal $? 0
has equal-says out "equal: the same files with the same bytes"
for what in audio label split text annotations other; do
	make "with-$what" $what
	taf diff base "with-$what" --json; is "$what" $? 1
	python3 - "$what" <<'PY'
import json, sys
what, d = sys.argv[1], json.load(open("out"))
ids = {"audio": "a/01", "label": "a/02", "split": "a/04", "other": "a/05", "text": "a/06", "annotations": "a/07"}
want = [{"id": ids[what], "what": [what]}]
got = [{"id": c["id"], "what": c["what"]} for c in d["changed"]]
good = got == want and not d["equal"] and d["calls"]["by"][what] == 1 and sum(d["calls"]["by"].values()) == 1 and d["calls"]["added"] == d["calls"]["removed"] == 0
print("ok %s-alone" % what if good else "not ok %s-alone: %s" % (what, d["changed"]))
PY
done
taf diff base with-label; has label-words out "a/02: label (normal 打车服务 → fraud 客服诈骗)"
taf diff base with-split; has split-words out "a/04: split (train → test)"

make many added removed build file
taf diff base many; is many $? 1
has many-summary out "25 calls added, 1 removed, 0 changed"
has many-removed out "  a/03"
has many-more out "… and 5 more; --limit shows them"
has many-calls out "tiny, 54 calls, 1 quarantined, 2 rejected"
grep -q "calls  *30  *54" out && ok many-stats || bad many-stats "$(grep calls out)"
has many-left-out out "left_out.quarantined"
has many-stage out "stages.clean.version"
has many-tools out 'tools.speak: "libx 1" → "libx 2"'
has many-file out "files only in B: extra.txt"
lacks many-changed out "changed:"
taf diff base many --limit 2; is many-limit "$(grep -c '^  b/' out)" 2
taf diff base many --json; is many-json "$(python3 -c 'import json; print(len(json.load(open("out"))["added"]))')" 25
taf diff many base; has turned-round out "1 call added, 25 removed"
# Names follow from the dataset's name: with another one no call is another.
make renamed renamed
taf diff base renamed; is renamed $? 1
has renamed-none out "0 calls added, 0 removed, 0 changed"

# Another's release may hold anything: its ids do not reach the terminal as they are.
make wild
sed -i 's/"id": *"a\/01"/"id":"a\/\\u001b[2J"/' wild/manifest.jsonl
grep -qF 'u001b[2J' wild/manifest.jsonl && ok wild-made || bad wild-made "$(head -n 1 wild/manifest.jsonl)"
(cd wild && sha256sum manifest.jsonl >SHA256SUMS)
taf diff base wild; is wild $? 1
has wild-added out "1 call added, 1 removed"
lacks wild-clean out "$(printf '\033[2J')"

# A release as taf makes it, against itself and against one with a sentence changed.
project p
(cd p && taf run --only calls/a1 -w one && sed -i 's/要三枝/要五枝/' calls.jsonl && taf run --only calls/a1 -w two) || bad real-runs "a run failed"
taf diff p/one/pilot/release p/one/pilot/release; is real-equal $? 0
taf diff p/one/pilot/release p/two/pilot/release; is real-different $? 1
has real-changed out "calls/a1: audio, text"

# Trouble is 2, never 1.
taf diff base; is one-argument $? 2
taf diff base nowhere; is missing $? 2
taf diff base base/stats.json; is no-folder $? 2
mkdir -p empty; taf diff base empty; is empty $? 2
has empty-says err "is no release"
make cut cut; taf diff base cut; is zip-cut $? 2
has zip-cut-says err "cut/sft.zip"
make bad; echo '{"id": ' >bad/manifest.jsonl; taf diff base bad; is bad-manifest $? 2
has bad-manifest-place err "bad/manifest.jsonl:1:"
make odd; echo 'x' >odd/SHA256SUMS; taf diff base odd; is bad-sums $? 2
make stats; echo '[' >stats/stats.json; taf diff base stats; is bad-stats $? 2
taf diff base same --limit 0; is limit $? 2
taf diff --help; is help $? 0
has help-statuses out "Exit status 0: equal; 1: different; 2: trouble."
