# verify finds what is wrong with a release, and with an object.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1
taf run; is run $? 0
has outputs out "work/release/"
has outputs-zip out "audio.zip"
taf verify work/release; is whole $? 0
has whole-words out "OK: "
taf verify work/release --json; is whole-json $? 0
has whole-json-words out '"ok":true'

broken() { # NAME WORDS COMMAND…: a copy of the release, changed, is told to be wrong
	local name=$1 words=$2
	shift 2
	rm -rf copy
	cp -r work/release copy
	"$@"
	taf verify copy; is "$name" $? 1
	has "$name-words" err "$words"
	taf verify copy --json; has "$name-json" out '"ok":false'
}
flip() { python3 - "$1" <<'END'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[len(b) // 2] ^= 255
open(sys.argv[1], "wb").write(b)
END
}
sums() { (cd copy && rm SHA256SUMS && sha256sum * >../sums && mv ../sums SHA256SUMS); }
rename_call() { sed -i '1s/"name":"[0-9a-f]*"/"name":"000000000000"/' copy/manifest.jsonl; sums; }
drop_call() { sed -i 1d copy/manifest.jsonl; sums; }
other_label() { sed -i '1s/"label":"[a-z]*"/"label":"unsure"/' copy/manifest.jsonl; sums; }
damage_zip() { flip copy/audio.zip; sums; }
not_json() { echo '{' >>copy/manifest.jsonl; sums; }
broken flipped-byte "audio.zip is not what SHA256SUMS says" flip copy/audio.zip
broken damaged-zip "audio.zip: " damage_zip
broken missing-file "stats.json" rm copy/stats.json
broken extra-file "extra is not in SHA256SUMS" touch copy/extra
broken wrong-name "but should be" rename_call
broken missing-row "is not in the manifest" drop_call
broken wrong-label "label is not the manifest's" other_label
broken bad-line "manifest.jsonl:" not_json
taf verify calls.jsonl; is not-a-folder $? 1

taf verify --objects; is objects $? 0
object=$(find work/objects -type f -path '*/[0-9a-f][0-9a-f]/*' | LC_ALL=C sort | head -n 1)
flip "$object"
taf verify --objects; is object-damaged $? 1
has object-damaged-words err "is damaged"
rm "$object"
taf verify --objects --json; is object-missing $? 1
has object-missing-words out "is missing"
taf run --json; is heals $? 0
taf verify --objects; is healed $? 0
