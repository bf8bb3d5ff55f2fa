# One run at a time in a work folder: a second one is told who holds it; readers may read meanwhile.
. "$TAF_TOP/tests/cases/kit/kit.sh"
own_programs
project p
count=(--set stages.agents.with.count=60)

"$TAF" run -f p/pipeline.yaml -w w "${count[@]}" >first.out 2>first.err </dev/null &
pid=$!
for _ in $(seq 1 $((100 * slow))); do
	[ -n "$(find w/objects -type f -path '*/??/*' 2>/dev/null | head -n 1)" ] && break
	sleep 0.05
done
# Held still, so that all that follows happens while it runs: its workers finish and wait.
kill -STOP $pid
taf run -f p/pipeline.yaml -w w "${count[@]}"
is "second run" "$?" 1
has "second run: pid" err "pid $pid"
has "second run: host" err "$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)"
has "second run: folder" err "w"
ln -s w link
taf run -f p/pipeline.yaml -w link
is "second run by another name" "$?" 1
has "second run by another name: pid" err "pid $pid"
for command in "plan" "status" "status --json" "plan --json" "show calls/a1" "why calls/a7" "why calls/a1 clean"; do
	read -ra words <<<"$command"
	taf "${words[@]}" -f p/pipeline.yaml -w w
	status=$?
	if [ $status -eq 0 ] && [ -s out ]; then ok "meanwhile: $command"; else bad "meanwhile: $command" "exit status $status: $(cat err)"; fi
done
taf status -f p/pipeline.yaml -w w --json
is "meanwhile: state" "$(python3 -c 'import json; r = json.load(open("out"))["run"]; print(r["state"], r["exit_status"])')" "running None"
for command in retry gc; do
	taf $command -f p/pipeline.yaml -w w
	is "meanwhile: $command waits" "$?" 1
	has "meanwhile: $command: pid" err "pid $pid"
done
kill -CONT $pid
wait $pid
status=$?
is "the first run" "$status" 0
[ $status -eq 0 ] || cat first.err

# The lock dies with its process, and a file that is left says nothing.
taf run -f p/pipeline.yaml -w w "${count[@]}"
is "after it" "$?" 0
"$TAF" run -f p/pipeline.yaml -w w --set seed=3 >first.out 2>first.err </dev/null &
pid=$!
for _ in $(seq 1 $((100 * slow))); do
	"$TAF" status -f p/pipeline.yaml -w w 2>/dev/null | grep -q ': running' && break
	sleep 0.05
done
{
	kill -9 $pid
	wait $pid
} 2>/dev/null
taf status -f p/pipeline.yaml -w w --json
is "killed: state" "$(python3 -c 'import json; r = json.load(open("out"))["run"]; print(r["state"], r["exit_status"])')" "killed None"
taf run -f p/pipeline.yaml -w w "${count[@]}"
is "after kill -9" "$?" 0
