/* Preloaded into taf or taf-worker by `make faults`: the Nth call of a class fails once, as a full disk, a bad sector or a broken socket would have it.
 *
 *   TAF_FAULT=CLASS:N       db (files named taf.db*), file (all others below the root), socket (and pipes), process
 *   TAF_FAULT_ROOT=FOLDER   only files below it count
 *   TAF_FAULT_PROGRAM=NAME  taf or taf-worker: in the other nothing is counted
 *   TAF_FAULT_LOG=FILE      is made and gets the name of the call that failed; while it is there, no other fails
 *   TAF_FAULT_COUNT=FILE    gets a line with the number of calls of that class, when a process ends by itself
 *
 * Calls are counted in each process by itself, a forked child goes on from its parent's count; one call fails in all. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum class { NONE, DB, FILES, SOCKET, PROCESS };
static const char *const class_names[] = {"none", "db", "file", "socket", "process"};

static enum class wanted;
static atomic_long left;
static long asked;
static const char *root, *log_path;
static __thread bool inside; /* our own calls do not count */

extern char *program_invocation_short_name;

__attribute__((constructor)) static void inject_init(void)
{
	const char *spec = getenv("TAF_FAULT"), *program = getenv("TAF_FAULT_PROGRAM");
	root = getenv("TAF_FAULT_ROOT");
	log_path = getenv("TAF_FAULT_LOG");
	if (!spec || !root || !program || strcmp(program, program_invocation_short_name) != 0)
		return;
	for (size_t i = 1; i < sizeof(class_names) / sizeof(*class_names); i++) {
		size_t n = strlen(class_names[i]);
		if (strncmp(spec, class_names[i], n) == 0 && spec[n] == ':') {
			wanted = (enum class)i;
			asked = strtol(spec + n + 1, NULL, 10);
			atomic_store(&left, asked);
		}
	}
}

/* How many there are, so that the caller knows where to end. */
__attribute__((destructor)) static void inject_end(void)
{
	const char *path = getenv("TAF_FAULT_COUNT");
	if (wanted == NONE || !path)
		return;
	wanted = NONE;
	FILE *f = fopen(path, "ae");
	if (!f)
		return;
	fprintf(f, "%ld\n", asked - atomic_load(&left));
	fclose(f);
}

static void *next(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);
	if (!p)
		abort();
	return p;
}

#define REAL(name) \
	static __typeof__(&name) real; \
	if (!real) \
	*(void **)&real = next(#name)

static enum class path_class(const char *path) {
	char whole[PATH_MAX]; if (path[0] != '/'){
		char cwd[PATH_MAX / 2]; if (!getcwd(cwd, sizeof(cwd)) || snprintf(whole, sizeof(whole), "%s/%s", cwd, path) >=
																	 (int)sizeof(whole)) return NONE;
		path = whole;}
size_t n = strlen(root);
if (strncmp(path, root, n) != 0 || path[n] != '/')
	return NONE;
return strstr(path + n, "/taf.db") ? DB : FILES;
}

static enum class fd_class(int fd) {
	char link[64], path[PATH_MAX]; snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0) return NONE;
	path[n] = '\0';
	if (strncmp(path, "socket:", 7) == 0 || strncmp(path, "pipe:", 5) == 0) return SOCKET;
	return path[0] == '/' ? path_class(path) : NONE; /* else some other kind of descriptor */
}

/* Whether this call is the one. The log also tells the processes of a run that one of them had its fault. */
static bool fails(enum class class, const char *name)
{
	if (class != wanted || wanted == NONE || atomic_fetch_sub(&left, 1) != 1)
		return false;
	inside = true;
	FILE *f = log_path ? fopen(log_path, "wxe") : NULL;
	if (f) {
		fprintf(f, "%s\n", name);
		fclose(f);
	}
	inside = false;
	return f != NULL;
}

static bool fd_fails(int fd, const char *name)
{
	if (wanted == NONE || wanted == PROCESS || inside)
		return false;
	inside = true;
	enum class class = fd_class(fd);
	inside = false;
	return fails(class, name);
}

static bool path_fails(const char *path, const char *name)
{
	if ((wanted != DB && wanted != FILES) || inside)
		return false;
	return fails(path_class(path), name);
}

#define FAIL(code, value) \
	do { \
		errno = (code); \
		return value; \
	} while (0)

/* --- Opening --- */

