#include "base/fs.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[256];

/** A path in the scratch folder; each of the last few calls has a buffer of its own. */
static const char *at(const char *name)
{
	static char paths[8][512];
	static int next;
	char *p = paths[next++ % 8];
	snprintf(p, sizeof(paths[0]), "%s/%s", root, name);
	return p;
}

static void write_file(const char *name, const char *text)
{
	struct err e = ERR_INIT;
	if (fs_write_atomic(at(name), text, strlen(text), 0644, &e) != 0)
		fail_msg("%s", e.text);
}

static int set_up(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(root, sizeof(root), "%s/taf-fs-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	int r = fs_remove_tree(root, &e);
	struct stat st;
	return r == 0 && stat(root, &st) != 0 ? 0 : -1;
}

static void test_read(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	write_file("a", "0123456789");
	buf_puts(&b, "before:");
	assert_int_equal(fs_read(at("a"), 10, &b, &e), 0);
	assert_string_equal(b.data, "before:0123456789");
	assert_int_equal(fs_read(at("a"), 9, &b, &e), ERR_TOOBIG);
	assert_non_null(strstr(e.text, at("a")));
	err_clear(&e);
	assert_string_equal(b.data, "before:0123456789");
	assert_false(buf_error(&b));
	buf_release(&b);
	buf_init(&b, 10); /* the buffer's own cap counts too */
	assert_int_equal(fs_read(at("a"), 100, &b, &e), 0);
	assert_int_equal(fs_read(at("a"), 100, &b, &e), ERR_TOOBIG);
	assert_int_equal(b.len, 10);
	buf_release(&b);
	write_file("empty", "");
	err_clear(&e);
	assert_int_equal(fs_read(at("empty"), 0, &b, &e), 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(fs_read(at("missing"), 10, &b, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, at("missing")));
	buf_release(&b);
}

static void test_read_odd(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(mkfifo(at("pipe"), 0600), 0);
	assert_int_equal(fs_read(at("pipe"), 10, &b, &e), ERR_IO); /* at once, no writer needed */
	assert_non_null(strstr(e.text, "pipe or a device"));
	assert_int_equal(fs_read("/dev/zero", 10, &b, NULL), ERR_IO);
	err_clear(&e);
	assert_int_equal(fs_read(root, 10, &b, &e), ERR_IO);
	assert_non_null(strstr(e.text, "folder"));
	assert_int_equal(fs_read("/proc/self/status", 100000, &b, NULL), 0); /* tells a size of 0 */
	assert_non_null(strstr(b.data, "VmPeak"));
	buf_clear(&b);
	assert_int_equal(fs_read("/proc/self/status", 10, &b, NULL), ERR_TOOBIG);
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

static void test_read_at(void **state)
{
	(void)state;
	char got[8] = "";
	struct err e = ERR_INIT;
	write_file("a", "0123456789");
	assert_int_equal(fs_read_at(at("a"), 7, 3, got, &e), 0);
	assert_string_equal(got, "789");
	assert_int_equal(fs_read_at(at("a"), 10, 0, got, &e), 0);
	assert_int_equal(fs_read_at(at("a"), 8, 3, got, &e), ERR_DATA);
	assert_int_equal(fs_read_at(at("a"), 11, 0, got, NULL), ERR_DATA);
	assert_int_equal(fs_read_at(at("a"), -1, 1, got, NULL), ERR_DATA);
	assert_int_equal(fs_read_at(at("missing"), 0, 1, got, NULL), ERR_NOTFOUND);
}

static void test_write_atomic(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct stat st;
	assert_int_equal(fs_write_atomic(at("a"), "one", 3, 0600, &e), 0);
	assert_int_equal(stat(at("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fs_write_atomic(at("a"), "second", 6, 0600, &e), 0);
	assert_int_equal(fs_read(at("a"), 100, &b, &e), 0);
	assert_string_equal(b.data, "second");
	assert_int_equal(fs_write_atomic(at("none/a"), "x", 1, 0600, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "none/a"));
	assert_int_equal(fs_write_atomic(at("empty"), NULL, 0, 0600, NULL), 0);
	assert_int_equal(mkdir(at("folder"), 0777), 0);
	assert_int_not_equal(fs_write_atomic(at("folder"), "x", 1, 0600, NULL), 0);
	struct fs_names names;
	assert_int_equal(fs_list(root, &names, NULL), 0);
	assert_int_equal(names.n, 3); /* no temporary stays, not even of the failure */
	assert_string_equal(names.v[0], "a");
	assert_string_equal(names.v[2], "folder");
	fs_names_free(&names);
	buf_release(&b);
}

/** A write that fails half way: the old content stays, the temporary goes. */
static void test_write_fails(void **state)
{
	(void)state;
	static char big[100000];
	write_file("a", "old");
	pid_t pid = fork();
	if (pid == 0) {
		struct rlimit small = {50000, 50000};
		struct err e = ERR_INIT;
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &small);
		int r = fs_write_atomic(at("a"), big, sizeof(big), 0600, &e);
		_exit(r == ERR_IO && strstr(e.text, "/a: File too large") ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	struct buf b = BUF_INIT;
	struct fs_names names;
	assert_int_equal(fs_read(at("a"), 100, &b, NULL), 0);
	assert_string_equal(b.data, "old");
	assert_int_equal(fs_list(root, &names, NULL), 0);
	assert_int_equal(names.n, 1);
	fs_names_free(&names);
	buf_release(&b);
}

static void test_no_space(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	int fd = open("/dev/full", O_WRONLY);
	if (fd < 0)
		skip();
	assert_int_equal(fs_write_all(fd, "x", 1, "full", &e), ERR_NOSPACE);
	assert_non_null(strstr(e.text, "cannot write full"));
	fs_close(&fd);
	assert_int_equal(fd, -1);
	fs_close(&fd);
}

static void test_stat(void **state)
{
	(void)state;
	struct fs_stat st;
	write_file("a", "123");
	assert_int_equal(fs_stat(at("a"), &st, NULL), 0);
	assert_true(st.exists && !st.is_dir && st.size == 3 && st.mtime_ns > 0 && st.ctime_ns > 0 && st.ino > 0);
	assert_int_equal(fs_stat(root, &st, NULL), 0);
	assert_true(st.exists && st.is_dir);
	assert_int_equal(fs_stat(at("missing/x"), &st, NULL), 0);
	assert_false(st.exists);
	assert_int_equal(fs_stat(at("a/x"), &st, NULL), 0);
	assert_false(st.exists);
}

static void test_folders(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct fs_stat st;
	assert_int_equal(fs_mkdirs(at("a/b//c/"), &e), 0);
	assert_int_equal(fs_mkdirs(at("a/b/c"), &e), 0);
	assert_int_equal(fs_mkdirs("/", &e), 0);
	assert_int_equal(fs_mkdirs(".", &e), 0);
	write_file("a/file", "x");
	assert_int_not_equal(fs_mkdirs(at("a/file"), &e), 0);
	assert_non_null(strstr(e.text, "a/file"));
	assert_int_not_equal(fs_mkdirs(at("a/file/x"), NULL), 0);
	assert_int_equal(fs_rename(at("a/file"), at("a/other"), NULL), 0);
	assert_int_equal(fs_rename(at("a/file"), at("a/other"), NULL), ERR_NOTFOUND);
	assert_int_equal(fs_remove(at("a/other"), NULL), 0);
	assert_int_equal(fs_remove(at("a/other"), NULL), 0);
	assert_int_not_equal(fs_remove(at("a"), NULL), 0);
	assert_int_equal(fs_sync_dir(at("a"), NULL), 0);
	assert_int_equal(fs_sync_dir(at("none"), NULL), ERR_NOTFOUND);
	write_file("kept", "x");
	write_file("a/b/inner", "x");
	assert_int_equal(symlink(root, at("a/b/link")), 0);
	assert_int_equal(fs_remove_tree(at("a"), NULL), 0);
	assert_int_equal(fs_stat(at("a"), &st, NULL), 0);
	assert_false(st.exists);
	assert_int_equal(fs_stat(at("kept"), &st, NULL), 0);
	assert_true(st.exists); /* the link was not followed */
	assert_int_equal(fs_remove_tree(at("a"), NULL), 0);
}

static void assert_globbed(const char *pattern, const char *want)
{
	struct fs_names names;
	struct err e = ERR_INIT;
	struct buf got = BUF_INIT;
	assert_int_equal(fs_glob(at(pattern), &names, &e), 0);
	for (size_t i = 0; i < names.n; i++) {
		assert_true(str_starts(str_of(names.v[i]), root));
		buf_printf(&got, "%s ", names.v[i] + strlen(root) + 1);
	}
	assert_string_equal(got.data, want);
	fs_names_free(&names);
	buf_release(&got);
}

static void test_glob(void **state)
{
	(void)state;
	assert_int_equal(fs_mkdirs(at("d/sub"), NULL), 0);
	assert_int_equal(fs_mkdirs(at("void"), NULL), 0);
	static const char *const files[] = {
		"b.jsonl", "a.jsonl", "B.jsonl", "你.jsonl", "x[1].txt", "d/2", "d/1", "d/.hidden", "d/sub/3"};
	for (size_t i = 0; i < COUNT_OF(files); i++)
		write_file(files[i], "x");
	assert_globbed("*.jsonl", "B.jsonl a.jsonl b.jsonl 你.jsonl ");
	assert_globbed("a.jsonl", "a.jsonl ");
	assert_globbed("d", "d/1 d/2 ");
	assert_globbed("d/", "d/1 d/2 ");
	assert_globbed("[ad]*", "a.jsonl d/1 d/2 ");
	assert_globbed("x[1].txt", "x[1].txt "); /* a plain name with magic letters */
	struct fs_names names = {NULL, 0};
	struct err e = ERR_INIT;
	assert_int_equal(fs_glob(at("*.none"), &names, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "*.none"));
	assert_int_equal(fs_glob(at("missing"), &names, NULL), ERR_NOTFOUND);
	assert_int_equal(fs_glob(at("void"), &names, NULL), ERR_NOTFOUND);
	assert_int_equal(fs_list(at("missing"), &names, NULL), ERR_NOTFOUND);
	assert_null(names.v);
}

static void test_files(void **state)
{
	(void)state;
	static const char *const files[] = {"b", "a", "sub/x", "sub/deep/y", "sub-1"};
	assert_int_equal(fs_mkdirs(at("sub/deep"), NULL), 0);
	for (size_t i = 0; i < COUNT_OF(files); i++)
		write_file(files[i], "x");
	char link[1024];
	snprintf(link, sizeof(link), "%s", at("loop"));
	assert_int_equal(symlink(root, link), 0); /* named, not followed: it would never end */
	assert_int_equal(fs_mkdirs(at("empty"), NULL), 0);
	struct fs_names names = {NULL, 0};
	assert_int_equal(fs_files(root, &names, NULL), 0);
	static const char *const want[] = {"a", "b", "loop", "sub-1", "sub/deep/y", "sub/x"};
	assert_int_equal(names.n, COUNT_OF(want));
	for (size_t i = 0; i < names.n; i++)
		assert_string_equal(names.v[i], want[i]);
	fs_names_free(&names);
	assert_int_equal(fs_files(at("missing"), &names, NULL), ERR_NOTFOUND);
	assert_null(names.v);
}

static void test_names(void **state)
{
	(void)state;
	static const struct {
		const char *path, *folder, *stem;
	} cases[] = {
		{"a", ".", "a"},
		{"a/b.txt", "a", "b"},
		{"/a", "/", "a"},
		{"/", "/", "/"},
		{"a//b.tar.gz", "a", "b.tar"},
		{"a/b/", "a", "b"},
		{"x/.hidden", "x", ".hidden"},
		{"a.b/c", "a.b", "c"},
		{"", ".", ""},
	};
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		fs_dirname(&b, cases[i].path);
		assert_string_equal(b.data, cases[i].folder);
		if (!str_is(fs_stem(cases[i].path), cases[i].stem))
			fail_msg("stem of %s", cases[i].path);
	}
	static const char *const joins[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"}, {"", "b", "b"},
		{".", "b", "b"}, {"/", "b", "/b"}, {"..", "b/c", "../b/c"}};
	for (size_t i = 0; i < COUNT_OF(joins); i++) {
		fs_join(&b, joins[i][0], joins[i][1]);
		assert_string_equal(b.data, joins[i][2]);
	}
	buf_release(&b);
}

static void test_space(void **state)
{
	(void)state;
	const char *name = NULL;
	assert_true(fs_free_bytes(root) > 0);
	assert_true(fs_free_bytes(at("not/made/yet")) > 0);
	assert_true(fs_free_bytes("not-made-yet") > 0);
	assert_false(fs_is_network("/proc", &name));
	assert_false(fs_is_network("/dev/shm/not-made", &name));
	assert_null(name);
}

static void test_lock(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	int fd = -1, second = -1;
	write_file("lock", "an old, much longer note\nof another run\n");
	assert_int_equal(fs_lock(at("lock"), "pid 12 on here", &fd, &e), 0);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fs_lock(at("lock"), "other", &second, &e), ERR_LOCKED); /* also inside one process */
	assert_int_equal(second, -1);
	assert_non_null(strstr(e.text, "is held by pid 12 on here"));
	assert_null(strstr(e.text, "old"));
	struct buf b = BUF_INIT;
	assert_int_equal(fs_read(at("lock"), 100, &b, NULL), 0);
	assert_string_equal(b.data, "pid 12 on here\n");
	buf_release(&b);
	fs_close(&fd);
	assert_int_equal(fs_lock(at("lock"), "next", &second, NULL), 0);
	fs_close(&second);
	assert_int_equal(fs_lock(at("none/lock"), "x", &fd, NULL), ERR_NOTFOUND);
}

/** The lock of a process that is killed is free. */
static void test_lock_dies(void **state)
{
	(void)state;
	int ends[2], fd = -1;
	char byte;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int mine = -1;
		int r = fs_lock(at("lock"), "child", &mine, NULL);
		if (write(ends[1], r == 0 ? "y" : "n", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(fs_lock(at("lock"), "parent", &fd, NULL), ERR_LOCKED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(fs_lock(at("lock"), "parent", &fd, NULL), 0);
	fs_close(&fd);
	close(ends[0]);
	close(ends[1]);
}

static void test_data_root(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	const char *old = getenv("TAF_DATA");
	CLEANUP(free_ptr) char *kept = old ? xstrdup(old) : NULL;
	CLEANUP(free_ptr) char *full = realpath(root, NULL);
	setenv("TAF_DATA", root, 1);
	assert_int_equal(fs_data_root(&b, &e), 0);
	assert_string_equal(b.data, full);
	setenv("TAF_DATA", at("none"), 1);
	assert_int_equal(fs_data_root(&b, &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "none"));
	if (kept)
		setenv("TAF_DATA", kept, 1);
	else
		unsetenv("TAF_DATA");
	buf_release(&b);
}

int main(void)
{
#define IN_SCRATCH(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_read),
		IN_SCRATCH(test_read_odd),
		IN_SCRATCH(test_read_at),
		IN_SCRATCH(test_write_atomic),
		IN_SCRATCH(test_write_fails),
		cmocka_unit_test(test_no_space),
		IN_SCRATCH(test_stat),
		IN_SCRATCH(test_folders),
		IN_SCRATCH(test_glob),
		IN_SCRATCH(test_files),
		cmocka_unit_test(test_names),
		IN_SCRATCH(test_space),
		IN_SCRATCH(test_lock),
		IN_SCRATCH(test_lock_dies),
		IN_SCRATCH(test_data_root),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
