/* The sound executor: what a worker does to itself costs one worker and one record. */
#include "tests/core/toy.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/stop.h"
#include "core/message.h"
#include "core/spawn.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "version: 1\nname: toy\nseed: 7\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
#define SOUND(extra) \
	HEAD "  - {name: say, uses: toy-sound, needs: [in]" extra "}\n  - {name: hear, uses: toy-hear, needs: [say]}\n" \
		 "  - {name: out, uses: toy-list, needs: [hear]}\n"

static void begin(struct toy *t, const char *yaml, const char *in)
{
	toy_begin(t);
	toy_write(t, "pipeline.yaml", yaml);
	toy_write(t, "in.txt", in);
}

/* Processes whose parent is this one, by /proc; the pid of one of them, or 0. */
static pid_t child_alive(void)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct fs_names names = {NULL, 0};
	pid_t found = 0;
	assert_int_equal(fs_list("/proc", &names, NULL), 0);
	for (size_t i = 0; i < names.n; i++) {
		int64_t pid;
		char path[64];
		if (!str_int(str_of(names.v[i]), &pid))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		FILE *f = fopen(path, "r");
		char line[512] = "";
		if (f) {
			(void)!fgets(line, sizeof(line), f);
			fclose(f);
		}
		const char *end = strrchr(line, ')');
		char state;
		int parent;
		if (end && sscanf(end + 1, " %c %d", &state, &parent) == 2 && parent == (int)getpid())
			found = (pid_t)pid;
	}
	fs_names_free(&names);
	return found;
}

static void crash_and_leave(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, SOUND(""), "a=one\nb=crash\nc=three\nd=leave\ne=five\nf=refuse\ng=seven\n");
	toy_run_ok(&t, 3);
	assert_int_equal(toy_counts(&t, "say")->quarantined, 3);
	assert_int_equal(toy_counts(&t, "out")->in, 4);
	assert_int_equal(toy_failures(&t, "signal 6"), 1);
	assert_int_equal(toy_failures(&t, "exit status 7"), 1);
	assert_int_equal(toy_failures(&t, "refused"), 1);
	assert_int_equal(child_alive(), 0);
	toy_run_ok(&t, 3);
	toy_nothing_computed(&t);
	CLEANUP(buf_release) struct buf tmp = BUF_INIT;
	buf_printf(&tmp, "%s/work/objects/tmp", t.dir);
	struct fs_names names = {NULL, 0};
	assert_int_equal(fs_list(tmp.data, &names, NULL), 0);
	assert_int_equal(names.n, 0); /* no temporary left */
	fs_names_free(&names);
	toy_end(&t);
}

static void hangs(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, SOUND(", item_timeout_s: 1"), "a=one\nb=hang\nc=three\nd=four\n");
	toy_run_ok(&t, 3);
	assert_int_equal(toy_counts(&t, "say")->quarantined, 1);
	assert_int_equal(toy_failures(&t, "within 1 s"), 1);
	assert_int_equal(toy_counts(&t, "out")->in, 3);
	assert_int_equal(child_alive(), 0);
	toy_end(&t);
}

static void killed_from_outside(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, SOUND(""), "a=nap 600\nb=two\n"); /* toy-sound sleeps that long */
	t.args.jobs = 1;
	toy_start(&t);
	pid_t pid = 0;
	for (int i = 0; i < 200 && pid == 0; i++) {
		clock_sleep_ms(10);
		pid = child_alive();
	}
	assert_int_not_equal(pid, 0);
	clock_sleep_ms(250);
	kill(pid, SIGKILL);
	assert_int_equal(toy_join(&t), 0);
	assert_int_equal(toy_counts(&t, "out")->in, 2);
	assert_int_equal(child_alive(), 0);
	toy_end(&t);
}

static void no_worker(void **state)
{
	(void)state;
	struct toy t;
	static const char *const missing[] = {"/nonexistent/taf-worker", NULL};
	static const char *const ends[] = {"/bin/false", NULL};
	begin(&t, SOUND(""), "a=one\nb=two\nc=three\n");
	t.worker = missing;
	assert_int_equal(toy_run(&t), 1);
	assert_non_null(strstr(t.err.text, "/nonexistent/taf-worker"));
	t.worker = ends;
	assert_int_equal(toy_run(&t), 1);
	assert_non_null(strstr(t.err.text, "/bin/false ends before it is ready"));
	assert_int_equal(toy_failures(&t, ""), 0);
	t.worker = NULL;
	toy_run_ok(&t, 0);
	toy_end(&t);
}

