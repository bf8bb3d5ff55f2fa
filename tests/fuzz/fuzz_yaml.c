/* YAML into a tree: within its limits, the same with CRLF line ends and a BOM, and scalars of one type only. */
#include "base/alloc.h"
#include "io/yaml.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static size_t check_node(const struct yaml_node *node, int level, int lines)
{
	bool b;
	int64_t i;
	double d;
	size_t n = 1, kids = 0;
	ASSERT(level <= 64 && node->mark.line >= 1 && node->mark.line <= lines && node->mark.col >= 1);
	fuzz_text(node->text);
	ASSERT(yaml_is_null(node) + yaml_bool(node, &b) + yaml_real(node, &d) <= 1);
	ASSERT(!yaml_int(node, &i) || yaml_real(node, &d));
	YAML_EACH(item, node) {
		kids++;
		n += check_node(item, level + 1, lines);
		ASSERT(item->next || node->last == item);
		ASSERT(node->kind == YAML_LIST || yaml_get(node, item->key.p) == item);
	}
	ASSERT(kids == node->n && (node->kind != YAML_SCALAR || kids == 0));
	return n;
}

static void check_line_ends(struct arena *a, struct str text, const struct buf *canonical)
{
	CLEANUP(buf_release) struct buf crlf = BUF_INIT;
	CLEANUP(buf_release) struct buf same = BUF_INIT;
	struct yaml_node *root;
	struct err e = ERR_INIT;
	buf_puts(&crlf, "\xef\xbb\xbf");
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n')
			buf_putc(&crlf, '\r');
		buf_putc(&crlf, text.p[i]);
	}
	ASSERT(yaml_parse(a, "input", buf_view(&crlf), &root, &e) == 0);
	yaml_canonical(&same, root);
	ASSERT(str_eq(buf_view(canonical), buf_view(&same)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf canonical = BUF_INIT;
	struct str text = fuzz_str(data, size);
	struct yaml_node *root = NULL;
	struct err e = ERR_INIT;
	int lines = 2; /* libyaml may stand on the line behind the last */
	int r = yaml_parse(&a, "input", text, &root, &e);
	if (r) {
		ASSERT(root == NULL);
		fuzz_failed(r, ERR_CONFIG, &e);
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
	ASSERT(check_node(root, 1, lines) <= 1000000);
	yaml_canonical(&canonical, root);
	if (size && !memchr(data, '\r', size) && !str_starts(text, "\xef\xbb\xbf"))
		check_line_ends(&a, text, &canonical);
	return 0;
}
