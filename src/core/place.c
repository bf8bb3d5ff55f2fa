#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* A sink's folder is there whole or not at all: written beside as NAME.new, then exchanged with NAME in one step where the file system can
 * (renameat2), else moved by way of NAME.old, which the next start puts back when a run was killed between the two moves. */

static int place_by_way(const char *from, const char *to, const char *old, struct err *e)
{
	int rc = fs_remove_tree(old, e);
	if (rc == 0 && rename(to, old) < 0 && errno != ENOENT)
		rc = err_errno(e, "moving %s away", to);
	fault_point("release-moved");
	if (rc == 0)
		rc = fs_rename(from, to, e);
	return rc;
}

int sink_place(const char *from, const char *to, struct err *e)
{
	CLEANUP(buf_release) struct buf old = BUF_INIT;
	CLEANUP(buf_release) struct buf parent = BUF_INIT;
	buf_printf(&old, "%s.old", to);
	fs_dirname(&parent, to);
	struct stat st;
	if (lstat(to, &st) == 0 && S_ISLNK(st.st_mode))
		return err_set(e,
			ERR_REFUSED, "%s is a link, and a sink replaces its whole folder: remove the link, or put the work folder elsewhere with -w",
			to);
	int rc = fs_sync_dir(from, e);
	if (rc < 0)
		return rc;
	fault_point("release-written");
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0) {
		fault_point("release-exchanged");
		rc = fs_sync_dir(parent.data, e);
		return rc < 0 ? rc : fs_remove_tree(from, e); /* now the one before */
	}
	rc = place_by_way(from, to, old.data, e);
	if (rc == 0)
		rc = fs_sync_dir(parent.data, e);
	return rc < 0 ? rc : fs_remove_tree(old.data, e);
}

int sink_sweep(struct stage_run *s, struct err *e)
{
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	CLEANUP(buf_release) struct buf other = BUF_INIT;
	sink_folder(s, &folder);
	buf_printf(&other, "%s.old", folder.data);
	struct fs_stat st, old;
	int rc = fs_stat(folder.data, &st, e);
	if (rc == 0)
		rc = fs_stat(other.data, &old, e);
	if (rc == 0 && old.exists)
		rc = st.exists ? fs_remove_tree(other.data, e) : fs_rename(other.data, folder.data, e);
	if (rc < 0)
		return rc;
	buf_clear(&other);
	buf_printf(&other, "%s.new", folder.data);
	return fs_remove_tree(other.data, e);
}
