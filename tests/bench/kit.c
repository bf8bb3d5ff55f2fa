#include "tests/bench/kit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"

#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* --- Stages --- */

struct lines_params {
	struct option_list files;
};
static const struct option lines_options[] = {
	{.name = "files",
		.type = OPT_FILES,
		.offset = offsetof(struct lines_params, files),
		.flags = OPTION_REQUIRED | OPTION_PER_ITEM,
		.help = "lines id=text"},
};

static void lines_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_write(f, "turns", 0);
}

static int lines_list(struct stage *s, struct lister *l, struct err *e)
{
	struct str text, line;
	(void)s;
	int rc = lister_file(l, 0, &text, e);
	while (rc == 0 && str_line(&text, &line)) {
		ptrdiff_t eq = str_find(line, STR("="));
		if (eq <= 0)
			continue;
		struct json *content = json_object(lister_arena(l));
		json_set_str(lister_arena(l), content, "text", str_n(line.p + eq + 1, line.n - (size_t)eq - 1));
		lister_add(l, str_n(line.p, (size_t)eq), content, (struct locator){0, 0, 0, 1}, NULL, 0);
	}
	return rc;
}

/* Ten turns of a tenth of the text each. */
static int lines_process(struct work *w, struct err *e)
{
	(void)e;
	struct str text = json_get_str(w->call, "text");
	struct json *turns = json_array(w->arena);
	size_t piece = text.n / 30 * 3;
	for (size_t at = 0; piece && at + piece <= text.n; at += piece) {
		struct json *turn = json_object(w->arena);
		json_set_text(w->arena, turn, "role", at / piece % 2 ? "right" : "left");
		json_set_str(w->arena, turn, "text", str_n(text.p + at, piece));
		json_append(turns, turn);
	}
	w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "turns", turns);
	return 0;
}

static void pass_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "turns.text", 0);
}

static int pass_process(struct work *w, struct err *e)
{
	(void)w;
	(void)e;
	return 0;
}

static int list_sink(struct stage *s, struct gather *g, const char *folder, struct err *e)
{
	(void)s;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct str id;
	const struct json *call;
	while (gather_next(g, &id, &call, e)) {
		buf_str(&text, id);
		buf_putc(&text, '\n');
	}
	fs_join(&path, folder, "list.txt");
	return e->code ? e->code : fs_write_atomic(path.data, text.data, text.len, 0644, e);
}

static const struct stage_ops lines_ops = {.name = "bench-lines",
	.help = "lines",
	.version = 1,
	.kind = STAGE_SOURCE,
	.params_size = sizeof(struct lines_params),
	.options = lines_options,
	.noptions = COUNT_OF(lines_options),
	.fields = lines_fields,
	.list = lines_list,
	.process = lines_process};
static const struct stage_ops pass_ops = {
	.name = "bench-pass", .help = "nothing", .version = 1, .kind = STAGE_MAP, .fields = pass_fields, .process = pass_process};
/* Another version of it, so that stages of one pipeline do not share results. */
#define PASS(n) {.name = "bench-pass" #n, .help = "nothing", .version = n, .kind = STAGE_MAP, .fields = pass_fields, .process = pass_process}
static const struct stage_ops passes[] = {
	PASS(1), PASS(2), PASS(3), PASS(4), PASS(5), PASS(6), PASS(7), PASS(8), PASS(9), PASS(10)};
static const struct stage_ops list_ops = {
	.name = "bench-list", .help = "list", .version = 1, .kind = STAGE_SINK, .fields = pass_fields, .sink = list_sink};
extern const struct stage_ops stage_synthesize, stage_screen;

static const struct stage_ops *const types[] = {&lines_ops, &pass_ops, &passes[0], &passes[1], &passes[2], &passes[3],
	&passes[4], &passes[5], &passes[6], &passes[7], &passes[8], &passes[9], &list_ops, &stage_synthesize, &stage_screen,
	NULL};
static const struct stage_registry registry = {types};

/* --- Kit --- */

