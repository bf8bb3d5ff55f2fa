/* noop: nothing to do, 28,511 calls × 12 stages, as a whole process; beside ninja on the same graph as files (when ninja is installed). It must
 * still notice a same-size same-mtime edit of an input, a deleted object and a deleted output. */
#include "tests/bench/kit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Change a byte of in.txt, then put the time of change back as it was. */
static void edit_in_place(struct bench *b)
{
	char path[512];
	struct stat st;
	bench_path(b, path, sizeof(path), "in.txt");
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || pwrite(fd, "\xe5", 1, 12) != 1)
		bench_die("cannot edit %s", path);
	struct timespec times[2] = {st.st_atim, st.st_mtim};
	futimens(fd, times);
	close(fd);
}

static void expect(struct bench *b, const char *what, int64_t at_least)
{
	bench_run(b);
	if (bench_computed(b) < at_least)
		bench_die("%s was not noticed", what);
	printf("noop: %s is noticed\n", what);
}

/* ninja decides by times alone here: a rule marked generator needs no log of commands. */
static double ninja(struct bench *b)
{
	char path[512];
	bench_path(b, path, sizeof(path), "build.ninja");
	FILE *f = fopen(path, "w");
	if (!f)
		bench_die("cannot write %s", path);
	fputs("rule r\n  command = false\n  generator = 1\n", f);
	bench_path(b, path, sizeof(path), "n");
	fs_mkdirs(path, NULL);
	for (int s = 0; s <= 8; s++) {
		for (int i = 0; i < b->calls; i++) {
			if (s > 0)
				fprintf(f, "build n/%d.%d: r n/%d.%d\n", i, s, i, s - 1);
			char name[64];
			snprintf(name, sizeof(name), "n/%d.%d", i, s);
			bench_append(b, name, "", true);
		}
	}
	fclose(f);
	const char *argv[] = {"ninja", "-C", b->dir, NULL};
	posix_spawn_file_actions_t quiet;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	double best = 1e9;
	for (int i = 0; i < 2; i++) {
		pid_t pid;
		int status;
		double from = bench_now();
		if (posix_spawnp(&pid, "ninja", &quiet, NULL, (char *const *)(uintptr_t)argv, environ) != 0 ||
			waitpid(pid, &status, 0) < 0 || status != 0)
			return -1;
		if (bench_now() - from < best)
			best = bench_now() - from;
	}
	return best;
}

int main(int argc, char **argv)
{
	int rc = bench_child(argc, argv);
	if (rc >= 0)
		return rc;
	struct bench b;
	bench_begin(&b, BENCH_CALLS, 10);
	bench_run(&b);
	clock_sleep_ms(2100); /* what was hashed younger than 2 s is not trusted */
	bench_process(&b, NULL);
	double best = 1e9;
	for (int i = 0; i < 7; i++) {
		double seconds = bench_process(&b, NULL);
		if (seconds < best)
			best = seconds;
	}
	double other = ninja(&b);
	edit_in_place(&b);
	expect(&b, "an edit of equal size and time", 11);
	char path[512];
	bench_path(&b, path, sizeof(path), "work/bench-list/list.txt");
	unlink(path);
	bench_run(&b);
	if (access(path, F_OK) != 0)
		bench_die("a deleted output was not noticed");
	printf("noop: a deleted output is noticed\n");
	if (other > 0)
		printf("noop: %.0f ms (best of 7); ninja on 228,088 edges %.0f ms\n", best * 1e3, other * 1e3);
	else
		printf("noop: %.0f ms (best of 7); ninja is not installed\n", best * 1e3);
	bench_line("noop", best * 1e3, "ms", 30, true);
	bench_end(&b);
	return 0;
}
