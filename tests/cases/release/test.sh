# The release: bytes that depend on nothing but the inputs, zips that every reader opens, files that agree with each other, and when it is refused.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
must() { # NAME STATUS ARGS…
	local name=$1 want=$2 status
	shift 2
	taf "$@"
	status=$?
	if [ $status -eq "$want" ]; then ok "$name"; else bad "$name" "exit status $status, not $want: $(tail -n 6 err)"; fi
}

# Another -j, another folder, another place of the project: the same bytes.
must "first" 0 run -f p/pipeline.yaml -w w -j 1
r=w/release
mkdir -p "another place"
cp -r p "another place/项目"
must "second" 0 run -f "another place/项目/pipeline.yaml" -j 3
is "same bytes" "$(digests "another place/项目/work/release")" "$(digests $r)"
(cd p && taf run -w ../w3 -j 2) || bad third "$(cat p/err)"
is "same bytes again" "$(digests w3/release)" "$(digests $r)"
must "other seed" 0 run -f p/pipeline.yaml -w w3 --set seed=99 -j 2
if [ "$(digests w3/release)" = "$(digests $r)" ]; then bad "other seed differs" "same bytes"; else ok "other seed differs"; fi

is "files" "$(ls $r | tr '\n' ' ')" "README.md README.zh-CN.md SHA256SUMS audio.zip binary_classification.zip croissant.json manifest.jsonl preview stats.json "
is "preview" "$(ls $r/preview | wc -l)" 13
if (cd $r && sha256sum -c --quiet SHA256SUMS >../../out 2>&1); then ok "sha256sum -c"; else bad "sha256sum -c" "$(cat out)"; fi
is "SHA256SUMS names all" "$(cut -c 67- $r/SHA256SUMS)" "$(cd $r && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort)"
is "member list" "$(python3 -c 'import json
print(json.load(open("w/release/stats.json"))["build"]["members"])')" "$(python3 -c 'import json
for x in sorted(json.loads(x)["name"] for x in open("w/release/manifest.jsonl")): print(x)' | sha256sum | cut -c 1-64)"
is "digests of data files" "$(python3 -c 'import json
print([s["name"] for s in json.load(open("w/release/stats.json"))["stages"] if "files" in s])')" "['calls', 'agents', 'clean', 'say']"