static void never_ready(void **state)
{
	(void)state;
	struct toy t;
	static char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	assert_true(n > 0);
	const char *const stuck[] = {self, "--stuck", "x", NULL};
	begin(&t, SOUND(", item_timeout_s: 1"), "a=one\nb=two\n");
	t.worker = stuck;
	t.args.worker_ready_ms = 300;
	int64_t from = clock_ms();
	assert_int_equal(toy_run(&t), 1);
	assert_true(clock_ms() - from < 5000);
	assert_non_null(strstr(t.err.text, "ready within 300 ms"));
	assert_int_equal(child_alive(), 0);
	toy_end(&t);
}

/* One Ctrl-C finishes what is in flight, a second drops it; no worker stays. */
static void stopped(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	for (int i = 0; i < 40; i++)
		buf_printf(&in, "c%02d=nap 100 %d\n", i, i);
	for (int level = STOP_FINISH; level <= STOP_DROP; level++) {
		struct toy t;
		begin(&t, SOUND(""), in.data);
		toy_start(&t);
		clock_sleep_ms(500);
		stop_request((enum stop_level)level);
		int64_t from = clock_ms();
		assert_int_equal(toy_join(&t), 130);
		assert_true(clock_ms() - from < 3000);
		stop_request(STOP_NONE);
		assert_int_equal(child_alive(), 0);
		int64_t done = toy_counts(&t, "say")->computed;
		t.args.jobs = 20;
		toy_run_ok(&t, 0);
		if (level == STOP_FINISH)
			toy_computed(&t, "say", 40 - done);
		assert_int_equal(toy_counts(&t, "out")->in, 40);
		toy_end(&t);
	}
}

static int ask_worker(int fd, struct buf *in, const char *text, struct message *ret)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT, body = BUF_INIT;
	buf_printf(
		&body, "{\"stage\":0,\"slot\":0,\"id\":\"a\",\"call\":{\"turns\":[{\"text\":\"%s\"}]},\"asks\":null}", text);
	message_put(&out, MESSAGE_WORK, 1, buf_view(&body));
	assert_int_equal(write(fd, out.data, out.len), out.len);
	return message_read(fd, in, ret, NULL);
}

/* The limit of CPU time is of one item: many that together take more are fine, one that takes more ends the worker. */
static void cpu_time(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, SOUND(""), "a=one\n");
	toy_run_ok(&t, 0); /* the folder of objects is there */
	CLEANUP(buf_release) struct buf out = BUF_INIT, body = BUF_INIT, in = BUF_INIT;
	struct message m;
	const char *const command[] = {"/proc/self/exe", "--worker", NULL};
	pid_t pid;
	int fd, status;
	assert_int_equal(spawn_worker(command, &pid, &fd, NULL), 0);
	buf_printf(&body,
		"{\"objects\":\"%s/work/objects\",\"stages\":[{\"index\":0,\"name\":\"say\",\"uses\":\"toy-sound\",\"seed\":1,"
		"\"dataset\":\"d\",\"base\":\".\",\"cpu_s\":1,\"params\":{},\"parts\":\"\"}]}",
		t.dir);
	message_put(&out, MESSAGE_SETUP, 0, buf_view(&body));
	assert_int_equal(write(fd, out.data, out.len), out.len);
	assert_int_equal(message_read(fd, &in, &m, NULL), 1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask_worker(fd, &in, "spin 4", &m), 1);
	assert_true(ask_worker(fd, &in, "spin >", &m) <= 0); /* 1.4 s */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
	close(fd);
	toy_end(&t);
}

int main(int argc, char **argv)
{
	int rc = toy_worker(argc, argv);
	if (rc >= 0)
		return rc;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crash_and_leave),
		cmocka_unit_test(hangs),
		cmocka_unit_test(killed_from_outside),
		cmocka_unit_test(no_worker),
		cmocka_unit_test(never_ready),
		cmocka_unit_test(cpu_time),
		cmocka_unit_test(stopped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
