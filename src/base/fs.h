/* Files: whole reads with a cap, whole-or-not-at-all writes, folders, globs, locks. Paths are as the system takes them.
 * All calls retry EINTR. Errors name the path. */
#ifndef TAF_BASE_FS_H
#define TAF_BASE_FS_H

#include "base/buf.h"
#include "base/err.h"

struct fs_stat {
	bool exists, is_dir;
	int64_t size, mtime_ns, ctime_ns;
	uint64_t ino;
};

/** Read a whole file into `ret` (appended). ERR_NOTFOUND, ERR_TOOBIG over `max` bytes, ERR_IO. Pipes and devices are refused. */
int fs_read(const char *path, size_t max, struct buf *ret, struct err *e);
/** Read `n` bytes at `offset`; fewer is ERR_DATA (the file changed). */
int fs_read_at(const char *path, int64_t offset, size_t n, char *ret, struct err *e);
/** Write beside (a name ending in ".tmp"), sync, rename, sync the folder. */
int fs_write_atomic(const char *path, const void *p, size_t n, int mode, struct err *e);
/** All of it to a descriptor. */
int fs_write_all(int fd, const void *p, size_t n, const char *name, struct err *e);
int fs_sync_dir(const char *path, struct err *e);
int fs_stat(const char *path, struct fs_stat *ret, struct err *e); /* a missing file is no error: exists = false */
int fs_mkdirs(const char *path, struct err *e);
int fs_rename(const char *from, const char *to, struct err *e);
int fs_remove(const char *path, struct err *e);      /* missing is fine */
int fs_remove_tree(const char *path, struct err *e); /* missing is fine; links are removed, not followed */
/** Names in a folder (no "." and ".."), sorted bytewise; free with fs_names_free. */
struct fs_names {
	char **v;
	size_t n;
};
int fs_list(const char *path, struct fs_names *ret, struct err *e);
/** Paths from the folder of all files in it and in its folders ("preview/index.html"), sorted bytewise. Links are named, not followed. */
int fs_files(const char *path, struct fs_names *ret, struct err *e);
/** Files that match a pattern (glob(3), no tilde), sorted bytewise. A folder stands for all its plain files that do not start with '.'.
 * Matching nothing is ERR_NOTFOUND. */
int fs_glob(const char *pattern, struct fs_names *ret, struct err *e);
void fs_names_free(struct fs_names *names);
/** Join into `ret` (cleared first); an absolute `name` stands alone. */
void fs_join(struct buf *ret, const char *folder, const char *name);
/** The folder part of a path ("." when there is none), and the name without folder and last extension. */
void fs_dirname(struct buf *ret, const char *path);
struct str fs_stem(const char *path);
/** Free bytes where `path` lies, or -1. */
int64_t fs_free_bytes(const char *path);
/** True when `path` lies on NFS, SMB, 9p-like or FUSE-network file systems, where SQLite's WAL does not work. */
bool fs_is_network(const char *path, const char **ret_name);
/** Take an exclusive kernel lock on a file (made if needed) that dies with the process; the descriptor, or ERR_LOCKED with
 * the file's first line (who holds it) in the error. `note` is written into the file. */
int fs_lock(const char *path, const char *note, int *ret_fd, struct err *e);
/** Closes `*fd` when it is ≥ 0; for CLEANUP. */
void fs_close(int *fd);
/** The folder with the data files (labels, rules, voices, scenarios): $TAF_DATA, else `..` of the program's folder (a build tree),
 * else its `../share/taf`. */
int fs_data_root(struct buf *ret, struct err *e);

#endif
