# gc drops what the last five complete runs did not use, and nothing else; --dry-run tells the same and drops nothing.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1
number() { python3 -c 'import json, sys; print(json.load(open("out"))[sys.argv[1]])' "$1"; }

taf run; is run $? 0
before=$(digests work/release)
taf gc --dry-run --json; is first $? 0
is first-results "$(number results)" 0
is first-objects "$(number objects)" 0
taf run --set stages.sound.with.loudness=-20; is other-loudness $? 0
for _ in 1 2 3 4 5 6; do taf run --json; done # the first of them still let the other sounds go
is still-cached "$(computed <out)" ""
taf gc --dry-run --json
results=$(number results) objects=$(number objects) bytes=$(number bytes)
if [ "$results" -gt 0 ] && [ "$objects" -gt 0 ] && [ "$bytes" -gt 0 ]; then ok finds; else bad finds "$(cat out)"; fi
count=$(find work/objects -type f | wc -l)
touch "work/objects/ab/$(printf 'c%.0s' $(seq 62))"
taf gc --json; is gc $? 0
is same-results "$(number results)" "$results"
is same-objects "$(number objects)" "$objects"
is orphan "$(number orphans)" 1
is files "$(find work/objects -type f | wc -l)" $((count - objects))
taf gc --json; is again "$(number results) $(number objects) $(number orphans)" "0 0 0"
taf verify --objects; is objects-whole $? 0
taf run --json; is after "$? $(computed <out)" "0 "
is release-same "$(digests work/release)" "$before"
taf why calls/a1; is why $? 0

# Runs that went only --until a stage do not make the later stages' results useless.
for _ in 1 2 3 4 5; do taf run --until clean; done
taf gc --json; is until "$(number objects)" 0
taf run --json; is until-after "$? $(computed <out)" "0 "
# What was dropped is made again.
taf run --set stages.sound.with.loudness=-20 --json; is made-again "$?" 0
has made-again-sound out '"name":"sound"'
if [ "$(stage computed sound <out)" -gt 0 ]; then ok made-again-computed; else bad made-again-computed "$(cat out)"; fi
