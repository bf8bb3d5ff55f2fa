# retry: what was quarantined goes through again, once it is asked for, and nothing else does; the run's end names examples.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1
printf '{"tts_id": "bad1", "left": ["您好", "好"], "right": ["您好"], "fraud_type": "没有这一类"}\n' >>calls.jsonl
taf run --until clean; is run $? 3
has examples out "unknown label '没有这一类'"
has hint out "taf retry"
has log-named out "the log: work/runs/"
log=$(sed -n 's/^the log: //p' out)
has log-reason "$log" "calls/bad1 quarantined"
is log-ends "$(python3 -c 'import json, sys; rows = [json.loads(l) for l in open(sys.argv[1])]
print(rows[-2]["object"], rows[-2]["text"].split(",")[0], "|", rows[-1]["text"].split(" after ")[0], rows[-1]["text"][-13:])' "$log")" "clean in 20 | done, but calls were quarantined exit status 3"
taf status --quarantined; is listed $? 0
has listed-reason out "calls/bad1 at calls (data): "
is listed-count "$(wc -l <out)" 1
taf status --quarantined --json; has listed-json out '{"quarantined":[{"class":"data","id":"calls/bad1","reason":'
taf plan --until clean; has planned-waiting out "1 quarantined: they wait"
taf run --until clean --json; is again $? 3
is again-computed "$(computed <out)" ""
taf retry --stage clean; has other-stage out "nothing waits"
taf retry --class transient; has other-class out "nothing waits"
taf retry --class date; is unknown-class $? 2
has unknown-class-near err "did you mean 'data'?"
taf retry --json; is retry $? 0
has retry-count out '{"calls":1}'
taf plan --until clean; has planned out "1 failed-before"
taf run --until clean --json; is tried-again $? 3
is tried-again-computed "$(computed <out)" "calls=1"
taf retry --class all; has all out "1 call will be tried again"
taf run --until clean --json; is all-computed "$(computed <out)" "calls=1"
