#include "core/objects.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int objects_prepare(const char *folder, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/tmp", folder);
	int rc = fs_mkdirs(path.data, e);
	for (int i = 0; rc == 0 && i < OBJECT_FOLDERS; i++) {
		buf_clear(&path);
		buf_printf(&path, "%s/%02x", folder, i);
		if (mkdir(path.data, 0755) < 0 && errno != EEXIST)
			rc = err_errno(e, "making the folder %s", path.data);
	}
	return rc;
}

int objects_sweep(const char *folder, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/tmp", folder);
	struct fs_names names = {NULL, 0};
	int rc = fs_list(path.data, &names, e);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		buf_clear(&path);
		buf_printf(&path, "%s/tmp/%s", folder, names.v[i]);
		rc = fs_remove(path.data, e);
	}
	fs_names_free(&names);
	return rc;
}

void objects_path(struct buf *ret, const char *folder, const struct digest *d)
{
	char hex[DIGEST_HEX + 1];
	digest_hex(d, hex);
	buf_clear(ret);
	buf_printf(ret, "%s/%.2s/%s", folder, hex, hex + 2);
}

int64_t objects_size(const char *folder, const struct digest *d)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	objects_path(&path, folder, d);
	struct stat st;
	return stat(path.data, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

static int write_synced(const char *tmp, struct str bytes, struct err *e)
{
	CLEANUP(fs_close) int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(e, "making %s", tmp);
	int rc = fs_write_all(fd, bytes.p, bytes.n, tmp, e);
	if (rc == 0 && fsync(fd) < 0)
		rc = err_errno(e, "writing %s to disk", tmp);
	return rc;
}

int objects_put(const char *folder, struct str bytes, struct digest *ret, struct err *e)
{
	static atomic_uint counter;
	if (bytes.n > OBJECT_MAX)
		return err_set(e, ERR_TOOBIG, "an object of %zu bytes is over the limit of %zu", bytes.n, OBJECT_MAX);
	struct digest d;
	digest_of(bytes.p, bytes.n, &d);
	if (objects_size(folder, &d) == (int64_t)bytes.n) {
		*ret = d;
		return 0;
	}
	CLEANUP(buf_release) struct buf tmp = BUF_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&tmp, "%s/tmp/%ld.%u", folder, (long)getpid(), atomic_fetch_add(&counter, 1));
	objects_path(&path, folder, &d);
	int rc = write_synced(tmp.data, bytes, e);
	if (rc == 0)
		rc = fs_rename(tmp.data, path.data, e);
	if (rc < 0) {
		unlink(tmp.data);
		return rc;
	}
	fault_point("object-renamed");
	fs_dirname(&tmp, path.data);
	rc = fs_sync_dir(tmp.data, e);
	if (rc == 0)
		*ret = d;
	return rc;
}

int objects_read(const char *folder, const struct digest *d, int64_t size, size_t max, struct buf *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	objects_path(&path, folder, d);
	int64_t have = objects_size(folder, d);
	if (have < 0)
		return err_set(e, ERR_LOST, "the object %s is missing", path.data);
	if (size >= 0 && have != size)
		return err_set(
			e, ERR_LOST, "the object %s has %lld bytes, not %lld", path.data, (long long)have, (long long)size);
	size_t from = ret->len;
	int rc = fs_read(path.data, max, ret, e);
	if (rc < 0 || size >= 0)
		return rc;
	struct digest got;
	digest_of(ret->data + from, ret->len - from, &got);
	if (digest_equal(&got, d))
		return 0;
	buf_truncate(ret, from);
	rc = fs_remove(path.data, e);
	return rc < 0 ? rc : err_set(e, ERR_LOST, "the object %s was damaged", path.data);
}

int objects_remove(const char *folder, const struct digest *d, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	objects_path(&path, folder, d);
	return fs_remove(path.data, e);
}
