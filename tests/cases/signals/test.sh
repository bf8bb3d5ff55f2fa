# Stopping: once finishes what is in flight, twice drops it; the next run goes on from there, to the same release.
. "$TAF_TOP/tests/cases/kit/kit.sh"
own_programs
project p
# Many calls, so that no run ends before it is stopped.
count=(--set stages.agents.with.count=40)
taf run -f p/pipeline.yaml -w whole "${count[@]}" || bad whole "$(cat err)"
digests whole/release >wanted

ms() { date +%s%3N; }
pid=0
# begin: a run in the background; returns when its workers are at it. timeout, for it must never hang, and a group of its own for the terminal's Ctrl-C
begin() {
	rm -rf w
	"$TAF" run -f p/pipeline.yaml -w w "${count[@]}" "$@" >out 2>err </dev/null &
	pid=$!
	local i
	for i in $(seq 1 $((100 * slow))); do
		[ -n "$(find w/objects -type f -path '*/??/*' 2>/dev/null | head -n 1)" ] && break
		sleep 0.05
	done
}
# ended SECONDS → its status in status; killed when it does not end in that time
ended() {
	local i
	for i in $(seq 1 $((10 * $1 * slow))); do
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	if kill -0 $pid 2>/dev/null; then
		kill -9 $pid
		wait $pid 2>/dev/null
		status="still running after $1 s"
	else
		wait $pid
		status=$?
	fi
}
state() {
	taf status -f p/pipeline.yaml -w w --json
	python3 -c 'import json, sys
run = json.load(open("out"))["run"]
print(run["state"], run["exit_status"])'
}
interrupted() { # NAME
	is "$1: exit status" "$status" 130
	is "$1: state" "$(state)" "interrupted 130"
	if no_workers; then ok "$1: no worker left"; else bad "$1: no worker left" "$(workers)"; fi
	is "$1: no temporary left" "$(temporaries w)" ""
	is "$1: no release" "$(ls -d w/release 2>/dev/null)" ""
}
resumes() { # NAME
	taf run -f p/pipeline.yaml -w w --json "${count[@]}"
	is "$1: resumes" "$?" 0
	if [ "$(stage cached say <out)" -gt 0 ]; then ok "$1: goes on"; else bad "$1: goes on" "nothing was kept"; fi
	is "$1: same release" "$(digests w/release | diff - wanted | head -n 3)" ""
}

# Under a sanitizer one of them: what differs is a number.
sigs="INT TERM HUP"
[ "$slow" = 1 ] || sigs=INT
for sig in $sigs; do
	begin
	kill -$sig $pid
	from=$(ms)
	ended 10
	cp out said
	cat err >>said
	interrupted "SIG$sig once"
	if grep -qi 'interrupt\|stopp' said; then ok "SIG$sig once: says so"; else bad "SIG$sig once: says so" "$(cat said)"; fi
	[ $sig != INT ] || resumes "SIG$sig once"
done
# What is in flight is finished: with a worker that is slow (stopped for a while), one signal waits for it.
begin
read -r worker <<<"$(workers)"
kill -STOP "$worker"
kill -INT $pid
sleep 1
if kill -0 $pid 2>/dev/null; then ok "once: waits for what is in flight"; else bad "once: waits for what is in flight" "ended"; fi
from=$(ms)
kill -INT $pid
ended 10
took=$(($(ms) - from))
interrupted "twice"
if [ $took -le $((2000 * slow)) ]; then ok "twice: at once"; else bad "twice: at once" "after $took ms"; fi
resumes "twice"
begin
read -r worker <<<"$(workers)"
kill -STOP "$worker"
kill -TERM $pid
sleep 0.3
kill -HUP $pid
ended 10
is "two kinds count as two" "$status" 130
no_workers || bad "two kinds: no worker left" "$(workers)"

# A worker that is killed costs nothing: its call is tried again. So with its speech engine (processes of a worker have the worker's program).
# parent PID → the pid that started it
parent() { sed -n 's/^PPid:\t//p' "/proc/$1/status" 2>/dev/null; }
for kind in worker engine; do
	begin
	for worker in $(workers); do
		if { [ "$(parent "$worker")" = $pid ] && [ $kind = worker ]; } || { [ "$(parent "$(parent "$worker")")" = $pid ] && [ $kind = engine ]; }; then
			kill -9 "$worker" && break
		fi
	done
	ended 60
	is "$kind killed: exit status" "$status" 0
	is "$kind killed: same release" "$(digests w/release | diff - wanted | head -n 3)" ""
done

# Stood still as by the terminal's Ctrl-Z, for longer than a call may take: that time is no call's.
begin --set stages.say.item_timeout_s=4
stopped="$pid $(workers | tr '\n' ' ')"
kill -STOP $stopped
sleep 6
kill -CONT $stopped
ended 60
is "stood still: exit status" "$status" 0
is "stood still: same sound" "$(digests w/release | grep audio.zip)" "$(grep audio.zip wanted)"

# --max-time is a clean stop, too.
rm -rf w
taf run -f p/pipeline.yaml -w w "${count[@]}" --max-time 1
is "max-time: exit status" "$?" 4
no_workers || bad "max-time: no worker left" "$(workers)"
resumes "max-time"
