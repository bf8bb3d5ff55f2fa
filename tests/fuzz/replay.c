/* main() of a fuzz target that is not built for libFuzzer: each input once, each in a process of its own with a time limit, each a test.
 *   build/tests/fuzz/fuzz_NAME           the files of tests/fuzz/corpus/NAME
 *   build/tests/fuzz/fuzz_NAME FILE…     these
 * Prints what a cmocka program prints (tests/run counts it). */
#include "tests/fuzz/fuzz.h"

#include "base/fs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)64 << 20)
#define INPUT_S 20 /* a target takes milliseconds; sanitizers and a busy machine take the rest */

static int run_input(const char *path)
{
	struct buf text = BUF_INIT_MAX(INPUT_MAX);
	struct err e = ERR_INIT;
	if (fs_read(path, INPUT_MAX, &text, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	/* Without the buffer's terminator, so that a target that reads too far is found. */
	uint8_t *exact = text.len ? malloc(text.len) : NULL;
	if (exact)
		memcpy(exact, text.data, text.len);
	size_t n = exact ? text.len : 0;
	buf_release(&text);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

static bool replay(const char *path)
{
	int status = 0;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(INPUT_S);
		exit(run_input(path));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		printf("[       OK ] %s\n", path);
		return true;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("%s: no end after %d s\n", path, INPUT_S);
	else
		printf("%s: %s %d\n", path, WIFSIGNALED(status) ? "ended by signal" : "exit status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return false;
}

/* The files of the target's corpus; a target without one is a failure. */
static int replay_corpus(const char *program)
{
	struct buf dir = BUF_INIT, path = BUF_INIT;
	struct fs_names names = {NULL, 0};
	struct err e = ERR_INIT;
	const char *top = getenv("TAF_TOP"), *base = strrchr(program, '/');
	int failed = 0;
	base = base ? base + 1 : program;
	buf_printf(&dir, "%s/tests/fuzz/corpus/%s", top ? top : ".", strncmp(base, "fuzz_", 5) == 0 ? base + 5 : base);
	if (fs_list(dir.data, &names, &e) || names.n == 0) {
		printf("%s: no corpus: %s\n", dir.data, e.code ? e.text : "no files");
		failed++;
	}
	for (size_t i = 0; i < names.n; i++) {
		fs_join(&path, dir.data, names.v[i]);
		failed += !replay(path.data);
	}
	fs_names_free(&names);
	buf_release(&path);
	buf_release(&dir);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = argc > 1 ? 0 : replay_corpus(argv[0]);
	for (int i = 1; i < argc; i++)
		failed += !replay(argv[i]);
	if (failed)
		printf("[  FAILED  ] %d test(s), listed below:\n", failed);
	return failed != 0;
}
