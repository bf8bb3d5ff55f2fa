# Every command and option says what it is; what is not known is told with what may have been meant; nothing is done then.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1

taf --help; is overview-status $? 0
mv out overview
for c in run plan status show why retry check verify gc help; do
	has "overview-$c" overview "  $c"
	taf $c --help; is "$c-help-status" $? 0
	has "$c-help-example" out "example:"
	# Each option has words of its own.
	if grep -E '^  (-.,|   ) --' out | grep -vqE '^  (-.,|   ) --[a-z-]+( [A-Z=]+)? {2,}[a-z].{8,}'; then
		bad "$c-help-lines" "$(cat out)"
	else
		ok "$c-help-lines"
	fi
	taf $c --helpp; is "$c-unknown-option" $? 2
	has "$c-unknown-option-words" err "did you mean '--help'?"
done
taf; is nothing-given $? 2
taf version; has version out "taf "
taf --version; is version-status $? 0
taf rnu; is unknown-command $? 2
has unknown-command-words err "unknown command 'rnu'; did you mean 'run'?"
taf run --untill clean; is misspelt $? 2
has misspelt-words err "did you mean '--until'?"
taf run --until claen; is until-unknown $? 2
has until-unknown-words err "did you mean 'clean'?"
taf run --limit 0; is limit-range $? 2
taf run --limit two; is limit-number $? 2
taf run --max-time soon; is time $? 2
taf run --max-cost 0; is no-cost $? 2 # it is no way to say "no limit"
taf run -j 0; is jobs $? 2
taf run extra; is extra-argument $? 2
taf show; is missing-argument $? 2
taf verify; is verify-nothing $? 2
taf run -f nowhere.yaml; is no-file $? 2
taf run --profile nothing; is no-profile $? 2
taf run --set stages.clean.with.min_trns=3; is bad-set $? 2
has bad-set-words err "did you mean 'min_turns'?"
taf run --set stages.sound.with.loudness=; is empty-set $? 2
has empty-set-words err "there is no value after '='"
taf plan --set "stages.pack.with.license=''"; is empty-text-set $? 0
if [ -e work ]; then bad nothing-done "$(ls work)"; else ok nothing-done; fi

taf help screen; has help-stage out "min_turns"
taf help espeak; has help-provider out "rate"
taf help run; has help-command out "--max-time"
taf help scren; is help-unknown $? 2
has help-unknown-words err "did you mean 'screen'?"
taf help --markdown; has help-markdown out "## screen"

for c in status "show a" "why a" retry gc "verify --objects"; do
	taf $c; is "no-run: $c" $? 1
	has "no-run-words: $c" err "no run was made in work yet"
done
if [ -e work ]; then bad still-nothing-done "$(ls work)"; else ok still-nothing-done; fi

# The kit's scenarios are too small for the tests that real ones are put to.
rm scenarios/*
cp "$TAF_TOP"/stages/synthesize/scenarios/bank-*.yaml scenarios/
cp "$TAF_TOP/stages/synthesize/personas.yaml" .
taf check; is check $? 0
has check-words out "OK: 6 stages, 2 providers"
taf check --online; has check-online out "provider voice (espeak): ok"
taf check --json; has check-json out '"ok":true'

# A table of labels is looked at, too: what breaks it stands with its place, what spoils single calls is a warning.
sed 's/calls.jsonl\], /&labels_csv: labels.csv, /' pipeline.yaml >table.yaml
place=table.yaml:$(grep -n labels_csv table.yaml | cut -d: -f1):47
taf check -f table.yaml; is table-missing $? 2
has table-missing-place err "$place: labels_csv: no file "
printf 'id,label\na1,日常购物\n' >labels.csv
taf check -f table.yaml; is table-whole "$? $(cat err)" "0 "
printf 'id,label\na1,日常购物\na1,咨询客服\n' >labels.csv
taf check -f table.yaml; is table-broken $? 2
has table-broken-place err "$place: stage calls: labels_csv: "
has table-broken-words err "labels.csv:3: the id 'a1' stands twice, first in line 2"
has table-broken-line err '    with: {inputs: [calls.jsonl], labels_csv: labels.csv, '
printf 'id,label,age\na1,日常购物,x\na2,天气,7\n' >labels.csv
taf check -f table.yaml; is table-values $? 0
has table-values-place err "$place: warning: stage calls: labels_csv: "
has table-values-words err "labels.csv:2: age: no whole number from 0 to 150; the calls of 2 such rows will be quarantined"
broken=$(ls scenarios/*.yaml | head -n 1)
sed -i 's/^name: .*/nam: x/' "$broken"
taf check; is check-broken $? 2
has check-broken-place err "$broken:"
taf check --json; is check-json-broken $? 2
has check-json-broken-words out '"ok":false'


# A scenario that does not hold: told at once, by plan and by run, without a table of zeros.
sed -i '0,/^phases:/s//phasen:/' "$(ls scenarios/*.yaml | head -n 1)"
taf plan; is scenario-plan $? 2
has scenario-plan-words err "unknown key 'phasen'"
taf run; is scenario-run $? 2
has scenario-run-words err "nothing was done"
lacks scenario-run-table out "stage"
mkdir many
for i in 1 2 3 4 5; do sed "s/^name:.*/name: s$i/; s/^title:/tittle:/; s/^slots:/slotss:/" "$TAF_TOP/docs/template/book-pet-bath.yaml" >many/s$i.yaml; done
taf run --set 'stages.agents.with.scenarios=[many/*.yaml]'; is many-problems $? 2
has many-problems-count err " more: taf check tells all"
taf check --json --set 'stages.agents.with.scenarios=[many/*.yaml]'; is check-json $? 2
taf_json() { python3 -c 'import json
doc = json.load(open("out"))
print(doc["ok"], len(doc["problems"]) > 0, all(p["message"] for p in doc["problems"]), any(p.get("line") for p in doc["problems"]))'; }
is check-json-list "$(taf_json)" "False True True True"
taf check --json --set stages.clean.with.min_trns=3; is check-json-config $? 2
is check-json-config-list "$(taf_json)" "False True True False"

DESTDIR=$PWD/root PREFIX=/usr
if (cd "$TAF_TOP" && scripts/install "$DESTDIR$PREFIX"); then ok install; else bad install "failed"; fi
(unset TAF_DATA TAF_WORKER; TAF=$DESTDIR$PREFIX/bin/taf; taf plan -f "$DESTDIR$PREFIX/share/taf/pipeline.yaml" -w fresh --until clean; is installed-plan $? 0)
# A provider of no kind, named by a stage that looks at its provider.
cat >kind.yaml <<'Y'
version: 1
name: kind
providers: {w: {kind: openapi, model: m}}
stages:
  - {name: agents, uses: synthesize, with: {provider: w, count: 1}}
  - {name: think, uses: annotate, needs: [agents], with: {provider: w}}
Y
taf check -f kind.yaml; is no-kind $? 2
has no-kind-words err "unknown provider kind 'openapi'; did you mean 'openai'?"