static mode_t open_mode(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		REAL(name); \
		va_list ap; \
		va_start(ap, flags); \
		mode_t mode = open_mode(flags, ap); \
		va_end(ap); \
		if (path_fails(path, "open")) \
			FAIL(EMFILE, -1); \
		return real(path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

#define FOPEN(name) \
	FILE *name(const char *path, const char *mode) \
	{ \
		REAL(name); \
		if (path_fails(path, "fopen")) \
			FAIL(EMFILE, NULL); \
		return real(path, mode); \
	}
FOPEN(fopen)
FOPEN(fopen64)

DIR *opendir(const char *path)
{
	REAL(opendir);
	if (path_fails(path, "opendir"))
		FAIL(EMFILE, NULL);
	return real(path);
}

#define STAT(name, type) \
	int name(const char *path, type *st) \
	{ \
		REAL(name); \
		if (path_fails(path, #name)) \
			FAIL(EIO, -1); \
		return real(path, st); \
	}
STAT(stat, struct stat)
STAT(lstat, struct stat)
STAT(stat64, struct stat64)
STAT(lstat64, struct stat64)

/* --- Bytes --- */

#define TRANSFER(name, buffer, code, parameters, arguments) \
	ssize_t name(int fd, buffer p, size_t n parameters) \
	{ \
		REAL(name); \
		if (fd_fails(fd, #name)) \
			FAIL(code, -1); \
		return real(fd, p, n arguments); \
	}
#define COMMA ,
TRANSFER(read, void *, EIO, , )
TRANSFER(write, const void *, ENOSPC, , )
TRANSFER(pread, void *, EIO, COMMA off_t at, COMMA at)
TRANSFER(pread64, void *, EIO, COMMA off64_t at, COMMA at)
TRANSFER(pwrite, const void *, ENOSPC, COMMA off_t at, COMMA at)
TRANSFER(pwrite64, const void *, ENOSPC, COMMA off64_t at, COMMA at)
TRANSFER(send, const void *, EPIPE, COMMA int flags, COMMA flags)
TRANSFER(recv, void *, ECONNRESET, COMMA int flags, COMMA flags)

/* What ferror() then tells: without it a failed fread looks like the end of the file. There is no public way to set it. */
static void mark_error(FILE *f)
{
	f->_flags |= 0x20; /* _IO_ERR_SEEN of glibc */
}

size_t fwrite(const void *p, size_t size, size_t n, FILE *f)
{
	REAL(fwrite);
	if (fd_fails(fileno(f), "fwrite")) {
		mark_error(f);
		FAIL(ENOSPC, 0);
	}
	return real(p, size, n, f);
}

size_t fread(void *p, size_t size, size_t n, FILE *f)
{
	REAL(fread);
	if (fd_fails(fileno(f), "fread")) {
		mark_error(f);
		FAIL(EIO, 0);
	}
	return real(p, size, n, f);
}

int fflush(FILE *f)
{
	REAL(fflush);
	if (f && fd_fails(fileno(f), "fflush")) {
		mark_error(f);
		FAIL(ENOSPC, EOF);
	}
	return real(f);
}

#define SYNC(name) \
	int name(int fd) \
	{ \
		REAL(name); \
		if (fd_fails(fd, #name)) \
			FAIL(EIO, -1); \
		return real(fd); \
	}
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, type) \
	int name(int fd, type to) \
	{ \
		REAL(name); \
		if (fd_fails(fd, #name)) \
			FAIL(ENOSPC, -1); \
		return real(fd, to); \
	}
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

/* --- Names --- */

int rename(const char *from, const char *to)
{
	REAL(rename);
	if (path_fails(to, "rename"))
		FAIL(ENOSPC, -1);
	return real(from, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	REAL(renameat2);
	if (path_fails(to, "renameat2"))
		FAIL(EINVAL, -1); /* as on a file system that cannot exchange */
	return real(from_dir, from, to_dir, to, flags);
}

int mkdir(const char *path, mode_t mode)
{
	REAL(mkdir);
	if (path_fails(path, "mkdir"))
		FAIL(ENOSPC, -1);
	return real(path, mode);
}

int unlink(const char *path)
{
	REAL(unlink);
	if (path_fails(path, "unlink"))
		FAIL(EIO, -1);
	return real(path);
}

/* --- Sockets and processes --- */

int socketpair(int domain, int type, int protocol, int fds[2])
{
	REAL(socketpair);
	if (wanted == SOCKET && fails(SOCKET, "socketpair"))
		FAIL(EMFILE, -1);
	return real(domain, type, protocol, fds);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	REAL(sendmsg);
	if (fd_fails(fd, "sendmsg"))
		FAIL(EPIPE, -1);
	return real(fd, m, flags);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	REAL(recvmsg);
	if (fd_fails(fd, "recvmsg"))
		FAIL(ECONNRESET, -1);
	return real(fd, m, flags);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
	char *const argv[], char *const env[])
{
	REAL(posix_spawn);
	if (wanted == PROCESS && fails(PROCESS, "posix_spawn"))
		return EAGAIN;
	return real(pid, path, actions, attr, argv, env);
}

pid_t fork(void)
{
	REAL(fork);
	if (wanted == PROCESS && fails(PROCESS, "fork"))
		FAIL(EAGAIN, -1);
	return real();
}
