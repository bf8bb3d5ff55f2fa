# The examples of the documents work. In README, CONTRIBUTING and docs/*.md, in order, each document in a copy of the data of its own:
#   ```console   a line "$ COMMAND" is run and must exit 0, or with N when it ends in "# exit status N"; the lines below it, if any, are
#                what it prints (both streams), where "…" stands for any text of a line and a line "…" for any number of lines
#   <!-- file: NAME --> before any other block: the block is that file
# Numbers that a machine makes (times, sizes) are to be written as "…".
set -u
copy() { # a folder that looks like the checkout, with data to change
	mkdir -p "$1/tests"
	cp "$TAF_TOP/pipeline.yaml" "$TAF_TOP"/*.md "$1/"
	cp -r "$TAF_TOP/stages" "$TAF_TOP/schemas" "$TAF_TOP/docs" "$1/"
	cp -r "$TAF_TOP/tests/fixtures" "$1/tests/"
	ln -s "$TAF_TOP/$BUILD" "$1/build"
}
number=0
for page in "$TAF_TOP"/*.md "$TAF_TOP"/docs/*.md; do
	[ "$(basename "$page")" != stages.md ] || continue
	grep -q '^ *```console' "$page" || continue
	number=$((number + 1))
	copy "tree$number"
	(cd "tree$number" && TAF_DATA=$PWD python3 "$TAF_TOP/tests/cases/docs/examples.py" "${page#"$TAF_TOP"/}") ||
		echo "not ok ${page#"$TAF_TOP"/}: exit status $?"
	rm -rf "tree$number"
done
[ $number -ge 4 ] && echo "ok documents-found" || echo "not ok documents-found: only $number have examples"

# The stage of CONTRIBUTING.md, built in as it says: a line in the array, then compiled, linked and run.
copy tree
cd tree || exit 1
mkdir -p stages/shout
cp docs/template/shout.c stages/shout/
sed -i 's/&stage_release,/&\n\t\&stage_shout,/; s/stage_release;/stage_release, stage_shout;/' stages/stages.c
flags=$(cat "$TAF_TOP/$BUILD/flags")
obj=$TAF_TOP/$BUILD/obj
top=$PWD
cd "$TAF_TOP" || exit 1
built=yes
strict=-Werror
case "$flags" in *-fsanitize*) strict="" ;; esac # sanitizers bring false warnings
objects=""
for file in src/cli/*.c; do objects="$objects '$obj/${file%.c}.o'"; done
for file in stages/shout/shout stages/stages; do
	eval "$flags $strict -c -o '$top/$(basename $file).o' '$top/$file.c'" || built=no
done
eval "$flags -o '$top/taf' '$top/shout.o' '$top/stages.o' $objects '$TAF_TOP/$BUILD/libtaf.a'" \
	"$(pkg-config --libs $(sed -n 's/^TAF_PKGS := //p' "$TAF_TOP/Makefile")) -lm -pthread" || built=no
cd "$top" || exit 1
[ $built = yes ] && echo "ok template-compiles" || echo "not ok template-compiles"
cat >shout.yaml <<'YAML'
version: 1
name: shout
stages:
  - {name: calls, uses: import, with: {inputs: [shout.jsonl], private: false}}
  - {name: quiet, uses: shout, needs: [calls], with: {max_marks: 2}}
YAML
cat >shout.jsonl <<'JSON'
{"tts_id": "1", "left": ["您好！", "再见。"], "right": ["你好！！", "好！"], "fraud_type": "订餐服务"}
{"tts_id": "2", "left": ["快转账！！！", "快！"], "right": ["为什么？", "不转！"], "fraud_type": "银行诈骗"}
JSON
export TAF_DATA=$PWD
if said=$(./taf run -f shout.yaml -w w 2>&1) && grep -Eq '^quiet +2 +1 +0 +2 +1 +0' <<<"$said"; then
	echo "ok template-runs"
else
	echo "not ok template-runs: $said"
fi
if said=$(./taf why shout/2 quiet -f shout.yaml -w w 2>&1) && grep -q 'shouted: value 3, limit 2' <<<"$said"; then
	echo "ok template-finding"
else
	echo "not ok template-finding: $said"
fi
if said=$(./taf help shout 2>&1) && grep -q 'max_marks' <<<"$said"; then
	echo "ok template-help"
else
	echo "not ok template-help: $said"
fi
