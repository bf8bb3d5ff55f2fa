"""What is wrong with a zip: each switch alone, read by Python's zipfile."""
import io
import zipfile
import zlib

from tts import LINES, Server, check, entries, generate, seconds, speech

NAMES = ["0.mp3", "1.mp3", "2.mp3"]


def unpacks_to(data, info, most=300 << 20):
    """Bytes that an entry really unpacks to, whatever it says, and their checksum."""
    at = info.header_offset + 30 + len(info.filename.encode())
    d, n, crc = zlib.decompressobj(-15), 0, 0
    rest = data[at:at + info.compress_size]
    while rest and n < most:
        piece = d.decompress(rest, 1 << 20)
        n, crc, rest = n + len(piece), zlib.crc32(piece, crc), d.unconsumed_tail
    return n, crc, d.eof


with Server() as s:
    plain = entries(generate(s)[2])

    def many(name, count=12):
        s.switch(**{name: 100})
        got = [generate(s, seed=i)[2] for i in range(count)]
        again = generate(s, seed=0)[2] == got[0]
        s.switch(**{name: 0})
        return got, again

    got, again = many("wrong-count")
    counts = [len(entries(d)) for d in got]
    check("wrong-count", set(counts) == {2, 4} and again, counts)

    got, again = many("traversal")
    names = [[n for n, _ in entries(d)] for d in got]
    odd = {n for row in names for n in row} - set(NAMES)
    check("traversal", all(len(set(row) & set(NAMES)) == 2 for row in names) and again, names)
    check("traversal-kinds", any(n.startswith("../") for n in odd) and any(n[0] in "/C" for n in odd) and any("\\" in n for n in odd), odd)

    got, again = many("bad-crc", 4)
    check("bad-crc", again and all(zipfile.ZipFile(io.BytesIO(d)).testzip() in NAMES for d in got))

    got, again = many("encrypted", 4)
    for i, d in enumerate(got):
        z = zipfile.ZipFile(io.BytesIO(d))
        locked = [e.filename for e in z.infolist() if e.flag_bits & 1]
        right = dict(entries(generate(s, seed=i)[2]))
        check(f"encrypted-{i}", again and len(locked) == 1 and all(z.read(n, b"secret") == right[n] for n in NAMES), locked)

    got, again = many("doubled", 6)
    for d in got[:1]:
        all_names = [n for n, _ in entries(d)]
        twice = [n for n in NAMES if all_names.count(n) == 2]
        sounds = [b for n, b in entries(d) if n in twice]
        right = dict(entries(generate(s, seed=0)[2]))[twice[0]] if twice else b""
        check("doubled", again and len(all_names) == 4 and len(twice) == 1 and sounds[0] != right == sounds[1] and seconds(sounds[0]) < 2,
              all_names)

    got, again = many("bomb")
    kinds = set()
    for d in got:
        z = zipfile.ZipFile(io.BytesIO(d))
        big = [i for i in z.infolist() if i.compress_size > 1 << 20]
        if len(z.infolist()) >= 20000:
            kinds.add("many")
            continue
        if not big:
            liar = [i for i in z.infolist() if i.file_size > 1 << 31]
            if len(liar) == 1 and unpacks_to(d, liar[0])[2]:
                kinds.add("claims much")
            continue
        kind = "honest" if big[0].file_size == 256 << 20 else "claims little"
        if kind in kinds:
            continue
        n, crc, whole = unpacks_to(d, big[0])
        check(f"bomb-{kind.replace(' ', '-')}", len(d) < 3 << 20 and n == 256 << 20 and whole and crc == big[0].CRC, (len(d), n))
        kinds.add(kind)
    check("bomb", kinds == {"many", "claims much", "honest", "claims little"} and again, kinds)

    s.switch(bomb=100, wrong_count=0)
    check("no-zip", speech(s)[0] == 200 and s.stats()["answers"].get("bomb") == 13, s.stats()["answers"])
    s.switch(bomb=0)
    check("well-again", entries(generate(s)[2]) == plain and len(plain) == len(LINES))
