# Prints C source with comments and the content of string and character literals blanked, line by line:
# what is left can be searched for names. Includes keep their quotes' content.
{
	line = $0
	if (!inside && line ~ /^[ \t]*#[ \t]*include/) {
		print line
		next
	}
	out = ""
	while (length(line) > 0) {
		if (inside) {
			at = index(line, "*/")
			if (at == 0) {
				line = ""
			} else {
				line = substr(line, at + 2)
				inside = 0
				out = out " "
			}
			continue
		}
		two = substr(line, 1, 2)
		one = substr(line, 1, 1)
		if (two == "//") {
			line = ""
		} else if (two == "/*") {
			inside = 1
			line = substr(line, 3)
		} else if (one == "\"" || one == "'") {
			line = substr(line, 2)
			while (length(line) > 0 && substr(line, 1, 1) != one)
				line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
			line = substr(line, 2)
			out = out one one
		} else if (match(line, /^[^\/"']+/)) {
			out = out substr(line, 1, RLENGTH)
			line = substr(line, RLENGTH + 1)
		} else {
			out = out one
			line = substr(line, 2)
		}
	}
	print out
}
