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
taf run -j 0; is jobs $? 2
taf run extra; is extra-argument $? 2
taf show; is missing-argument $? 2
taf verify; is verify-nothing $? 2
taf run -f nowhere.yaml; is no-file $? 2
taf run --profile nothing; is no-profile $? 2
taf run --set stages.clean.with.min_trns=3; is bad-set $? 2
has bad-set-words err "did you mean 'min_turns'?"
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
broken=$(ls scenarios/*.yaml | head -n 1)
sed -i 's/^name: .*/nam: x/' "$broken"
taf check; is check-broken $? 2
has check-broken-place err "$broken:"
taf check --json; is check-json-broken $? 2
has check-json-broken-words out '"ok":false'

# Starting up costs next to nothing: 50 starts.
start=$(date +%s%N)
for _ in $(seq 1 50); do "$TAF" --version >/dev/null; done
ms=$((($(date +%s%N) - start) / 50000000))
if [ $ms -le $((20 * slow)) ]; then ok start; else bad start "$ms ms a start"; fi
