# plan tells beforehand what a run then does, and changes nothing; the exit statuses and the shapes of --json are the contract.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1
planned() { # <plan.json → "calls=8+0 …": to_run+unknown
	python3 -c 'import json, sys
print(" ".join("%s=%d+%d" % (s["name"], s["to_run"], s["unknown"]) for s in json.load(sys.stdin)["stages"] if s["to_run"] + s["unknown"]))'
}
shape() { python3 -c 'import json, sys
s = json.load(open("out"))["stages"][0]
print(" ".join(sorted(s)))'; }

taf plan --until clean --json; is first-status $? 0
is shape "$(shape)" "cached cost name reasons requests seconds to_run tokens unknown uses"
is first "$(planned <out)" "calls=8+0 agents=12+0 clean=0+20"
if [ -e work ]; then bad plan-writes "$(ls work)"; else ok plan-writes-nothing; fi
taf run --until clean --json; is run-status $? 0
is run-shape "$(shape)" "cached calls_in calls_out computed cost in_flight name quarantined rejected requests seconds tokens_in tokens_out total uses"
is ran "$(computed <out)" "calls=8 agents=12 clean=20"
taf plan --until clean; has nothing out "nothing to do"
before=$(digests work)
taf plan --until clean --set stages.clean.with.min_turns=5 --json
is parameter "$(planned <out)" "clean=20+0"
has parameter-reason out '"parameter-changed":20'
is plan-leaves-work "$(digests work)" "$before"
taf run --until clean --set stages.clean.with.min_turns=5 --json
is parameter-ran "$(computed <out)" "clean=20"
taf run --until clean --json
is back "$(computed <out)" ""

taf status --json; is status $? 0
python3 - <<'END'
import json
run = json.load(open("out"))["run"]
print("ok status-shape" if sorted(run) == ["exit_status", "id", "seconds", "state"] and run["state"] == "done" else "not ok status-shape: %s" % run)
END
taf status; has status-words out ": done, exit status 0"
taf status --watch; is watch-ends $? 0

# A part of the calls: results go to pilot/, the release stays away.
taf run --limit 2 --json; is limit $? 0
if [ -d work/pilot/release ] && [ ! -e work/release ]; then ok pilot; else bad pilot "$(ls work)"; fi
taf run --only calls/a1 --until clean --json; is only $? 0
is only-count "$(stage calls_in clean <out)" 1
taf run --only calls/zz --until clean; is only-unknown $? 2
has only-unknown-words err "no call has this id"

# What was lost in a kill is told.
python3 - <<'END'
import sqlite3
db = sqlite3.connect("work/taf.db")
db.execute("UPDATE run SET state='running', pid=1 WHERE n=(SELECT max(n) FROM run)")
db.commit()
END
taf status; has killed out ": killed"
taf status --json; has killed-json out '"state":"killed"'
