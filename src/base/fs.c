#include "base/fs.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

void fs_close(int *fd)
{
	if (*fd >= 0)
		close(*fd); /* on Linux the descriptor is gone even after EINTR */
	*fd = -1;
}

static int open_retry(const char *path, int flags, int mode)
{
	int fd;
	do {
		fd = open(path, flags | O_CLOEXEC, (mode_t)mode);
	} while (fd < 0 && errno == EINTR);
	return fd;
}

static int sync_retry(int fd)
{
	int ret;
	do {
		ret = fsync(fd);
	} while (ret != 0 && errno == EINTR);
	return ret;
}

/** Open a plain file for reading; `*ret_size` as it is now. Without O_NONBLOCK a named pipe would hang here. */
static int open_plain(const char *path, int *ret_fd, int64_t *ret_size, struct err *e)
{
	CLEANUP(fs_close) int fd = open_retry(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(e, "cannot open %s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_IO, "cannot read %s: it is a folder", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_IO, "cannot read %s: it is a pipe or a device, not a file", path);
	*ret_fd = fd;
	*ret_size = st.st_size;
	fd = -1;
	return 0;
}

static int too_big(const char *path, size_t max, struct err *e)
{
	return err_set(e, ERR_TOOBIG, "%s is larger than %zu bytes", path, max);
}

/** Read to the end, whatever size was told: files under /proc tell 0, and a file may grow meanwhile. */
static int read_rest(int fd, const char *path, size_t limit, size_t expected, struct buf *ret, struct err *e)
{
	size_t got = 0;
	for (;;) {
		char probe, *to = &probe;
		size_t want = expected > got ? expected - got : 4096;
		if (want > limit - got)
			want = limit - got;
		if (want > 0)
			to = buf_reserve(ret, want);
		ASSERT(to);
		ssize_t n = read(fd, to, want ? want : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read %s", path);
		if (n == 0)
			return 0;
		if (want == 0)
			return too_big(path, limit, e);
		ret->len += (size_t)n;
		got += (size_t)n;
	}
}

int fs_read(const char *path, size_t max, struct buf *ret, struct err *e)
{
	CLEANUP(fs_close) int fd = -1;
	int64_t size = 0;
	int r = open_plain(path, &fd, &size, e);
	if (r)
		return r;
	size_t room = ret->max > ret->len ? ret->max - ret->len : 0, limit = max < room ? max : room, start = ret->len;
	if (ret->error || (uint64_t)size > limit)
		return too_big(path, limit, e);
	r = read_rest(fd, path, limit, (size_t)size + 1, ret, e); /* one more, to see the end */
	if (r)
		buf_truncate(ret, start);
	return r;
}

int fs_read_at(const char *path, int64_t offset, size_t n, char *ret, struct err *e)
{
	CLEANUP(fs_close) int fd = -1;
	int64_t size;
	int r = open_plain(path, &fd, &size, e);
	if (r)
		return r;
	if (offset < 0 || offset > size || n > (uint64_t)(size - offset))
		return err_set(e, ERR_DATA, "%s is shorter than expected: it changed since it was listed", path);
	for (size_t got = 0; got < n;) {
		ssize_t k = pread(fd, ret + got, n - got, (off_t)(offset + (int64_t)got));
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_errno(e, "cannot read %s", path);
		if (k == 0)
			return err_set(e, ERR_DATA, "%s is shorter than expected: it changed since it was listed", path);
		got += (size_t)k;
	}
	return 0;
}

int fs_write_all(int fd, const void *p, size_t n, const char *name, struct err *e)
{
	const char *from = p;
	while (n > 0) {
		ssize_t k = write(fd, from, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_errno(e, "cannot write %s", name);
		from += k;
		n -= (size_t)k;
	}
	return 0;
}

int fs_sync_dir(const char *path, struct err *e)
{
	CLEANUP(fs_close) int fd = open_retry(path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0 || sync_retry(fd) != 0)
		return err_errno(e, "cannot sync the folder %s", path);
	return 0;
}

/** Make a new file beside `path`; its name goes to `ret_name`. A name that is taken is one that a killed run left: the next is tried. */
static int open_temporary(const char *path, int mode, struct buf *ret_name, int *ret_fd, struct err *e)
{
	static atomic_uint counter;
	for (int attempt = 0; attempt < 1000; attempt++) {
		buf_clear(ret_name);
		buf_printf(ret_name, "%s.%ld.%u.tmp", path, (long)getpid(), atomic_fetch_add(&counter, 1));
		int fd = open_retry(ret_name->data, O_WRONLY | O_CREAT | O_EXCL, mode);
		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return err_errno(e, "cannot create %s", ret_name->data);
}

static int write_sync_rename(int *fd, const char *temporary, const char *path, struct str bytes, struct err *e)
{
	int r = fs_write_all(*fd, bytes.p, bytes.n, path, e);
	if (r)
		return r;
	if (sync_retry(*fd) != 0)
		return err_errno(e, "cannot sync %s", path);
	int closing = *fd;
	*fd = -1;
	if (close(closing) != 0 && errno != EINTR)
		return err_errno(e, "cannot write %s", path);
	if (rename(temporary, path) != 0)
		return err_errno(e, "cannot rename %s to %s", temporary, path);
	return 0;
}

int fs_write_atomic(const char *path, const void *p, size_t n, int mode, struct err *e)
{
	CLEANUP(fs_close) int fd = -1;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	int r = open_temporary(path, mode, &name, &fd, e);
	if (r)
		return r;
	r = write_sync_rename(&fd, name.data, path, str_n(p, n), e);
	if (r) {
		unlink(name.data);
		return r;
	}
	fs_dirname(&name, path);
	return fs_sync_dir(name.data, e);
}

int fs_stat(const char *path, struct fs_stat *ret, struct err *e)
{
	struct stat st;
	if (stat(path, &st) != 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_errno(e, "cannot look at %s", path);
		*ret = (struct fs_stat){.exists = false};
		return 0;
	}
	*ret = (struct fs_stat){
		.exists = true,
		.is_dir = S_ISDIR(st.st_mode),
		.size = st.st_size,
		.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
		.ctime_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec,
		.ino = st.st_ino,
	};
	return 0;
}

int fs_mkdirs(const char *path, struct err *e)
{
	CLEANUP(free_ptr) char *part = xstrdup(path);
	for (char *p = part; *p; p++) {
		while (*p == '/')
			p++;
		p += strcspn(p, "/");
		char cut = *p;
		*p = '\0';
		if (*part && mkdir(part, 0777) != 0 && errno != EEXIST) {
			/* On a read-only file system or in a closed folder this is said even of what is there. */
			int saved = errno;
			struct stat there;
			if (stat(part, &there) != 0) {
				errno = saved;
				return err_errno(e, "cannot make the folder %s", part);
			}
		}
		*p = cut;
		if (!cut)
			break;
	}
	struct stat st;
	if (stat(path, &st) != 0)
		return err_errno(e, "cannot make the folder %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_IO, "cannot make the folder %s: a file of that name is there", path);
	return 0;
}

int fs_rename(const char *from, const char *to, struct err *e)
{
	return rename(from, to) == 0 ? 0 : err_errno(e, "cannot rename %s to %s", from, to);
}

int fs_remove(const char *path, struct err *e)
{
	return unlink(path) == 0 || errno == ENOENT ? 0 : err_errno(e, "cannot remove %s", path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

int fs_remove_tree(const char *path, struct err *e)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : err_errno(e, "cannot remove %s", path);
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		return err_errno(e, "cannot remove all of %s", path);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_names(struct fs_names *names)
{
	if (names->n > 1)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int fs_list(const char *path, struct fs_names *ret, struct err *e)
{
	CLEANUP(close_dir) DIR *dir = opendir(path);
	CLEANUP(fs_names_free) struct fs_names names = {NULL, 0};
	size_t cap = 0;
	if (!dir)
		return err_errno(e, "cannot list the folder %s", path);
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		GROW(names.v, names.n, cap);
		names.v[names.n++] = xstrdup(entry->d_name);
	}
	if (errno)
		return err_errno(e, "cannot list the folder %s", path);
	sort_names(&names);
	*ret = names;
	names = (struct fs_names){NULL, 0};
	return 0;
}

/** Add a match, or the plain files of a folder that matched. */
static int add_match(const char *path, struct fs_names *names, size_t *cap, struct err *e)
{
	CLEANUP(fs_names_free) struct fs_names inside = {NULL, 0};
	CLEANUP(buf_release) struct buf full = BUF_INIT;
	struct stat st;
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		GROW(names->v, names->n, *cap);
		names->v[names->n++] = xstrdup(path);
		return 0;
	}
	int r = fs_list(path, &inside, e);
	if (r)
		return r;
	for (size_t i = 0; i < inside.n; i++) {
		fs_join(&full, path, inside.v[i]);
		if (inside.v[i][0] == '.' || stat(full.data, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		GROW(names->v, names->n, *cap);
		names->v[names->n++] = xstrdup(full.data);
	}
	return 0;
}

int fs_glob(const char *pattern, struct fs_names *ret, struct err *e)
{
	CLEANUP(globfree) glob_t found = {0};
	CLEANUP(fs_names_free) struct fs_names names = {NULL, 0};
	size_t cap = 0;
	struct stat st;
	int r = 0, g = glob(pattern, GLOB_NOSORT, NULL, &found);
	if (g != 0 && g != GLOB_NOMATCH)
		return err_set(e, ERR_IO, "cannot look for files like %s", pattern);
	if (g == GLOB_NOMATCH && stat(pattern, &st) == 0) /* a plain name that holds '[', say */
		r = add_match(pattern, &names, &cap, e);
	for (size_t i = 0; g == 0 && i < found.gl_pathc && r == 0; i++)
		r = add_match(found.gl_pathv[i], &names, &cap, e);
	if (r)
		return r;
	if (names.n == 0)
		return err_set(e, ERR_NOTFOUND, "no file matches %s", pattern);
	sort_names(&names);
	*ret = names;
	names = (struct fs_names){NULL, 0};
	return 0;
}

void fs_names_free(struct fs_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct fs_names){NULL, 0};
}

void fs_join(struct buf *ret, const char *folder, const char *name)
{
	buf_clear(ret);
	if (name[0] != '/' && folder[0] && strcmp(folder, ".") != 0) {
		buf_puts(ret, folder);
		if (ret->data[ret->len - 1] != '/')
			buf_putc(ret, '/');
	}
	buf_puts(ret, name);
}

/** Without slashes at the end; "/" stays. */
static struct str strip_slashes(struct str path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

void fs_dirname(struct buf *ret, const char *path)
{
	struct str folder = strip_slashes(str_of(path));
	buf_clear(ret);
	while (folder.n && folder.p[folder.n - 1] != '/')
		folder.n--;
	if (folder.n == 0)
		buf_putc(ret, '.');
	else
		buf_str(ret, strip_slashes(folder));
}

struct str fs_stem(const char *path)
{
	struct str name = strip_slashes(str_of(path));
	const char *slash = name.n ? memrchr(name.p, '/', name.n) : NULL;
	if (slash && name.n > 1)
		name = str_n(slash + 1, name.n - (size_t)(slash + 1 - name.p));
	const char *dot = name.n ? memrchr(name.p, '.', name.n) : NULL;
	if (dot && dot > name.p)
		name.n = (size_t)(dot - name.p);
	return name;
}

/** The nearest folder above that exists, for questions about a path that is not made yet. */
static void existing_part(struct buf *ret, const char *path)
{
	struct stat st;
	buf_clear(ret);
	buf_puts(ret, path[0] ? path : ".");
	while (stat(ret->data, &st) != 0 && (errno == ENOENT || errno == ENOTDIR) && strcmp(ret->data, ".") != 0 &&
		   strcmp(ret->data, "/") != 0) {
		CLEANUP(free_ptr) char *below = xstrdup(ret->data);
		fs_dirname(ret, below);
	}
}

int64_t fs_free_bytes(const char *path)
{
	CLEANUP(buf_release) struct buf there = BUF_INIT;
	struct statvfs vfs;
	existing_part(&there, path);
	if (statvfs(there.data, &vfs) != 0)
		return -1;
	uint64_t n;
	if (__builtin_mul_overflow((uint64_t)vfs.f_bavail, (uint64_t)vfs.f_frsize, &n) || n > INT64_MAX)
		return INT64_MAX;
	return (int64_t)n;
}

bool fs_is_network(const char *path, const char **ret_name)
{
	static const struct {
		uint32_t magic; /* statfs(2) and linux/magic.h */
		const char *name;
	} kinds[] = {
		{0x00006969, "NFS"},
		{0x0000517B, "SMB"},
		{0xFF534D42, "SMB (cifs)"},
		{0xFE534D42, "SMB (smb2)"},
		{0x01021997, "9p"},
		{0x65735546, "FUSE"},
		{0x00C36400, "Ceph"},
		{0x5346414F, "AFS"},
		{0x6B414653, "AFS (kafs)"},
		{0x73757245, "Coda"},
		{0x0BD00BD0, "Lustre"},
		{0x01161970, "GFS2"},
		{0x7461636F, "OCFS2"},
		{0x0000564C, "NetWare"},
	};
	CLEANUP(buf_release) struct buf there = BUF_INIT;
	struct statfs vfs;
	struct stat st;
	existing_part(&there, path);
	if (statfs(there.data, &vfs) != 0 || stat(there.data, &st) != 0)
		return false;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if ((uint32_t)vfs.f_type != kinds[i].magic)
			continue;
		/* FUSE on a block device (ntfs-3g, exfat) is local, and has a device number of its own. */
		if (kinds[i].magic == 0x65735546 && major(st.st_dev) != 0)
			return false;
		if (ret_name)
			*ret_name = kinds[i].name;
		return true;
	}
	return false;
}

/** Who holds a lock, from the file's first line. It may be empty for a moment: the holder writes it after it has the lock. */
static struct str lock_holder(int fd, char *line, size_t max)
{
	for (int attempt = 0; attempt < 5; attempt++) {
		ssize_t n = pread(fd, line, max, 0);
		struct str rest = str_n(line, n > 0 ? (size_t)n : 0), first;
		if (str_line(&rest, &first) && first.n)
			return first;
		usleep(10000);
	}
	return STR("another process");
}

int fs_lock(const char *path, const char *note, int *ret_fd, struct err *e)
{
	CLEANUP(fs_close) int fd = open_retry(path, O_RDWR | O_CREAT, 0644);
	char line[256];
	if (fd < 0)
		return err_errno(e, "cannot open the lock %s", path);
	int r;
	do {
		r = flock(fd, LOCK_EX | LOCK_NB);
	} while (r != 0 && errno == EINTR);
	if (r != 0 && errno == EWOULDBLOCK) {
		struct str who = lock_holder(fd, line, sizeof(line));
		return err_set(e, ERR_LOCKED, "%s is held by %.*s", path, STR_FMT(who));
	}
	if (r != 0)
		return err_errno(e, "cannot lock %s", path);
	if (ftruncate(fd, 0) != 0)
		return err_errno(e, "cannot write %s", path);
	r = fs_write_all(fd, note, strlen(note), path, e);
	if (r == 0 && !str_ends(str_of(note), "\n"))
		r = fs_write_all(fd, "\n", 1, path, e);
	if (r)
		return r;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/** Resolve a folder without links and dots, if it is one. */
static bool resolve_folder(const char *path, struct buf *ret)
{
	CLEANUP(free_ptr) char *full = realpath(path, NULL);
	struct stat st;
	if (!full || stat(full, &st) != 0 || !S_ISDIR(st.st_mode))
		return false;
	buf_clear(ret);
	buf_puts(ret, full);
	return true;
}

int fs_data_root(struct buf *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	char self[PATH_MAX];
	const char *named = getenv("TAF_DATA");
	if (named && *named) {
		if (resolve_folder(named, ret))
			return 0;
		return err_set(e, ERR_CONFIG, "TAF_DATA names %s, which is no folder; correct or unset it", named);
	}
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return err_errno(e, "cannot find the program's own folder (set TAF_DATA to the folder with stages/)");
	self[n] = '\0';
	fs_dirname(&folder, self);
	fs_join(&path, folder.data, "../stages"); /* tells a build tree */
	if (resolve_folder(path.data, ret)) {
		fs_dirname(&path, ret->data);
		buf_clear(ret);
		buf_str(ret, buf_view(&path));
		return 0;
	}
	fs_join(&path, folder.data, "../share/taf");
	if (resolve_folder(path.data, ret))
		return 0;
	return err_set(e, ERR_CONFIG,
		"the data files are neither beside %s nor in %s; set TAF_DATA to the folder with stages/", folder.data,
		path.data);
}
