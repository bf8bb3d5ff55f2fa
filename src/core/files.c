#include "core/files.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>

#define FILE_SETTLED_MS 2000
#define FILE_KEPT ((size_t)1 << 20)

struct file {
	struct buf bytes;
	bool read;
	bool digested[2]; /* by way */
	struct digest digest[2];
};
struct files {
	struct store *store;
	bool remember;
	pthread_mutex_t lock;
	struct map read; /* path → struct file * */
};

struct files *files_new(struct store *store, bool remember)
{
	struct files *f = xcalloc(1, sizeof(*f));
	f->store = store;
	f->remember = remember;
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

void files_free(struct files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->read.n; i++) {
		struct file *file = f->read.entries[i].value.p;
		buf_release(&file->bytes);
		free(file);
	}
	map_release(&f->read);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* Under the lock. */
static struct file *file_of(struct files *f, struct str path, const char **ret_name)
{
	bool fresh;
	struct map_entry *entry = map_put(&f->read, path, &fresh);
	if (fresh) {
		struct file *file = xcalloc(1, sizeof(*file));
		buf_init(&file->bytes, FILES_MAX);
		entry->value.p = file;
	}
	if (ret_name)
		*ret_name = entry->key.p;
	return entry->value.p;
}

int files_bytes(struct files *f, struct str path, struct str *ret, struct err *e)
{
	const char *name;
	pthread_mutex_lock(&f->lock);
	struct file *file = file_of(f, path, &name);
	int rc = 0;
	if (!file->read) {
		rc = fs_read(name, FILES_MAX, &file->bytes, e);
		file->read = rc == 0;
	}
	if (rc == 0)
		*ret = buf_view(&file->bytes);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

void files_forget(struct files *f)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->read.n; i++) {
		struct file *file = f->read.entries[i].value.p;
		if (file->bytes.len <= FILE_KEPT)
			continue;
		buf_release(&file->bytes);
		file->read = false;
	}
	pthread_mutex_unlock(&f->lock);
}

static void digest_text(struct str text, struct digest *ret)
{
	struct digester *d = digester_new();
	if (str_starts(text, "\xef\xbb\xbf"))
		text = str_n(text.p + 3, text.n - 3);
	struct str line;
	size_t blank = 0; /* empty lines at the end do not count */
	while (str_line(&text, &line)) {
		while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t' || line.p[line.n - 1] == '\r'))
			line.n--;
		if (line.n == 0) {
			blank++;
			continue;
		}
		for (; blank > 0; blank--)
			digester_add(d, "\n", 1);
		digester_add(d, line.p, line.n);
		digester_add(d, "\n", 1);
	}
	digester_end(d, ret);
	digester_free(d);
}

static int digest_yaml(const char *path, struct str text, struct digest *ret, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct yaml_node *node;
	int rc = yaml_parse(&a, path, text, &node, e);
	if (rc == 0) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		yaml_canonical(&b, node);
		digest_of(b.data, b.len, ret);
	}
	arena_release(&a);
	return rc;
}

bool seen_holds(const struct seen *v, const struct fs_stat *st)
{
	return v->size == st->size && v->mtime_ns == st->mtime_ns && v->ctime_ns == st->ctime_ns &&
		   (uint64_t)v->ino == st->ino && st->mtime_ns / 1000000 + FILE_SETTLED_MS < v->hashed_ms &&
		   st->ctime_ns / 1000000 + FILE_SETTLED_MS < v->hashed_ms;
}

static int digest_anew(struct files *f, struct str path, enum file_way way, struct digest *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	buf_str(&name, path);
	struct fs_stat st;
	int rc = fs_stat(name.data, &st, e);
	if (rc < 0)
		return rc;
	if (!st.exists)
		return err_set(e, ERR_NOTFOUND, "%s: no such file", name.data);
	struct seen seen;
	rc = f->store ? store_seen(f->store, path, way, &seen, e) : 0;
	if (rc < 0)
		return rc;
	if (rc > 0 && seen_holds(&seen, &st)) {
		*ret = seen.digest;
		return 0;
	}
	struct str text;
	seen = (struct seen){st.size, st.mtime_ns, st.ctime_ns, (int64_t)st.ino, clock_wall_ms(), {{0}}};
	rc = files_bytes(f, path, &text, e);
	if (rc < 0)
		return rc;
	if (way == FILE_YAML)
		rc = digest_yaml(name.data, text, &seen.digest, e);
	else
		digest_text(text, &seen.digest);
	if (rc < 0)
		return rc;
	if (f->store && f->remember)
		store_put_seen(f->store, path, way, &seen);
	*ret = seen.digest;
	return 0;
}

int files_digest(struct files *f, struct str path, enum file_way way, struct digest *ret, struct err *e)
{
	pthread_mutex_lock(&f->lock);
	struct file *file = file_of(f, path, NULL);
	bool known = file->digested[way];
	if (known)
		*ret = file->digest[way];
	pthread_mutex_unlock(&f->lock);
	if (known)
		return 0;
	int rc = digest_anew(f, path, way, ret, e);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&f->lock);
	file->digest[way] = *ret;
	file->digested[way] = true;
	pthread_mutex_unlock(&f->lock);
	return 0;
}
