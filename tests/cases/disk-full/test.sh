# A full disk: a clean stop that names the folder; with room again the run goes on, to the same release.
. "$TAF_TOP/tests/cases/kit/kit.sh"
mkdir -p small
if [ -z "${TAF_IN_NAMESPACE:-}" ] && ! mount -t tmpfs -o size=16m none small 2>/dev/null; then
	if unshare -rm true 2>/dev/null && unshare -rm mount -t tmpfs none small 2>/dev/null; then
		TAF_IN_NAMESPACE=1 exec unshare -rm bash "$0"
	fi
	echo "ok disk-full # skipped: no tmpfs"
	exit 0
fi
[ -z "${TAF_IN_NAMESPACE:-}" ] || mount -t tmpfs -o size=16m none small
trap 'umount small' EXIT
project p
taf run -f p/pipeline.yaml -w whole || bad whole "$(cat err)"
digests whole/release >wanted
whole_kb=$(du -sk whole | cut -f 1)

# fills NAME KB: a run with so much room stops cleanly; with enough it goes on
fills() {
	local name=$1 kb=$2 status
	mount -o remount,size=16m small
	rm -rf small/* small/.[!.]*
	mkdir small/w
	mount -o remount,size="${kb}k" small
	taf run -f p/pipeline.yaml -w small/w
	status=$?
	cat out err >said
	is "$name: exit status" "$status" 1
	if grep -qi 'space' said; then ok "$name: says why"; else bad "$name: says why" "$(cat said)"; fi
	has "$name: names the folder" said "small/w"
	lacks "$name: no crash" said "Sanitizer"
	# Whoever looks, sees a stopped run, or, when not even the database could be made, is told that there is none.
	taf status -f p/pipeline.yaml -w small/w
	status=$?
	if [ $status -eq 0 ] || grep -q 'no run' err; then ok "$name: status"; else bad "$name: status" "exit status $status: $(cat err)"; fi
	is "$name: no half release" "$(ls -d small/w/release 2>/dev/null)" ""
	taf run -f p/pipeline.yaml -w small/w
	is "$name: again" "$?" 1
	mount -o remount,size=16m small
	taf run -f p/pipeline.yaml -w small/w
	status=$?
	is "$name: with room" "$status" 0
	[ $status -eq 0 ] || cat err
	is "$name: same release" "$(digests small/w/release | diff - wanted | head -n 3)" ""
	is "$name: no temporary" "$(temporaries small/w)" ""
}
# From hardly anything to nearly enough.
echo "whole: $whole_kb KB" >&2
fills "no room at all" 200
fills "room for a fifth" $((whole_kb / 5))
fills "room for half" $((whole_kb / 2))
fills "room for nearly all" $((whole_kb * 3 / 4))
