# The whole pipeline, every stage type: private calls go in, a release comes out that is whole and holds none of their numbers; each change costs what it
# must and no more; interrupted anywhere, the bytes are the same.
. "$TAF_TOP/tests/cases/kit/kit.sh"
here=$TAF_TOP/tests/cases/whole
make() { # DIR
	project "$1/p"
	cp "$here"/{pipeline.yaml,overrides.jsonl,labels.csv,extra.srt} "$1/p/"
	cp "$here/phone.jsonl" "$1/p/"
	printf 'a key of these tests only\n' >"$1/privacy.key"
}
make a
cd a/p || exit 1
taf run -j 2 --json; is run $? 0
has unknown-override err "no call here has the id 'calls/zz'"
r=work/release
is files "$(ls $r | tr '\n' ' ')" "README.md README.zh-CN.md SHA256SUMS audio.zip bench.zip binary_classification.zip croissant.json manifest.jsonl preview sft.zip stats.json "
taf verify $r; is verify "$? $(cat err)" "0 "
before=$(digests $r)

# What must not get out, in any form: bytes of all files of the release, of the log, of what is printed.
mkdir ../open
for z in $r/*.zip; do unzip -qo -d "../open/$(basename "$z" .zip)" "$z"; done
cp -r $r/*.md $r/*.json* $r/preview work/runs ../open/
for words in 13812345678 一三八一二三四五六七八 "a key of these tests"; do
	if grep -rqF -- "$words" ../open; then bad "leak of $words" "$(grep -rlF -- "$words" ../open | head -n 3)"; else ok "no $words"; fi
done
taf show phone/p1; lacks show-withholds out 13812345678
taf show phone/p1 --originals; has show-originals out 13812345678

# The hand's decisions, labels from the table, the benchmark and the training set.
taf why calls/a2 clean; has dropped out '"听不清"'
row() { python3 -c 'import json, sys
for line in open("work/release/manifest.jsonl"):
    row = json.loads(line)
    if row["id"] == sys.argv[1]:
        print(*(row.get(k) for k in sys.argv[2:]))' "$@"; }
is relabelled "$(row calls/a4 fraud_type)" 客服诈骗
is labelled "$(row extra scene initiator)" "咨询客服 right"
python3 - <<'END' >sides 2>&1 || bad sides "$(cat sides)"
import json
rows = [json.loads(line) for line in open("work/release/manifest.jsonl")]
side = {row["id"]: row["split"] for row in rows}
tests = [i for i in side if side[i] == "test"]
assert tests and len(tests) < len(rows) / 2, tests
for row in rows:  # families stay on one side
    for parent in row.get("parents", []):
        assert side.get(parent, row["split"]) == row["split"], row["id"]
assert any("more" in row["id"] or "+e." in row["id"] for row in rows), "no enhanced call"
END
[ -s sides ] || ok sides
for id in $(python3 -c 'import json
for line in open("work/release/manifest.jsonl"):
    row = json.loads(line)
    if row["source"] == "enhanced": print(row["id"])' | head -n 1); do
	taf show "$id" --json; has enhanced-says-so out '"writer":"script"'
done

# Nothing to do; then one thing at a time. The plan never says more than what then is computed, and names what it does.
taf run --json; is nothing "$? $(computed <out)" "0 "
step() { # NAME WANTED ARGS…: the stages that compute, without numbers; WANTED is a pattern
	local name=$1 want=$2 said
	shift 2
	taf run --json "$@"
	said="$? $(computed <out | sed 's/=[0-9]*//g')"
	if [[ $said =~ ^"0 "($want)$ ]]; then ok "$name"; else bad "$name" "computed '$said', not '0 $want': $(tail -n 4 err)"; fi
}
step qa-threshold "heard pack" --set stages.heard.with.max_gap_ms=4900
step back "" 
step bench-share "sides pack" --set stages.sides.with.share=0.4
# MP3 at another level moves a pitch by a hertz now and then, which an annotation cites.
step loudness "sound heard think( checked)? pack" --set stages.sound.with.loudness=-22.5
step back-again ""
# A scenario more: its own calls are made, and what looks at all calls at once looks again.
sed -e 's/^name: .*/name: fruit-two/' -e 's/^title: .*/title: 再买一次水果/' scenarios/fruit.yaml >scenarios/fruit-two.yaml
taf run --json
is scenario "$? $(computed <out)" "0 agents=3 clean=3 say=3 sound=3 heard=3 think=3 checked=3 once=1 sides=1 pack=1"
rm scenarios/fruit-two.yaml
step scenario-gone ""
# Another key: whoever had a number has another one; the rest stops there.
printf 'another key of these tests\n' >../privacy.key
taf run --json; is other-key "$(computed <out | grep -o 'hidden=[0-9]*')" "hidden=$(stage calls_in hidden <out)"
if [ "$(stage computed say <out)" -lt 5 ]; then ok other-key-stops; else bad other-key-stops "$(computed <out)"; fi
printf 'a key of these tests only\n' >../privacy.key
step key-back ""
is same-release "$(digests $r)" "$before"

# Elsewhere, with another -j, killed on the way: the same bytes.
cd ../.. || exit 1
make "b c"
cd "b c/p" || exit 1
for point in after-commit:2 object-renamed:9 after-commit:5 release-written:1; do
	TAF_CRASH=$point taf run -j 3
done
taf run -j 3; is killed-then-run $? 0
is same-bytes "$(digests work/release)" "$before"
taf diff work/release ../../a/p/work/release; is diff-equal $? 0
