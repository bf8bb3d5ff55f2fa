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

# Calls that left let their results go after five runs, but not before; a call that comes back is made again.
cd ..
project q
cd q || exit 1
taf run; is left-first $? 0
sounds=$(find work/objects -type f | wc -l)
fewer=stages.agents.with.count=4
for _ in 1 2 3 4 5; do taf run; done
taf run --set $fewer; is left $? 0
taf gc --json; is left-kept "$(number results) $(number objects)" "0 0"
taf run --json; is left-back "$? $(computed <out)" "0 "
for _ in 1 2 3 4 5; do taf run; done
taf run --set $fewer; is left-again $? 0
before=$(digests work/release)
for _ in 1 2 3 4 5; do taf run --set $fewer; done
taf gc --json; is left-gc $? 0
if [ "$(number results)" -gt 0 ] && [ "$(number objects)" -gt 0 ]; then ok left-dropped; else bad left-dropped "$(cat out)"; fi
is left-files "$(find work/objects -type f | wc -l)" $((sounds - $(number objects)))
taf run --set $fewer --json; is left-after "$? $(computed <out)" "0 "
is left-release "$(digests work/release)" "$before"
gone=$(python3 - <<'END'
import sqlite3
db = sqlite3.connect("work/taf.db")
print(db.execute("select count(*) from memo where result>0 and result not in (select n from result)").fetchone()[0])
END
)
is left-no-dangling "$gone" 0
taf run --json; is left-made-again $? 0
if [ "$(stage computed sound <out)" -gt 0 ]; then ok left-made-again-computed; else bad left-made-again-computed "$(cat out)"; fi
taf verify --objects; is left-verify $? 0

# An earlier value of a parameter that changed no result: the last runs used its rows too.
cd ..
project r
cd r || exit 1
taf run; is cutoff-first $? 0
for _ in 1 2 3 4 5; do taf run; done
taf run --set stages.clean.with.min_chars=11 --json; is cutoff $? 0
if [ "$(stage computed clean <out)" -gt 0 ]; then ok cutoff-computed; else bad cutoff-computed "$(cat out)"; fi
taf gc --json; is cutoff-gc "$(number results)" 0
taf run --json; is cutoff-back "$? $(computed <out)" "0 "

# A stage that was run again with equal output lets its old results go, and those it has now stay.
cd ..
project s
cd s || exit 1
taf run; is equal-first $? 0
same=stages.clean.with.max_turns=199
taf run --set $same --json; is equal "$? $(computed <out)" "0 clean=20 pack=1"
for _ in 1 2 3 4 5; do taf run --set $same; done
taf gc --json
if [ "$(number results)" -gt 0 ]; then ok equal-dropped; else bad equal-dropped "$(cat out)"; fi
is equal-objects "$(number objects)" 0
taf run --set $same --json; is equal-kept "$? $(computed <out)" "0 "
taf run --json; is equal-back "$? $(computed <out)" "0 clean=20"
