# try: one stage on one call; nothing is stored, nothing in the work folder changes.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1

# Before any run: what a source lists can be tried, what stands behind it says how to get there.
taf try calls calls/a1; is source-before-run $? 0
has source-before-run-input out "record.left"
has source-before-run-output out "百合十块一枝"
has source-before-run-place out "calls.jsonl:1"
has source-before-run-stored out "has not worked on this call yet"
taf try clean calls/a1; is not-run $? 1
has not-run-says err "taf run --until calls --only calls/a1"
if [ -e work ]; then bad no-work-folder "try made one"; else ok no-work-folder; fi

taf run --only calls/a1 --until calls -w one; is pilot $? 0
taf try clean calls/a1 -w one; is after-pilot $? 0
taf try sound calls/a1 -w one; is far-away $? 1
has far-away-says err "taf run --until say --only calls/a1 -w one"

taf run; is run $? 0
digests work >before
taf try clean calls/a1; is map $? 0
has map-input out "left   您好，花店。"
has map-writes out "qa.clean.verdict      pass"
has map-same out "the same as this"
# Another parameter: the verdict, the difference, and why a run would work on it again.
taf try clean calls/a1 --set stages.clean.with.min_chars=200; is map-set $? 0
has map-rejects out "it would reject the call"
has map-diff out 'qa.clean.verdict: "pass" → "reject"'
has map-reason out "a run would work on it again (parameter-changed)"
taf try clean calls/a1 --set stages.clean.with.min_chars=200 --json
python3 - <<'END'
import json
d = json.load(open("out"))
good = d["rejected"] and d["stage"] == "clean" and d["stored"]["outcome"] == "passed" and d["stored"]["reason"] == "parameter-changed"
good = good and d["fields"]["qa"]["clean"]["findings"][0]["rule"] == "too_short" and len(d["input"]["turns"]) == 4 and d["stored"]["changes"]
print("ok json" if good else "not ok json: %s" % d)
END
# What try says is what a run then does.
taf run --only calls/a1 --until clean --set stages.clean.with.min_chars=200 -w other
taf try clean calls/a1 --set stages.clean.with.min_chars=200 -w other
has as-a-run out "the same as this"
taf try agents fruit/aunt/0001; is drawn $? 0
has drawn-same out "the same as this"

# Requests with stored answers, and sounds.
taf try say calls/a1 --keep kept; is say $? 0
has say-request out "request 4:"
has say-stored out "stored, so it is not asked again"
is say-kept "$(ls kept | wc -l)" 4
taf try say calls/a1 --set stages.say.with.rate=1.5; is say-anew $? 0
lacks say-anew-asked out "not asked again"
has say-anew-dropped out "made for this and dropped again"
taf try sound calls/a1 --keep kept --set stages.sound.with.loudness=-20 --json; is sound $? 0
python3 - <<'END'
import json, os
d = json.load(open("out"))
s = d["sounds"]
good = len(s) == 1 and s[0]["made"] and os.path.getsize(s[0]["file"]) == s[0]["size"] and s[0]["digest"] == d["fields"]["audio"]["object"]
print("ok sound-kept" if good else "not ok sound-kept: %s" % s)
END
taf try sound calls/a1; has sound-same out "the same as this"
has sound-place out "work/objects/"

# While a run holds the lock, and with nothing written.
flock -F work/taf.lock sleep 30 &
holder=$!
sleep 0.3
taf try clean calls/a1; is during-a-run $? 0
kill $holder 2>/dev/null
wait $holder 2>/dev/null
digests work >after
if cmp -s before after; then ok nothing-stored; else bad nothing-stored "$(diff before after)"; fi
is no-temporaries "$(ls "${TMPDIR:-/tmp}" | grep -c taf-try-)" 0

# What cannot be tried.
taf try pack calls/a1; is sink $? 2
has sink-says err "works on all calls at once"
taf try clena calls/a1; is unknown-stage $? 2
has unknown-stage-near err "did you mean 'clean'?"
taf try clean calls/a9x; is unknown-id $? 1
has unknown-id-near err "did you mean calls/a"
taf try say calls/a7; is rejected-before $? 1
has rejected-before-says err "stage clean rejected calls/a7"
taf try clean; is one-argument $? 2
taf try clean calls/a1 -f nowhere.yaml; is no-pipeline $? 2
taf try --help; is help $? 0
has help-says out "taf try STAGE ID"

# A worker that dies on the item costs an answer, not the program; one that is no worker says so.
cat >dies <<'END'
#!/bin/sh
exit 3
END
chmod +x dies
TAF_WORKER=$PWD/dies taf try sound calls/a1; is worker-dies $? 1
has worker-dies-says err "ends before it is ready"
# The input's sound is damaged: the work fails on this call.
mkdir -p hurt && cp -r work hurt/ && find hurt/work/objects -type f -exec sh -c ': >"$1"' _ {} \;
taf try sound calls/a1 -w hurt/work; is damaged $? 1
has damaged-says out "the work failed"

# A broken record: its reason, exit status 3.
printf '{"tts_id": "bad", "left": [], "right": []}\n' >>calls.jsonl
taf try calls calls/bad; is broken $? 3
has broken-says out "the work failed (data)"

# Private calls: withheld, but for --originals.
cat >private.yaml <<'END'
version: 1
name: taf-case
stages:
  - {name: calls, uses: import, with: {inputs: [calls.jsonl]}}
  - {name: clean, uses: screen, needs: [calls], with: {min_chars: 12}}
END
taf run -f private.yaml -w secret --until clean
for options in "" "--json"; do
	taf try clean calls/a1 -f private.yaml -w secret $options; is "private$options" $? 0
	lacks "private-hidden$options" out "花店"
	taf try calls calls/a1 -f private.yaml -w secret $options; lacks "private-source-hidden$options" out "花店"
done
has private-says out '"withheld":true'
taf try clean calls/a1 -f private.yaml -w secret --originals; has private-originals out "花店"
# The results there are private, whatever the pipeline says now.
taf try clean calls/a1 -w secret; lacks private-stays out "花店"
