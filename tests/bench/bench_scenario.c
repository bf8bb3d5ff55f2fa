/* scenario: 1 of 40 scenario files changed in a set of 28,511 calls: the run after it, less the work on that scenario's calls alone. */
#include "tests/bench/kit.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIOS 40

static const char pipeline[] =
	"version: 1\nname: bench\nproviders: {writer: {kind: script}}\nstages:\n"
	"  - {name: agents, uses: synthesize, with: {provider: writer, scenarios: [scenarios/*.yaml], count: %d}}\n"
	"  - {name: clean, uses: screen, needs: [agents]}\n"
	"  - {name: m1, uses: bench-pass1, needs: [clean]}\n"
	"  - {name: m2, uses: bench-pass2, needs: [m1]}\n"
	"  - {name: out, uses: bench-list, needs: [m2]}\n";

/* Scenario `from` under another name, so that there are as many as wanted. */
static void write_scenario(struct bench *b, const char *from, int n)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	if (fs_read(from, 1 << 20, &text, &e) < 0)
		bench_die("%s", e.text);
	struct str rest = buf_view(&text), line;
	while (str_line(&rest, &line)) {
		if (str_starts(line, "name:"))
			buf_printf(&out, "name: s%02d", n);
		else
			buf_str(&out, line);
		buf_putc(&out, '\n');
	}
	char name[64];
	snprintf(name, sizeof(name), "scenarios/s%02d.yaml", n);
	bench_append(b, name, out.data, true);
}

static void begin(struct bench *b, int first, int last, int calls)
{
	CLEANUP(buf_release) struct buf root = BUF_INIT;
	CLEANUP(buf_release) struct buf pattern = BUF_INIT;
	struct err e = ERR_INIT;
	struct fs_names names;
	bench_begin(b, 1, 0);
	if (fs_data_root(&root, &e) < 0)
		bench_die("%s", e.text);
	buf_printf(&pattern, "%s/stages/synthesize/scenarios/*.yaml", root.data);
	if (fs_glob(pattern.data, &names, &e) < 0)
		bench_die("%s", e.text);
	char path[512], yaml[1024];
	bench_path(b, path, sizeof(path), "scenarios");
	fs_mkdirs(path, NULL);
	for (int n = first; n < last; n++)
		write_scenario(b, names.v[(size_t)n % names.n], n);
	snprintf(yaml, sizeof(yaml), pipeline, calls);
	bench_append(b, "pipeline.yaml", yaml, true);
	fs_names_free(&names);
}

int main(int argc, char **argv)
{
	int rc = bench_child(argc, argv);
	if (rc >= 0)
		return rc;
	struct bench all, one;
	begin(&all, 0, SCENARIOS, BENCH_CALLS);
	double cold = bench_run(&all);
	begin(&one, 7, 8, BENCH_CALLS / SCENARIOS);
	double own = bench_run(&one);
	/* The same change a contributor makes: one more value of a slot, one more line. Here: the title. */
	char path[512];
	bench_path(&all, path, sizeof(path), "scenarios/s07.yaml");
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	if (fs_read(path, 1 << 20, &text, &e) < 0)
		bench_die("%s", e.text);
	ptrdiff_t at = str_find(buf_view(&text), STR("title: "));
	if (at < 0)
		bench_die("%s has no title", path);
	CLEANUP(buf_release) struct buf edited = BUF_INIT;
	buf_add(&edited, text.data, (size_t)at + 7);
	buf_puts(&edited, "改");
	buf_puts(&edited, text.data + at + 7);
	bench_append(&all, "scenarios/s07.yaml", edited.data, true);
	double changed = bench_run(&all);
	int64_t agents = all.status.stages[0].c.computed;
	printf("scenario: cold %.1f s; one of %d changed: %.2f s, %lld calls written anew; those alone %.2f s\n", cold,
		SCENARIOS, changed, (long long)agents, own);
	if (agents < BENCH_CALLS / SCENARIOS - 1 || agents > BENCH_CALLS / SCENARIOS + 1)
		bench_die("%lld calls were written anew, not those of one scenario", (long long)agents);
	bench_line("scenario", changed - own, "s", 1, true);
	bench_end(&all);
	bench_end(&one);
	return 0;
}
