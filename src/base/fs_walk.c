#include "base/alloc.h"
#include "base/fs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WALK_DEPTH 32

struct walk {
	const char *root;
	struct fs_names names;
	size_t cap;
};

/* `inside`: the folder's path from the root, with a slash at its end; empty for the root. */
static int walk(struct walk *w, const char *inside, int depth, struct err *e)
{
	CLEANUP(fs_names_free) struct fs_names names = {NULL, 0};
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	if (depth > WALK_DEPTH)
		return err_set(e, ERR_TOOBIG, "%s: folders lie deeper than %d", w->root, WALK_DEPTH);
	buf_printf(&path, "%s/%s", w->root, inside);
	int rc = fs_list(path.data, &names, e);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		struct stat st;
		buf_clear(&path);
		buf_printf(&path, "%s/%s%s", w->root, inside, names.v[i]);
		if (lstat(path.data, &st) < 0)
			return err_errno(e, "cannot look at %s", path.data);
		buf_clear(&path);
		buf_printf(&path, "%s%s%s", inside, names.v[i], S_ISDIR(st.st_mode) ? "/" : "");
		if (S_ISDIR(st.st_mode)) {
			rc = walk(w, path.data, depth + 1, e);
			continue;
		}
		GROW(w->names.v, w->names.n, w->cap);
		w->names.v[w->names.n++] = buf_take(&path);
	}
	return rc;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int fs_files(const char *path, struct fs_names *ret, struct err *e)
{
	struct walk w = {.root = path};
	int rc = walk(&w, "", 0, e);
	if (rc < 0) {
		fs_names_free(&w.names);
		return rc;
	}
	if (w.names.n > 1)
		qsort(w.names.v, w.names.n, sizeof(*w.names.v), by_path);
	*ret = w.names;
	return 0;
}
