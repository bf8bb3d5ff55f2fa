/* memory: peak of a cold run and of a run after one parameter changed, 28,511 calls and 200,000. */
#include "tests/bench/kit.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	int rc = bench_child(argc, argv);
	if (rc >= 0)
		return rc;
	static const struct {
		const char *name;
		int calls;
		double most;
	} sizes[] = {{"memory", BENCH_CALLS, 300}, {"memory-200k", 200000, 500}};
	for (int i = 0; i < 2; i++) {
		struct bench b;
		double mb;
		bench_begin(&b, sizes[i].calls, 10);
		double seconds = bench_process(&b, &mb);
		printf("%s: %d calls × 12 stages, cold: %.0f MB, %.1f s\n", sizes[i].name, sizes[i].calls, mb, seconds);
		bench_line(sizes[i].name, mb, "MB", sizes[i].most, true);
		bench_end(&b);
	}
	return 0;
}
