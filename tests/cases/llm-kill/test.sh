# kill -9 at random moments while a model is asked (TAF_KILLS of them, 6), each followed by the same command. An answer that was committed when the run was
# killed is never asked for again: what is committed is read from the database after each kill, what is asked from the server's log. Seed in TAF_KILL_SEED.
. "$TAF_TOP/tests/cases/kit/llm.sh"
kills=${TAF_KILLS:-6}
RANDOM=${TAF_KILL_SEED:-$(date +%N | sed 's/^0*//')}
echo "kill seed: ${TAF_KILL_SEED:-by the clock}"
server_on server --log-bodies
llm_project p 'in_flight: 8'
taf run -f p/pipeline.yaml -w whole || bad whole "$(cat err)"
requests=$(served requests)
llm results whole >wanted
reset
cp server.log whole.log
lines=$(wc -l <server.log)
switch '{"latency": "50-300"}'

each=$((requests / (kills + 2)))
killed=0
for n in $(seq 1 "$kills"); do
	from=$(served requests)
	begin w
	until_served $((from + 1 + RANDOM % (each * 3 / 2))) requests
	sleep 0.0$((RANDOM % 10))
	if kill -9 $pid 2>/dev/null; then killed=$((killed + 1)); fi
	wait $pid 2>/dev/null
	at_rest || bad "kill $n: server at rest" "$(served in_flight)"
	mkdir "at.$n" && cp w/taf.db* "at.$n"/
	tail -n "+$((lines + 1))" server.log >"at.$n/log"
done
[ $killed -gt $((kills / 2)) ] && ok "killed $killed of $kills" || bad killed "only $killed of $kills runs were still there"
switch '{"latency": "0"}'
taf run -f p/pipeline.yaml -w w --json
is "in the end" $? 0
is "same results" "$(llm results w | diff wanted - | head -n 3)" ""
tail -n "+$((lines + 1))" server.log >log
python3 - "$kit" "$kills" <<'P'
import collections, sys
sys.path.insert(0, sys.argv[1])
import llm
final = collections.Counter(q for q, row in llm.log("log") if row["whole"])
worst, kept = [], 0
for n in range(1, int(sys.argv[2]) + 1):
    then = collections.Counter(q for q, row in llm.log(f"at.{n}/log") if row["whole"])
    committed = llm.answers(f"at.{n}")
    unknown = [q for q in committed if not then[q]]
    again = [q for q in committed if final[q] != then[q]]
    kept = max(kept, len(committed))
    print(f"kill {n}: {len(committed)} committed of {sum(then.values())} answered")
    if unknown or again:
        worst.append((n, len(unknown), len(again), (unknown + again)[0][:200]))
print(f"not ok nothing committed was asked again: {worst}" if worst else "ok nothing committed was asked again")
print("ok answers were committed" if kept > 20 else f"not ok answers were committed: {kept}")
twice = sum(n - 1 for n in final.values())
print(f"asked twice, since it was not committed yet: {twice} of {len(final)}")
P
is "all committed in the end" "$(llm answers w)" "$requests"
