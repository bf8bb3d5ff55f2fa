/* Ids, closed label sets and readers of a call's JSON form. */
#include "core/call.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"
#include "io/yaml.h"

#include <stdio.h>
#include <string.h>

#define LABELS_FILE_MAX ((size_t)1 << 20)

static bool id_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("._/+-", c));
}

void id_encode(struct buf *b, struct str raw)
{
	for (size_t i = 0; i < raw.n; i++) {
		unsigned char c = (unsigned char)raw.p[i];
		if (id_plain(c))
			buf_putc(b, (char)c);
		else
			buf_printf(b, "%%%02x", c);
	}
}

static bool lower_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool id_valid(struct str id)
{
	if (id.n == 0 || id.n > CALL_ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		if (id_plain((unsigned char)id.p[i]))
			continue;
		if (id.p[i] != '%' || i + 2 >= id.n || !lower_hex(id.p[i + 1]) || !lower_hex(id.p[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

/* --- Closed label sets --- */

struct label_reader {
	struct arena *arena;
	struct str text; /* of the file, for messages */
	struct map seen;
	struct err *e;
};

static int labels_error(const struct label_reader *r, const struct yaml_node *node, const char *message)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	yaml_point(&b, node->mark, r->text, message);
	return err_set(r->e, ERR_CONFIG, "%s", b.data);
}

static int labels_list(struct label_reader *r, const struct yaml_node *list, struct str **ret, size_t *ret_n)
{
	if (list->kind != YAML_LIST || list->n == 0)
		return labels_error(r, list, "expected a list of labels");
	struct str *v = arena_array(r->arena, list->n, sizeof(*v));
	size_t n = 0;
	YAML_EACH(item, list) {
		bool fresh = false;
		if (item->kind != YAML_SCALAR || item->text.n == 0)
			return labels_error(r, item, "a label must be a text");
		map_put(&r->seen, item->text, &fresh);
		if (!fresh)
			return labels_error(r, item, "this label stands twice; each text may stand once in the whole file");
		v[n++] = arena_str(r->arena, item->text);
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static int labels_tree(struct label_reader *r, const struct yaml_node *root, struct labels *ret)
{
	struct labels l = {.fraud_types = NULL};
	if (root->kind != YAML_MAP)
		return labels_error(r, root, "expected the keys fraud_types and scenes");
	YAML_EACH(item, root) {
		int rc;
		if (str_is(item->key, "fraud_types"))
			rc = labels_list(r, item, &l.fraud_types, &l.nfraud_types);
		else if (str_is(item->key, "scenes"))
			rc = labels_list(r, item, &l.scenes, &l.nscenes);
		else
			rc = labels_error(r, item, "unknown key; expected fraud_types and scenes");
		if (rc)
			return rc;
	}
	if (!l.fraud_types || !l.scenes)
		return labels_error(r, root, "both fraud_types and scenes are needed");
	*ret = l;
	return 0;
}

int labels_load(struct arena *a, const char *path, struct labels *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf root = BUF_INIT;
	CLEANUP(buf_release) struct buf full = BUF_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct yaml_node *tree = NULL;
	int r;
	if (!path) {
		r = fs_data_root(&root, e);
		if (r)
			return r;
		fs_join(&full, root.data, "schemas/labels.yaml");
		path = full.data;
	}
	r = fs_read(path, LABELS_FILE_MAX, &bytes, e);
	if (r)
		return r;
	/* The tree's marks keep the name: it must live as long as the arena. */
	r = yaml_parse(a, arena_strdup(a, path), buf_view(&bytes), &tree, e);
	if (r)
		return r;
	struct label_reader reader = {.arena = a, .text = buf_view(&bytes), .seen = MAP_INIT, .e = e};
	r = labels_tree(&reader, tree, ret);
	map_release(&reader.seen);
	return r;
}

static bool labels_has(const struct str *v, size_t n, struct str s)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i], s))
			return true;
	return false;
}

bool labels_is_fraud_type(const struct labels *l, struct str s)
{
	return labels_has(l->fraud_types, l->nfraud_types, s);
}

bool labels_is_scene(const struct labels *l, struct str s)
{
	return labels_has(l->scenes, l->nscenes, s);
}

/* --- Turns --- */

struct str turn_role(const struct json *turn)
{
	return json_get_str(turn, "role");
}

struct str turn_text(const struct json *turn)
{
	return json_get_str(turn, "text");
}

struct json *turn_new(struct arena *a, const char *role, struct str text)
{
	struct json *turn = json_object(a);
	json_set_text(a, turn, "role", role);
	json_set_str(a, turn, "text", text);
	return turn;
}