# Readers of zips: Info-ZIP, Python by the directory at the end, and one that sees only a stream.
if command -v unzip >/dev/null; then
	for z in $r/*.zip; do
		if unzip -tq "$z" >out 2>&1; then ok "unzip -t $(basename "$z")"; else bad "unzip -t $(basename "$z")" "$(cat out)"; fi
	done
fi
cat >readers.py <<'P'
import hashlib, io, json, os, re, struct, sys, zipfile, zlib
folder = sys.argv[1]
def say(name, why):
    print("not ok %s: %s" % (name, why) if why else "ok %s" % name)
def stream(path):
    """What a reader of a pipe sees: local headers one after another, each with its sizes, until the directory begins."""
    got = {}
    with os.popen("cat '%s'" % path) as pipe:
        f = pipe.buffer
        while True:
            sign = f.read(4)
            if sign != b"PK\3\4":
                break
            version, flags, method, time, date, crc, packed, size, n, extra = struct.unpack("<5H3I2H", f.read(26))
            name = f.read(n).decode()
            more = f.read(extra)
            if flags & 8:
                raise ValueError("%s: sizes only behind the data" % name)
            while more:
                kind, length = struct.unpack("<2H", more[:4])
                if kind == 1:
                    wide = struct.unpack("<%dQ" % (length // 8), more[4:4 + length // 8 * 8])
                    if size == 0xffffffff:
                        size, wide = wide[0], wide[1:]
                    if packed == 0xffffffff:
                        packed = wide[0]
                more = more[4 + length:]
            data = f.read(packed)
            if method == 8:
                data = zlib.decompressobj(-15).decompress(data)
            elif method != 0:
                raise ValueError("%s: method %d" % (name, method))
            if len(data) != size or zlib.crc32(data) != crc:
                raise ValueError("%s: size or checksum" % name)
            got[name] = data
        if sign not in (b"PK\1\2", b"PK\6\6"):
            raise ValueError("no directory where one should begin")
        f.read()
    return got
zips = {}
for name in ("audio.zip", "binary_classification.zip"):
    path, why = os.path.join(folder, name), None
    with zipfile.ZipFile(path) as z:
        broken = z.testzip()
        zips[name] = {i.filename: z.read(i) for i in z.infolist()}
        stored = all(i.compress_type == zipfile.ZIP_STORED for i in z.infolist())
        order = [i.filename for i in z.infolist()]
    say("zipfile " + name, broken)
    if name == "audio.zip":
        say("audio is stored", None if stored else "compressed")
    try:
        if stream(path) != zips[name]:
            why = "other content"
    except Exception as e:
        why = str(e)
    say("stream " + name, why)

rows = [json.loads(line) for line in open(os.path.join(folder, "manifest.jsonl"), encoding="utf-8")]
audio, why = zips["audio.zip"], []
if sorted(audio) != sorted(r["audio"] for r in rows):
    why.append("the files differ")
if len({r["id"] for r in rows}) != len(rows):
    why.append("ids twice")
for r in rows:
    data = audio.get(r["audio"], b"")
    if r["audio"] != "audio/%s.mp3" % r["name"] or not re.fullmatch("[0-9a-f]{12}", r["name"]):
        why.append("name %s" % r["name"])
    if r["bytes"] != len(data) or r["sha256"] != hashlib.sha256(data).hexdigest():
        why.append("%s: bytes or sha256" % r["id"])
    if "user" in r["name"] or r["label"] not in ("fraud", "normal"):
        why.append("%s: label" % r["id"])
    ends = [s["end_ms"] for s in r["segments"]]
    if len(ends) != r["turns"] or ends != sorted(ends) or ends[-1] > r["duration_ms"]:
        why.append("%s: segments" % r["id"])
say("manifest agrees with audio.zip", "; ".join(why))
say("calls", None if len(rows) == 19 else "%d, not 19" % len(rows))

why, by = [], {r["audio"]: r for r in rows}
lines = [json.loads(x) for x in zips["binary_classification.zip"]["binary_classification.jsonl"].decode().splitlines()]
for x in lines:
    if sorted(x) != ["audio", "label", "text"] or by[x["audio"]]["label"] != x["label"] or x["text"].count("\n") + 1 != by[x["audio"]]["turns"]:
        why.append(x["audio"])
say("binary_classification agrees", "; ".join(why) or (None if len(lines) == len(rows) else "lines"))

def mpeg(data):
    """Version, Hz, channels of each frame of an MP3."""
    at, seen = 0, set()
    if data[:3] == b"ID3":
        at = 10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9])
    while at + 4 <= len(data):
        h = struct.unpack(">I", data[at:at + 4])[0]
        if h >> 21 != 0x7ff or h >> 17 & 3 != 1:
            return {"no frame at %d" % at}
        v = h >> 19 & 3
        rate = [44100, 48000, 32000][h >> 10 & 3] >> {3: 0, 2: 1, 0: 2}[v]
        kbit = ([0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320] if v == 3 else
                [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160])[h >> 12 & 15]
        seen.add((rate, 1 if h >> 6 & 3 == 3 else 2))
        at += (144 if v == 3 else 72) * kbit * 1000 // rate + (h >> 9 & 1)
    return seen if at == len(data) else {"%d bytes at the end" % (len(data) - at)}
bad = {n: mpeg(d) for n, d in audio.items() if mpeg(d) != {(24000, 2)}}
say("mp3 at 24 kHz, two channels", str(bad) if bad else None)
stats = json.load(open(os.path.join(folder, "stats.json"), encoding="utf-8"))
say("stats", None if stats["calls"] == len(rows) and stats["left_out"] == {"quarantined": 0, "rejected": 1} and
    stats["labels"]["fraud"] == sum(r["label"] == "fraud" for r in rows) else str(stats))
clean = [s for s in stats["stages"] if s["name"] == "clean"][0]
say("a rejected call is counted once", None if clean["rules"] == {"too_short": 1} else str(clean))
os.makedirs("mp3", exist_ok=True)
for n, d in audio.items():
    open("mp3/" + os.path.basename(n), "wb").write(d)
P
python3 readers.py $r
python3 "$TAF_TOP/tests/cases/release/reader.py" plain $r "$TAF_TOP/schemas"

# With annotations and a benchmark, which the small pipeline does not have: packed by the test of verify.
here=$PWD
(cd "$TAF_TOP" && TAF_PACK_RELEASE=$here/annotated "$BUILD/tests/cli/test_verify") >out 2>&1 || bad "annotated" "$(cat out)"
python3 "$TAF_TOP/tests/cases/release/reader.py" annotated annotated "$TAF_TOP/schemas"
must "annotated: verify" 0 verify annotated

# A file of a folder that is deleted is noticed.
digests $r >before
rm $r/preview/index.html
must "preview deleted" 0 run -f p/pipeline.yaml -w w
is "preview is back" "$(digests $r)" "$(cat before)"

# Loudness and true peak of each side, by another measure.
if command -v ffmpeg >/dev/null; then
	: >loud
	for f in mp3/*.mp3; do
		for side in c0 c1; do
			only="pan=mono|c0=$side,ebur128=peak=true"
			ffmpeg -hide_banner -nostats -i "$f" -filter_complex "$only:framelog=quiet" -f null - 2>measured </dev/null ||
				ffmpeg -hide_banner -nostats -i "$f" -filter_complex "$only" -f null - 2>measured </dev/null
			sed -n '/Summary:/,$p' measured | awk -v f="$f $side" '$1 == "I:" {i = $2} $1 == "Peak:" {p = $2}
				END {if (i < -23.5 || i > -22.5 || p > -0.9 || i == "") print f, i, p}' >>loud
		done
	done
	is "loudness within 0.5 LU, true peak within 0.1 dB" "$(cat loud)" ""
else
	echo "skipped: no ffmpeg"
fi
lacks "labels stay out of names" <(ls mp3) "fruit"

# Quarantined records: refused above max_quarantined (1%), unless told otherwise.
digests $r >before
echo '{"tts_id": "broken", "left": ["您好' >>p/calls.jsonl
must "refused" 1 run -f p/pipeline.yaml -w w
has "refused: says why" err "max_quarantined"
has "refused: says what to do" err "--partial"
is "refused: the old release stays" "$(digests $r)" "$(cat before)"
must "partial" 3 run -f p/pipeline.yaml -w w --partial
is "partial: calls" "$(wc -l <$r/manifest.jsonl)" 19
has "partial: said in stats" $r/stats.json '"left_out":{"quarantined":1,'
must "max_quarantined" 3 run -f p/pipeline.yaml -w w --set stages.pack.with.max_quarantined=0.1
has "max_quarantined: said" out "quarantined"
project p
must "mended" 0 run -f p/pipeline.yaml -w w
is "mended: same release" "$(digests $r)" "$(cat before)"

# A narrowed run: the same ids and names, in work/pilot only; the next whole run has nothing to make anew.
must "limit" 0 run -f p/pipeline.yaml -w w4 --limit 3
is "limit: where" "$(cd w4 && ls -d release pilot/release 2>/dev/null)" "pilot/release"
is "limit: calls" "$(wc -l <w4/pilot/release/manifest.jsonl)" 3
is "limit: the same files" "$(python3 -c 'import json
whole = {r["id"]: (r["name"], r["sha256"]) for r in map(json.loads, open("w/release/manifest.jsonl"))}
print(all(whole[r["id"]] == (r["name"], r["sha256"]) for r in map(json.loads, open("w4/pilot/release/manifest.jsonl"))))')" True
must "only" 0 run -f p/pipeline.yaml -w w --only fruit/aunt/0002
is "only: calls" "$(python3 -c 'import json
print([json.loads(x)["id"] for x in open("w/pilot/release/manifest.jsonl")])')" "['fruit/aunt/0002']"
is "only: the release stays" "$(digests $r)" "$(cat before)"
must "only a scenario" 0 run -f p/pipeline.yaml -w w --only fruit
is "only a scenario: calls" "$(wc -l <w/pilot/release/manifest.jsonl)" 4
must "whole after limit" 0 run -f p/pipeline.yaml -w w4 --json
is "whole after limit: computed" "$(stage computed say <out)" 16
is "whole after limit: same release" "$(digests w4/release)" "$(cat before)"
must "only nothing" 2 run -f p/pipeline.yaml -w w --only no-such-call
has "only nothing: named" err "no-such-call"
