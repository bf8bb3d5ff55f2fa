# anonymize from outside: private calls go through it into a release; the key and the originals stay where they are.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1
key=a-key-that-nobody-may-see-4711
number=13920174463
sed -i "s/您好，花店。/您好，花店，您的电话是$number吗？/; s/有百合吗？/是，幺三九，二零幺七，四四六三。有百合吗？/" calls.jsonl
cat >private.yaml <<'END'
version: 1
name: taf-case
stages:
  - {name: calls, uses: import, with: {inputs: [calls.jsonl]}}
  - {name: hidden, uses: anonymize, needs: [calls], with: {key_env: CASE_KEY}}
  - {name: clean, uses: screen, needs: [hidden], with: {min_chars: 12}}
END

# Without its key nothing runs, and everything says what to do.
unset CASE_KEY
for command in run plan check; do
	taf $command -f private.yaml -w work; is no-key-$command $? 2
	has no-key-$command-says err "CASE_KEY"
	has no-key-$command-place err "private.yaml:5:"
done
has no-key-check-line err "{name: hidden, uses: anonymize"
export CASE_KEY=$key
taf check -f private.yaml -w work; is check $? 0
taf plan -f private.yaml -w work --json; is plan $? 0
cp out plan.json
taf run -f private.yaml -w work; is run $? 0
cat out err >run.txt

# Originals before it, surrogates behind it.
taf show calls/a1 -f private.yaml -w work; is show $? 0
lacks show-hides out "$number"
lacks show-hides-spoken out "四四六三"
has show-says out "withheld: from before anonymize"
has show-surrogate out "您的电话是1"
has show-audit out '"kind":"mobile"'
taf show calls/a1 -f private.yaml -w work --json; lacks show-json-hides out "$number"
taf show calls/a1 -f private.yaml -w work --originals; has originals out "$number"
unset CASE_KEY
taf show calls/a1 hidden -f private.yaml -w work; is show-needs-no-key $? 0
lacks show-without-key out "withheld"
lacks show-without-key-quiet err "cannot be loaded"
for command in status gc; do
	taf $command -f private.yaml -w work; is $command-needs-no-key $? 0
done

# A key given on the command line is not said again, not even in the command that is advised.
taf try clean calls/a1 -f private.yaml -w none --set stages.hidden.with.key_env=null \
	--set "stages.hidden.with.key=$key"; is key-set $? 1
has key-set-says err "--set stages.hidden.with.key=…"
lacks key-set-hides err "nobody-may-see"

# Another key: what is behind it runs again, and why says so without a trace of the keys.
export CASE_KEY=${key}2
taf run -f private.yaml -w work; is another-key $? 0
taf status -w work --json; is another-key-worked "$(stage computed hidden <out)" "$(stage calls_in hidden <out)"
taf why calls/a1 hidden -f private.yaml -w work; has why out "the privacy key changed"
taf why calls/a1 hidden -f private.yaml -w work --json; lacks why-no-digest out '"is"'
cat out >>run.txt

# Neither key nor originals are in what a run leaves beside the database; the key is not even there.
lacks key-in-plan plan.json nobody-may-see
lacks key-in-output run.txt nobody-may-see
for file in $(find work -type f); do
	lacks "key-in-$(basename "$file")" "$file" nobody-may-see
done
for file in work/runs/*; do
	lacks "number-in-$(basename "$file")" "$file" "$number"
done

# A literal key is not repeated, neither by the file's line nor by --set.
sed "s/key_env: CASE_KEY/key: $key, kee: 1/" private.yaml >literal.yaml
taf check -f literal.yaml; is literal $? 2
has literal-says err "unknown option"
lacks literal-hidden err nobody-may-see
taf check -f private.yaml --set "stages.hidden.with.key=$key"; is set $? 2
lacks set-hidden err nobody-may-see
taf check -f private.yaml --set "stages.hidden.with={key: $key, kee: 1}"; is set-map $? 2
lacks set-map-hidden err nobody-may-see
taf run -f private.yaml -w work --set stages.hidden.with.key_env=null --set "stages.hidden.with.key=public-demo"; is set-run $? 0

# A key file inside the work folder is refused.
echo "$key" >work/privacy.key
sed 's,key_env: CASE_KEY,key_file: work/privacy.key,' private.yaml >file.yaml
taf run -f file.yaml -w work; is key-in-work $? 2
has key-in-work-says err "lies in the work folder"
taf check -f file.yaml -w work; is key-in-work-check $? 2
mv work/privacy.key ..
sed -i 's,work/privacy.key,../privacy.key,' file.yaml
taf run -f file.yaml -w work; is key-outside $? 0

# Broken private records: their failures tell the place, not the text.
printf '{"tts_id":"b1","left":["电话%s"],"right":[{"电话":"%s"}],"fraud_type":"日常购物"}\n{"tts_id":"b2","left":["电话%s"\n' \
	$number $number $number >>calls.jsonl
taf run -f file.yaml -w work; is broken $? 3
cat out err >broken.txt
lacks broken-output broken.txt "$number"
for command in show why; do
	taf $command calls/b1 -f file.yaml -w work; lacks broken-$command out "$number"
done
for file in work/runs/*; do
	lacks "broken-number-in-$(basename "$file")" "$file" "$number"
done

# Interrupted, the run says how to go on, and repeats no key that was given by --set.
sed 's/needs: \[calls, agents\]/needs: [hidden, agents]/; s/^  - name: agents/  - {name: hidden, uses: anonymize, needs: [calls], with: {key_env: CASE_KEY}}\n&/' \
	pipeline.yaml >slow.yaml
timeout -s INT 1 "$TAF" run -f slow.yaml -w slow --set stages.agents.with.count=200 --set stages.hidden.with.key_env=null \
	--set "stages.hidden.with.key=$key" >out 2>err </dev/null
cat err >>out
has go-on out "taf run -f slow.yaml -w slow"
has go-on-set out "key=…"
lacks go-on-key out "$key"
