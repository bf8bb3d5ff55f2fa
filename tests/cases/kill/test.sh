# kill -9, at random moments and at named points: the next run's release is that of an undisturbed run, byte by byte; nothing is left over.
# TAF_KILLS: how many (50; 12 under a sanitizer); TAF_KILL_SEED: of the random moments.
. "$TAF_TOP/tests/cases/kit/kit.sh"
own_programs
kills=${TAF_KILLS:-$((slow > 1 ? 12 : 50))} seed=${TAF_KILL_SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
project p

# base NAME ARGS…: a work folder to start from, worked so far
base() {
	local name=$1
	shift
	if ! taf run -f p/pipeline.yaml -w "$name" "$@"; then
		bad "base $name" "$(cat out err)"
		exit 1
	fi
}
start_ms=$(date +%s%3N)
base whole
took_ms=$(($(date +%s%3N) - start_ms))
digests whole/release >wanted
is undisturbed "$(wc -l <wanted)" 21 # 8 files and a preview of 12 calls
mkdir empty
base spoken --until say
cp -a spoken sounded && base sounded --until sound
cp -a sounded older && base older --set stages.pack.with.license=older
[ -z "$(temporaries whole)$(temporaries older)" ] || bad "no temporary" "$(temporaries whole) $(temporaries older)"

killed=0 # how many really died
# attack SPEC: starts a run in w and kills it. SPEC is a number of milliseconds, or a point NAME:N
attack() {
	local status pid
	case "$1" in
	*:*) TAF_CRASH=$1 timeout -k 5 $((120 * slow)) "$TAF" run -f p/pipeline.yaml -w w >out 2>err </dev/null & ;;
	*) "$TAF" run -f p/pipeline.yaml -w w >out 2>err </dev/null & ;;
	esac
	pid=$!
	case "$1" in
	*:*) ;;
	*)
		sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
		kill -9 $pid 2>/dev/null
		;;
	esac
	wait $pid 2>/dev/null
	status=$?
	[ $status -ne 137 ] || killed=$((killed + 1))
	return $status
}
# survives NAME BASE SPEC…: from that base, killed by each SPEC in turn, then a run that nobody disturbs
survives() {
	local name=$1 from=$2 spec status left
	shift 2
	rm -rf w && cp -a "$from" w
	for spec in "$@"; do
		attack "$spec"
		status=$?
		case "$spec" in
		object-renamed:*) ;; # there a worker dies, and the run goes on without it
		*:1) # later numbers may lie behind the end of a fast run
			[ $status -eq 137 ] || bad "$name" "the point $spec was not reached: exit status $status, $(tail -n 3 err)"
			;;
		esac
		no_workers || bad "$name" "workers live on after $spec: $(workers)"
	done
	taf run -f p/pipeline.yaml -w w
	status=$?
	if [ $status -ne 0 ]; then
		bad "$name" "the run after it: exit status $status: $(tail -n 6 err)"
	elif ! digests w/release | diff - wanted >differs; then
		bad "$name" "another release: $(head -n 4 differs)"
	elif left=$(temporaries w) && [ -n "$left" ]; then
		bad "$name" "left over: $left"
	elif ! no_workers; then
		bad "$name" "workers live on: $(workers)"
	else
		ok "$name"
		return
	fi
	rm -rf "failed-$done_n" && cp -a w "failed-$done_n"
}

points=(
	"empty before-commit:1" "empty before-commit:3" "spoken before-commit:2" "sounded before-commit:1" "older before-commit:1"
	"empty after-commit:1" "empty after-commit:3" "spoken after-commit:2" "sounded after-commit:1" "older after-commit:1"
	"empty object-renamed:1" "spoken object-renamed:2" "spoken object-renamed:1" "empty object-renamed:9" "spoken object-renamed:3"
	"sounded release-written:1" "older release-written:1" "sounded release-moved:1" "older release-exchanged:1"
	"sounded release-written:1 release-moved:1" "older release-exchanged:1 before-commit:1" "spoken before-commit:2 after-commit:1"
	"sounded release-moved:1 release-written:1"
)
done_n=0
for point in "${points[@]}"; do
	[ "$done_n" -lt "$kills" ] || break
	read -ra words <<<"$point"
	done_n=$((done_n + ${#words[@]} - 1))
	survives "killed $point" "${words[@]}"
done
bases=(empty spoken sounded spoken older)
while [ "$done_n" -lt "$kills" ]; do
	if [ $SECONDS -gt $((230 * slow)) ]; then # a machine so busy that the runner's limit would come first
		echo "skipped: $((kills - done_n)) of $kills kills, for want of time"
		break
	fi
	from=${bases[done_n % 5]}
	case "$from" in
	empty) span=$took_ms ;;
	spoken) span=$((took_ms / 2)) ;;
	*) span=$((took_ms / 20 + 50)) ;;
	esac
	moments=($((RANDOM % span)))
	[ $((RANDOM % 5)) -ne 0 ] || moments+=($((RANDOM % span)))
	done_n=$((done_n + ${#moments[@]}))
	survives "killed $from ${moments[*]} ms (TAF_KILL_SEED=$seed)" "$from" "${moments[@]}"
done
# Short runs may end before their moment comes; most must really have been killed.
if [ $((killed * 2)) -gt "$done_n" ]; then ok "killed $killed times"; else bad killed "only $killed of $done_n"; fi
