# The live display: on a terminal lines redrawn in place, never wider than it; elsewhere plain text without escapes.
. "$TAF_TOP/tests/cases/kit/kit.sh"
project p
cd p || exit 1
taf run --until clean; lacks plain-no-escapes err "$(printf '\033')"
lacks plain-no-escapes-out out "$(printf '\033')"
if ! python3 -c 'import os, pty; os.close(pty.openpty()[0])' 2>/dev/null; then
	echo "skipped: no pseudo-terminal to be had here (a chroot without /dev/pts)"
	exit 0
fi
cat >terminal.py <<'END'
import fcntl, os, pty, re, select, struct, sys, termios, unicodedata
columns, colour, command = int(sys.argv[1]), sys.argv[2] == "colour", sys.argv[3:]
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.environ.pop("NO_COLOR", None)
    if not colour:
        os.environ["NO_COLOR"] = "1"
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.execv(command[0], command)
data = b""
while True:
    try:
        piece = os.read(fd, 65536)
    except OSError:
        break
    if not piece:
        break
    data += piece
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
text = data.decode()
live, _, rest = text.rpartition("\x1b[J")
print("status", status)
print("redrawn" if re.search("\x1b\\[\\d+A\x1b\\[J", text) else "not redrawn")
print("coloured" if re.search("\x1b\\[3\\dm", text) else "not coloured")
plain = re.sub("\x1b\\[[0-9;]*[A-Za-z]", "", live)
width = lambda s: sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in s)
print("fits" if max(map(width, plain.replace("\r", "").split("\n"))) < columns else "too wide")
print("cursor clean" if "\x1b" not in rest else "escapes after the display")
END
for columns in 100 30; do
	rm -rf work
	python3 terminal.py $columns colour "$TAF" run >seen 2>&1
	has "status-$columns" seen "status 0"
	is "redrawn-$columns" "$(sed -n 2p seen)" redrawn
	is "coloured-$columns" "$(sed -n 3p seen)" coloured
	is "fits-$columns" "$(sed -n 4p seen)" fits
	is "clean-$columns" "$(sed -n 5p seen)" "cursor clean"
done
rm -rf work
python3 terminal.py 100 plain "$TAF" run >seen 2>&1
is no-color "$(sed -n 3p seen)" "not coloured"
