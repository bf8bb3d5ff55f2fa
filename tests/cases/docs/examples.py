"""Runs the examples of one document in the current folder: see test.sh for what is an example. Prints `ok …` and `not ok …` lines."""
import os
import re
import subprocess
import sys

LIMIT_S = 100 * int(os.environ.get("TAF_SLOW", "1"))


def blocks(text):
    """(first line number, kind, file name or None, lines) of each fenced block."""
    name, kind, held, start, indent = None, None, [], 0, 0
    for number, line in enumerate(text.split("\n"), 1):
        fence = re.match(r"^( *)```(\S*)\s*$", line)
        if kind is None:
            named = re.match(r"^ *<!-- file: (\S+) -->\s*$", line)
            if named:
                name = named.group(1)
            elif fence:
                indent, kind, held, start = len(fence.group(1)), fence.group(2) or "text", [], number + 1
        elif fence and not fence.group(2):
            yield start, kind, name, held
            name, kind = None, None
        else:
            held.append(line[indent:])


def commands(start, lines):
    """(line number, command, status, expected lines) of a console block."""
    found = []
    for number, line in enumerate(lines, start):
        if line.startswith("$ "):
            found.append([number, line[2:], 0, []])
        elif found and found[-1][1].endswith("\\") and not found[-1][3]:
            found[-1][1] = found[-1][1][:-1] + line.strip()
        elif found:
            found[-1][3].append(line)
    for one in found:
        status = re.search(r"\s+# exit status (\d+)$", one[1])
        if status:
            one[1], one[2] = one[1][: status.start()], int(status.group(1))
        while one[3] and not one[3][-1].strip():
            one[3].pop()
        yield one


def squeeze(line):
    """Blanks between columns do not count: their number goes with the widths of values that differ by machine."""
    return re.sub(r"\s+", " ", line).strip()


def fits(expected, got):
    if not expected:
        return True
    pattern = ""
    for line in expected:
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in squeeze(line).split("…")) + r"\n"
    text = "".join(squeeze(line) + "\n" for line in got.rstrip("\n").split("\n"))
    return re.fullmatch(pattern, text) is not None


def main():
    page = sys.argv[1]
    with open(page, encoding="utf-8") as f:
        text = f.read()
    for start, kind, name, lines in blocks(text):
        if name:
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(name, "w", encoding="utf-8") as f:
                f.write("\n".join(lines) + "\n")
            print(f"ok {page}:{start} file {name}")
        if kind != "console":
            continue
        for number, command, status, expected in commands(start, lines):
            what = f"{page}:{number}"
            try:
                run = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     stdin=subprocess.DEVNULL, timeout=LIMIT_S, check=False)
            except subprocess.TimeoutExpired:
                print(f"not ok {what}: `{command}` takes longer than {LIMIT_S} s")
                continue
            got = run.stdout.decode("utf-8", "replace")
            got = re.sub(r"(?m)^[0-9][0-9:. s]*\| .*\n", "", got)  # progress of a slow machine
            if run.returncode != status:
                print(f"not ok {what}: `{command}` exits with {run.returncode}, not {status}\n{got}")
            elif not fits(expected, got):
                print(f"not ok {what}: `{command}` prints something else than the document says:\n{got}")
            else:
                print(f"ok {what}")


main()
