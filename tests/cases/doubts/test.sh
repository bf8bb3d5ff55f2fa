# What a stage doubts of one upstream: check and run tell it, and go on.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1
cat >pipeline.yaml <<'END'
version: 1
name: doubts
providers:
  voice: {kind: espeak}
stages:
  - {name: calls, uses: import, with: {inputs: [calls.jsonl], private: false}}
  - {name: say, uses: speak, needs: [calls], with: {provider: voice}}
  - {name: sound, uses: normalize, needs: [say]}
  - {name: heard, uses: qa, needs: [sound], with: {rules: audio}}
  - {name: pack, uses: release, needs: [heard]}
END
loud='loudness of sound is -18 LUFS, give or take 0.3: heard rejects what is over its loudness_max of -20'
flac='pack will refuse the calls in the end: a release holds MP3 files, and format of sound is flac'

taf check; is "defaults: fine" "$? $(cat err)" "0 "
taf check --set stages.sound.with.loudness=-18
is "loudness: no error" $? 0
has "loudness: check tells it, with its place" err "pipeline.yaml:9:12: warning: $loud"
taf check --set stages.sound.with.loudness=-18 --set stages.heard.with.loudness_max=-17
is "loudness: limits moved with it" "$(cat err)" ""
taf check --set stages.sound.with.loudness=-26 --set stages.heard.with.action=mark
has "loudness: too low, marked" err "heard marks what is under its loudness_min of -26"
taf check --set stages.sound.with.peak=-0.5
has "peak" err "peak of sound is -0.5 dBTP: heard rejects what is over its peak_max of -1"
taf check --set stages.sound.with.format=flac
has "format: check tells it" err "pipeline.yaml:10:12: warning: $flac"
taf check --set stages.sound.with.format=flac --json
is "format: JSON" "$(python3 -c 'import json; print(json.load(open("out"))["warnings"][0]["message"])')" "$flac"

# A run tells it before it begins, of the stages that it goes to.
taf run --only calls/a1 --until sound --set stages.sound.with.loudness=-18 --set stages.sound.with.format=flac
is "run: until sound" "$? $(cat err)" "0 "
taf run --only calls/a1 --until heard --set stages.sound.with.loudness=-18 --set stages.sound.with.format=flac
has "run: until heard" err "$loud"
lacks "run: until heard, release is not of it" err "$flac"
taf why calls/a1 heard
has "run: the doubt was right" out "heard (qa): rejected"
has "why: in the units of the options" out ", limit -20 LUFS"
has "why: where the limits stand" out "(the rules and their limits: taf help qa)"
taf why calls/a1 heard --json
has "why: records stay integers" out '"limit":-20000'