void bench_die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("bench: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

double bench_now(void)
{
	return (double)clock_us() / 1e6;
}

void bench_path(const struct bench *b, char *ret, size_t n, const char *name)
{
	snprintf(ret, n, "%s/%s", b->dir, name);
}

void bench_append(const struct bench *b, const char *name, const char *text, bool fresh)
{
	char path[512];
	bench_path(b, path, sizeof(path), name);
	FILE *f = fopen(path, fresh ? "w" : "a");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		bench_die("cannot write %s", path);
}

static void write_calls(struct bench *b)
{
	char path[512];
	bench_path(b, path, sizeof(path), "in.txt");
	FILE *f = fopen(path, "w");
	if (!f)
		bench_die("cannot write %s", path);
	for (int i = 0; i < b->calls; i++) {
		struct draw d;
		draw_init(&d, (uint64_t)i, STR("call"), "text");
		fprintf(f, "call/%06d=", i);
		for (int k = 0; k < 430; k++) {
			char c[4];
			uint32_t cp = 0x4e00 + draw_below(&d, 3000);
			c[0] = (char)(0xe0 | cp >> 12);
			c[1] = (char)(0x80 | (cp >> 6 & 0x3f));
			c[2] = (char)(0x80 | (cp & 0x3f));
			fwrite(c, 1, 3, f);
		}
		fputc('\n', f);
	}
	if (fclose(f) != 0)
		bench_die("cannot write %s", path);
}

void bench_begin(struct bench *b, int calls, int maps)
{
	memset(b, 0, sizeof(*b));
	b->calls = calls;
	b->maps = maps;
	snprintf(b->dir, sizeof(b->dir), "%s/bench-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(b->dir))
		bench_die("cannot make %s", b->dir);
	write_calls(b);
	bench_append(b, "pipeline.yaml",
		"version: 1\nname: bench\nstages:\n  - {name: in, uses: bench-lines, with: {files: [in.txt]}}\n", true);
	for (int i = 1; i <= maps; i++) {
		char line[128], need[16];
		snprintf(need, sizeof(need), "m%d", i - 1);
		snprintf(line, sizeof(line), "  - {name: m%d, uses: bench-pass%d, needs: [%s]}\n", i, i, i == 1 ? "in" : need);
		bench_append(b, "pipeline.yaml", line, false);
	}
	char line[128];
	snprintf(line, sizeof(line), "  - {name: out, uses: bench-list, needs: [m%d]}\n", maps);
	bench_append(b, "pipeline.yaml", line, false);
}

void bench_end(struct bench *b)
{
	run_status_free(&b->status);
	fs_remove_tree(b->dir, NULL);
}

static double run_in(const char *dir, struct run_status *ret)
{
	char file[512], work[512];
	snprintf(file, sizeof(file), "%s/pipeline.yaml", dir);
	snprintf(work, sizeof(work), "%s/work", dir);
	double from = bench_now();
	struct problems problems = PROBLEMS_INIT;
	struct config *config;
	struct config_args args = {.file = file, .registry = &registry};
	if (config_load(&args, &config, &problems) < 0)
		bench_die("the pipeline does not load");
	struct err e = ERR_INIT;
	fs_mkdirs(work, NULL);
	struct engine_args run = {.config = config, .work = work, .jobs = 2};
	run_status_free(ret);
	int rc = engine_run(&run, ret, &e);
	if (rc != 0)
		bench_die("the run ended with %d: %s", rc, e.text);
	double seconds = bench_now() - from;
	config_free(config);
	problems_release(&problems);
	return seconds;
}

double bench_run(struct bench *b)
{
	return run_in(b->dir, &b->status);
}

int bench_child(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "--child") != 0)
		return -1;
	struct run_status st = {.state = ""};
	run_in(argv[2], &st);
	run_status_free(&st);
	return 0;
}

double bench_process(struct bench *b, double *ret_mb)
{
	const char *argv[] = {"bench", "--child", b->dir, NULL};
	pid_t pid;
	int status;
	struct rusage used;
	double from = bench_now();
	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0 ||
		wait4(pid, &status, 0, &used) < 0 || status != 0)
		bench_die("the run in a process of its own failed");
	double seconds = bench_now() - from;
	if (ret_mb)
		*ret_mb = (double)used.ru_maxrss / 1024;
	return seconds;
}

static int64_t sum(const struct bench *b, bool computed)
{
	int64_t n = 0;
	for (size_t i = 0; i < b->status.nstages; i++)
		n += computed ? b->status.stages[i].c.computed : b->status.stages[i].c.cached;
	return n;
}

int64_t bench_computed(const struct bench *b)
{
	return sum(b, true);
}

int64_t bench_cached(const struct bench *b)
{
	return sum(b, false);
}

void bench_line(const char *name, double value, const char *unit, double target, bool at_most)
{
	bool pass = at_most ? value <= target : value >= target;
	printf("bench: %s value=%.4g%s target=%s%.4g%s %s\n", name, value, unit, at_most ? "<=" : ">=", target, unit,
		pass ? "pass" : "short");
}
