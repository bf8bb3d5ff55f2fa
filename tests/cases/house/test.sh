# The checks of the house find what they are for: each is run over a small tree with one fault, and over the same tree without it.
unset BUILD MAKEFLAGS MAKELEVEL # of the make that runs this, if any: the trees here have a build of their own
set -u
mkdir -p tree/scripts tree/src/base tree/src/io tree/src/core tree/stages/a tree/stages/b tree/tests
cp "$TAF_TOP"/scripts/* tree/scripts/
cp "$TAF_TOP/tests/run" tree/tests/run
cp "$TAF_TOP/.clang-format" tree/
cd tree || exit 1

header() { printf '#ifndef TAF_%s_H\n#define TAF_%s_H\n%s\n#endif\n' "$2" "$2" "$3" >"$1"; }
header src/base/x.h BASE_X 'int x(void);'
header src/core/y.h CORE_Y '#include "base/x.h"'
header stages/b/b.h STAGES_B '#include "core/y.h"'
printf '#include "base/x.h"\nint x(void)\n{\n\treturn 1;\n}\n' >src/base/x.c
printf '#include "core/y.h"\n' >src/core/y.c

expect() { # NAME fails|passes WORDS COMMAND…
	local name=$1 want=$2 words=$3 said status
	shift 3
	said=$("$@" 2>&1)
	status=$?
	if [ "$want" = passes ] && [ $status -ne 0 ]; then
		echo "not ok $name: complains without cause: $said"
	elif [ "$want" = fails ] && [ $status -eq 0 ]; then
		echo "not ok $name: finds nothing"
	elif ! grep -qF -- "$words" <<<"$said"; then
		echo "not ok $name: does not say '$words' but: $said"
	else
		echo "ok $name"
	fi
}
fault() { # NAME FILE TEXT WORDS COMMAND…: with that file the check fails, without it it passes
	local name=$1 file=$2 text=$3 words=$4
	shift 4
	expect "$name: clean tree" passes "" "$@"
	printf '%b' "$text" >"$file"
	expect "$name" fails "$words" "$@"
	rm "$file"
}
long() { # NAME LINES: a function that long
	printf 'static int %s(int n)\n{\n' "$1"
	for _ in $(seq 1 "$2"); do printf '\tn++;\n'; done
	printf '}\n'
}

fault layer-upward src/base/up.c '#include "core/y.h"\n' "src/base/up.c:1: base includes" scripts/check-layers
fault layer-foreign src/core/z.c '#include <sqlite3.h>\n' "is for src/io/db.c only" scripts/check-layers
fault layer-unknown src/io/new.c '#include <new_library.h>\n' "a header this check does not know" scripts/check-layers
fault layer-room stages/a/a.c '#include "stages/b/b.h"\n' "the room a includes" scripts/check-layers
fault size-function src/base/long.c "$(long long_one 101 | sed 's/\t/\\t/' | tr '\n' '~' | sed 's/~/\\n/g')" \
	"long_one is 101 lines long" scripts/check-size
fault size-file src/base/file.c "$(yes '/* */' | head -n 1001 | tr '\n' '~' | sed 's/~/\\n/g')" "1001 lines, over 1,000" scripts/check-size
long sixty 61 >src/base/sixty.c
expect size-soft passes "note: src/base/sixty.c:1: sixty is 61 lines long" scripts/check-size
rm src/base/sixty.c
fault header-alone src/base/bad.h '#ifndef TAF_BASE_BAD_H\n#define TAF_BASE_BAD_H\nsize_t f(void);\n#endif\n' \
	"src/base/bad.h does not compile alone" scripts/check-headers
fault header-guard src/base/bare.h 'int g(void);\n' "no include guard" scripts/check-headers
fault banned-call src/base/call.c 'int f(char *s)\n{\n\treturn atoi(s);\n}\n' "src/base/call.c:3:" scripts/check-banned
fault banned-typedef src/base/type.c 'typedef struct a {\n\tint i;\n} a;\n' "no typedef" scripts/check-banned
fault banned-goto src/base/jump.c 'int f(void)\n{\n\tCLEANUP(x) int i = 0;\n\tgoto out;\nout:\n\treturn i;\n}\n' \
	"goto in a function with CLEANUP" scripts/check-banned
printf '/* atoi(s) */ const char *s = "system(x) \\" /* ";\n' >src/base/quiet.c
expect banned-not-in-text passes "" scripts/check-banned
rm src/base/quiet.c

mkdir -p build/obj/src/base build/obj/src/core
printf 'int x(void);\nint y(void);\nint y(void)\n{\n\treturn x();\n}\n' >src/core/y.c
printf 'int y(void);\nint main(void)\n{\n\treturn y();\n}\n' >src/core/main.c
for f in src/base/x src/core/y src/core/main; do gcc -Isrc -c -o "build/obj/$f.o" "$f.c" || exit 1; done
expect exports-used passes "" scripts/check-exports
rm build/obj/src/core/main.o
expect exports-unused fails "src/core/y.c: y is exported and used by no other file" scripts/check-exports

# The runner: what it counts, and that nothing slips through.
mkdir -p tests/cases/good tests/cases/bad tests/cases/silent tests/cases/dies
printf 'echo "ok one"; echo "ok two"\n' >tests/cases/good/test.sh
printf 'echo "ok one"; echo "not ok two: why"\n' >tests/cases/bad/test.sh
printf 'true\n' >tests/cases/silent/test.sh
printf 'echo "ok one"; exit 3\n' >tests/cases/dies/test.sh
last_line() { tests/run --build build --jobs 2 "$@" 2>&1 | tail -n 1; }
expect run-good passes "2 passed, 0 failed" last_line tests/cases/good/test.sh
expect run-bad passes "5 passed, 3 failed" last_line tests/cases/bad/test.sh tests/cases/good/test.sh tests/cases/silent/test.sh \
	tests/cases/dies/test.sh scripts/check-layers
expect run-nothing fails "0 passed, 1 failed" tests/run --build build

if command -v clang-format >/dev/null; then
	printf '#define A {.b = 1}\nint  f(void);\n' >src/base/wide.h
	expect format-finds fails "src/base/wide.h (formatted)" scripts/format --check src/base/wide.h
	scripts/format src/base/wide.h >/dev/null
	expect format-mends passes "" scripts/format --check src/base/wide.h
	expect format-keeps-braces passes "#define A {.b = 1}" cat src/base/wide.h
else
	echo "skipped: no clang-format"
fi
