# scenario: a new file passes its own tests, previews are the calls of a run, all mistakes are told by their place.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1
# The kit's scenarios are too small for tests of their own.
sed -i 's/^tests: {/tests: {runs: 1, /' scenarios/*.yaml

taf scenario list; is list $? 0
has list-row out "问水果价钱"
has list-count out "3 scenarios"
taf scenario list --json
python3 - <<'PY'
import json
d = json.load(open("out"))
fruit = d["scenarios"][0]
good = d["broken"] == 0 and fruit["name"] == "fruit" and fruit["label"] == "日常购物" and fruit["personas"] == 2 and fruit["lines"] == 13 and 0 < fruit["variety_percent"] <= 100
print("ok list-json" if good else "not ok list-json: %s" % d)
PY
taf scenario check; is check $? 0
has check-says out "OK: 3 scenarios; their own tests pass"

# new: each kind, whole at once; never over what is there.
taf scenario new book-vet --label 预约服务; is new $? 0
has new-next out "taf run --only book-vet --limit 2"
taf scenario new fake-refund --label 客服诈骗 --fraud; is new-fraud $? 0
taf scenario check book-vet scenarios/fake-refund.yaml; is new-passes $? 0
has new-passes-says out "OK: 2 scenarios"
for label in $(sed -n 's/^ *- *\([^ #]*\).*/\1/p' "$TAF_TOP/schemas/labels.yaml"); do
	rm -rf each && mkdir each
	taf scenario new one --label "$label" --folder each && taf scenario check --folder each || bad "new-$label" "$(cat out err)"
done
ok new-each-label
has other-folder out "OK: 1 scenario"
taf scenario new two --label 预约服务 --folder each
has other-folder-says out "the pipeline does not read this file"
sha256sum scenarios/book-vet.yaml >before
taf scenario new book-vet --label 日常购物; is new-again $? 1
has new-again-says err "is there already; nothing was written"
sha256sum -c --quiet before && ok new-again-untouched || bad new-again-untouched "it was written over"
taf scenario new Book --label 预约服务; is name $? 2
taf scenario new ../out --label 预约服务; is name-path $? 2
taf scenario new x --label 预约服; is label $? 2
has label-near err "did you mean '预约服务'?"
taf scenario new x; is no-label $? 2
has no-label-says err "打车服务"
taf scenario new x --label 预约服务 --fraud; is kind $? 2
taf scenario new x --label 预约服务 --folder nowhere; is no-folder $? 2

# Copies and mistakes: all at once, by file, line and column.
sed 's/^name: book-vet/name: book-pet/' scenarios/book-vet.yaml >scenarios/book-pet.yaml
taf scenario check book-pet; is copy $? 2
has copy-says err "stand word for word in"
sed -i 's/^kind: normal/kind: norml/; s/^scene: .*/scene: 预约服/' scenarios/book-pet.yaml
sed -i 's/^name: fake-refund/name: fake-refunds/' scenarios/fake-refund.yaml
taf scenario check; is mistakes $? 2
has mistake-kind err "scenarios/book-pet.yaml:4:"
has mistake-name err "name 'fake-refunds' must be the file's name"
taf scenario check book-vet; is mistakes-of-others $? 0
taf scenario check --json; is mistakes-json $? 2
python3 - <<'PY'
import json
d = json.load(open("out"))
good = not d["ok"] and d["files"] == 6 and any(p["line"] == 4 and p["file"].endswith("book-pet.yaml") for p in d["problems"])
print("ok mistakes-in-json" if good else "not ok mistakes-in-json: %s" % d)
PY
taf scenario list; is list-broken $? 1
has list-broken-says err "left out: taf scenario check tells why"
taf scenario preview book-pet; is preview-broken $? 2
printf 'name: \377\n' >scenarios/bytes.yaml; taf scenario check bytes; is no-utf8 $? 2
has no-utf8-says err "not UTF-8"
printf 'name: [\n' >scenarios/bytes.yaml; taf scenario check bytes; is no-yaml $? 2
rm scenarios/bytes.yaml scenarios/book-pet.yaml scenarios/fake-refund.yaml
taf scenario check nobody; is check-unknown $? 2
taf scenario check scenarios/nobody.yaml; is check-missing $? 2
mkdir -p none && taf scenario check --folder none; is folder-empty $? 2

# preview: the very calls of a run.
taf scenario preview fruit -n 4; is preview $? 0
is preview-count "$(grep -c '^== ' out)" 4
taf scenario preview fruit -n 3 --json; cp out preview.json
taf run --only fruit --until agents; is run $? 0
python3 - <<'PY'
import json, subprocess, os
calls = json.load(open("preview.json"))["calls"]
bad = []
for call in calls:
    shown = json.loads(subprocess.run([os.environ["TAF"], "show", call["id"], "--json"], capture_output=True, text=True).stdout)
    fields = shown["stages"][0]["fields"]
    if fields["turns"] != call["turns"] or fields["termination"] != call["termination"]:
        bad.append(call["id"])
print("not ok preview-is-the-run: %s" % bad if bad or len(calls) != 3 else "ok preview-is-the-run")
PY
taf scenario preview fruit --persona clerk -n 2; is preview-persona "$(grep -c '== fruit / clerk' out)" 2
taf scenario preview fruit --seed 99 -n 3 --json; if cmp -s out preview.json; then bad preview-seed "the same calls"; else ok preview-seed; fi
taf scenario preview fruit --persona nobody; is persona $? 2
has persona-there err "aunt, clerk"
taf scenario preview frut; is preview-unknown $? 2
has preview-near err "did you mean 'fruit'?"
taf scenario preview "$TAF_TOP/docs/template/book-pet-bath.yaml" -n 1; is preview-file $? 0
taf scenario preview; is preview-what $? 2

# Without a pipeline: taf's own scenarios.
mkdir -p ../bare && cd ../bare || exit 1
taf scenario list; is bare $? 0
has bare-own out "book-dentist"
taf scenario check -f nowhere.yaml; is no-pipeline $? 2
echo 'version: 7' >pipeline.yaml; taf scenario list; is bad-pipeline $? 2
taf scenario; is no-command $? 2
taf scenario chek; is unknown-command $? 2
taf scenario preview --help; is help $? 0
has help-says out "taf scenario preview NAME|FILE"
