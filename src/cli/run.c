/* taf run: the pipeline, with the live display, a log of its own and the table at the end. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/stop.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/folder.h"
#include "cli/machine.h"
#include "cli/say.h"
#include "core/query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXAMPLES 5

struct run_options {
	struct where where;
	const char *until, *only;
	int64_t limit, jobs, max_time;
	double max_cost;
	bool partial, yes, json;
};

#define AT(field) offsetof(struct run_options, field)
static const struct cli_option options[] = {
	WHERE_OPTIONS(struct run_options),
	{0, "until", CLI_TEXT, AT(until), "STAGE", 0, 0, "go no further than this stage"},
	{0, "limit", CLI_INT, AT(limit), "N", 1, 1e12, "at most N calls of all sources together; results go to pilot/"},
	{0, "only", CLI_TEXT, AT(only), "X", 0, 0, "one call by its id, or all whose id begins with X/; results go to pilot/"},
	{0, "partial", CLI_FLAG, AT(partial), NULL, 0, 0, "write the release although many calls were quarantined"},
	{0, "yes", CLI_FLAG, AT(yes), NULL, 0, 0,
		"pay again without being asked (confirm_above in the YAML says from which cost on it asks)"},
	{'j', "jobs", CLI_INT, AT(jobs), "N", 1, 1024,
		"threads and sound workers (default: the processors this machine lends us)"},
	{0, "max-cost", CLI_REAL, AT(max_cost), "X", 1e-6, 1e12,
		"stop when this run has cost X, in the currency of the providers' prices"},
	{0, "max-time", CLI_TIME, AT(max_time), "T", 0, 0, "stop cleanly after T: 90, 90s, 15m, 2h"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print the status as JSON at the end"},
};

/* --- The log of this run --- */

struct run_log {
	FILE *file;
	struct buf path;
};

static void run_log_close(struct run_log *l)
{
	log_set_file(NULL);
	if (l->file)
		fclose(l->file);
	buf_release(&l->path);
}

static int run_log_open(struct run_log *l, const char *work, struct err *e)
{
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	char name[48];
	struct tm tm;
	time_t now = (time_t)(clock_wall_ms() / 1000);
	gmtime_r(&now, &tm);
	strftime(name, sizeof(name), "%Y%m%d-%H%M%S.log", &tm);
	fs_join(&folder, work, "runs");
	int rc = fs_mkdirs(folder.data, e);
	if (rc < 0)
		return rc;
	fs_join(&l->path, folder.data, name);
	l->file = fopen(l->path.data, "ae");
	if (!l->file)
		return err_errno(e, "making the log %s", l->path.data);
	log_set_file(l->file);
	return 0;
}

/* Once the run has an id, its log has the same name. */
static void run_log_name(struct run_log *l, const char *work, const char *id)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	if (!id[0])
		return;
	buf_printf(&path, "%s/runs/%s.log", work, id);
	if (fs_rename(l->path.data, path.data, NULL) == 0) {
		buf_clear(&l->path);
		buf_str(&l->path, buf_view(&path));
	}
}

/* --- Before --- */

static int check_folder(const char *work, struct err *e)
{
	const char *kind = NULL;
	if (fs_is_network(work, &kind))
		return err_set(e,
			ERR_REFUSED, "%s lies on a network file system (%s), where the database's log does not work; name a local folder with -w",
			work, kind);
	int rc = fs_mkdirs(work, e);
	return rc < 0 ? err_context(e, "making the work folder %s", work) : 0;
}

static bool needs_worker(const struct config *c)
{
	for (size_t i = 0; i < c->nstages; i++)
		if (c->stages[i].stage.ops->exec == EXEC_SOUND)
			return true;
	return false;
}

/* --- After --- */

/* `told`: this run has told already why an account stopped. */
static void put_examples(struct buf *b, const struct where *where, const char *work, bool told)
{
	CLEANUP(store_cleanup) struct store *store = NULL;
	struct query_failure *found;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	if (folder_open(work, &store, NULL) < 0)
		return;
	size_t n = query_failures(store, &a, EXAMPLES, &found);
	if (n)
		buf_puts(b, "\nquarantined, for example:\n");
	size_t passing = 0, invalid = 0;
	for (size_t i = 0; i < n; i++) {
		enum err_class class = err_class_of(found[i].code);
		passing += class == CLASS_ACCOUNT || class == CLASS_TRANSIENT;
		invalid += class == CLASS_INVALID;
		CLEANUP(buf_release) struct buf clean = BUF_INIT;
		put_clean(&clean, told && class == CLASS_ACCOUNT ? STR("its account stopped, as told above") : found[i].text);
		buf_printf(b, "  %.*s at %.*s (%s): %s\n", STR_FMT(found[i].id), STR_FMT(found[i].stage), err_class_name(class),
			clean.data);
	}
	if (!n)
		return;
	if (passing < n)
		buf_puts(b, "They wait: `taf retry` sends them through again, a changed input does so by itself. ");
	if (invalid)
		buf_puts(b, "Where no answer would do, that asks for as many draws again. ");
	if (passing)
		buf_printf(b, "%s the next taf run takes up by itself. ",
			passing == n ? "These" : "Those of class account or transient");
	buf_puts(b, "All of them: taf status --quarantined");
	where_put(b, where);
	buf_putc(b, '\n');
}

static void put_output(struct buf *b, const char *folder)
{
	struct fs_names names = {NULL, 0};
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(b, "  %s/\n", folder);
	if (fs_list(folder, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		struct fs_stat st;
		fs_join(&path, folder, names.v[i]);
		if (fs_stat(path.data, &st, NULL) < 0)
			continue;
		buf_printf(b, "    %s%s", names.v[i], st.is_dir ? "/" : "  ");
		if (!st.is_dir)
			put_bytes(b, st.size);
		buf_putc(b, '\n');
	}
	fs_names_free(&names);
}

static const char *state_words(int status)
{
	switch (status) {
	case EXIT_DONE:
		return "done";
	case EXIT_QUARANTINED:
		return "done, but calls were quarantined";
	case EXIT_BUDGET:
		return "stopped at its limit";
	case EXIT_INTERRUPTED:
		return "interrupted";
	default:
		return "stopped";
	}
}

/* The same run again, with its limits: a pilot stays a pilot, and nothing is paid beyond what was allowed. */
static void put_same_run(struct buf *b, const struct run_options *o)
{
	buf_puts(b, "taf run");
	where_put(b, &o->where);
	where_put_changes(b, &o->where);
	if (o->until)
		buf_printf(b, " --until %s", o->until);
	if (o->limit)
		buf_printf(b, " --limit %lld", (long long)o->limit);
	if (o->only)
		buf_printf(b, " --only %s", o->only);
	if (o->partial)
		buf_puts(b, " --partial");
	if (o->max_cost > 0)
		buf_printf(b, " --max-cost %.15g", o->max_cost);
	if (o->max_time)
		buf_printf(b, " --max-time %lld", (long long)o->max_time);
}

static void report(const struct run_options *o, const struct run_status *st, int status, const char *work, const char *log)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	int64_t quarantined = 0;
	bool stopped = false;
	for (size_t i = 0; i < st->nstages; i++) {
		quarantined += st->stages[i].c.quarantined;
		stopped |= st->stages[i].stopped;
	}
	status_table(&b, st);
	buf_printf(&b, "\n%s after ", state_words(status));
	put_seconds(&b, st->seconds);
	if (status == EXIT_INTERRUPTED || status == EXIT_BUDGET) {
		buf_puts(&b, "; it goes on from there by: ");
		put_same_run(&b, o);
	}
	buf_putc(&b, '\n');
	if (st->noutputs)
		buf_puts(&b, "\nresults:\n");
	for (size_t i = 0; i < st->noutputs; i++)
		put_output(&b, st->outputs[i]);
	if (quarantined)
		put_examples(&b, &o->where, work, stopped);
	buf_puts(&b, "\nwhy a call was kept, rejected or worked again: taf why ID");
	where_put(&b, &o->where);
	buf_printf(&b, "\nthe log: %s\n", log);
	say_out(&b);
}

static void report_json(const struct run_status *st)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	run_status_json(&b, st);
	buf_putc(&b, '\n');
	say_out(&b);
}

/* The log, too, tells how it ended: who reads it later has no terminal and perhaps no database any more. */
static void log_end(const struct run_status *st, int status)
{
	for (size_t i = 0; i < st->nstages; i++) {
		const struct stage_counts *c = &st->stages[i].c;
		log_info(st->stages[i].name, "in %lld, out %lld, cached %lld, computed %lld, rejected %lld, quarantined %lld",
			(long long)c->in, (long long)c->out, (long long)c->cached, (long long)c->computed, (long long)c->rejected,
			(long long)c->quarantined);
	}
	log_info(NULL, "%s after %.1f s, exit status %d", state_words(status), st->seconds, status);
}

static bool nothing_done(const struct run_status *st)
{
	for (size_t i = 0; i < st->nstages; i++)
		if (st->stages[i].c.in || st->stages[i].c.cached || st->stages[i].c.computed)
			return false;
	return true;
}

/* --- The command --- */

static void tell_doubt(void *arg, const struct config_stage *s, const char *words)
{
	(void)arg;
	log_warn(s->stage.name, "%s", words);
}

static int run_engine(const struct run_options *o, struct config *config, const char *work)
{
	CLEANUP(buf_release) struct buf worker = BUF_INIT;
	CLEANUP(buf_release) struct buf only = BUF_INIT;
	CLEANUP(run_log_close) struct run_log run_log = {NULL, BUF_INIT};
	struct err e = ERR_INIT;
	if (machine_worker(&worker, needs_worker(config), &e) < 0 || run_log_open(&run_log, work, &e) < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	const char *command[] = {worker.data, NULL};
	struct display display;
	struct run_status st = {.state = ""};
	display_init(&display, stderr);
	where_id(o->only ? o->only : "", &only);
	struct engine_args args = {.config = config,
		.work = work,
		.jobs = o->jobs ? (int)o->jobs : machine_jobs(),
		.until = o->until,
		.limit = o->limit,
		.only = o->only ? only.data : NULL,
		.partial = o->partial,
		.max_time_s = o->max_time ? o->max_time : config->max_time_s,
		.max_cost = o->max_cost,
		.worker = command,
		.command = "run",
		.tick = display_tick,
		.tick_arg = &display};
	stop_install();
	log_info(NULL, "taf " TAF_VERSION ": run of %s in %s with %d jobs", config->file, work, args.jobs);
	config_doubts(config, o->until ? config_stage_index(config, str_of(o->until)) : -1, tell_doubt, NULL);
	int status = engine_run(&args, &st, &e);
	display_release(&display);
	if (e.code) {
		log_line(LOG_INFO, NULL, "the run ended with an error: %s", e.text);
		if (err_class_of(e.code) != CLASS_ACCOUNT) /* that was told when the stage stopped */
			say_error("%s", e.text);
	}
	log_end(&st, status);
	run_log_name(&run_log, work, st.id);
	if (o->json)
		report_json(&st);
	else if (status == EXIT_BAD_CONFIG && nothing_done(&st)) /* a table of zeros would push the error out of sight */
		say_error("nothing was done");
	else if (st.nstages)
		report(o, &st, status, work, run_log.path.data);
	run_status_free(&st);
	return status;
}

/* What calls that were done before, and are to be done again, will cost: those that are new, or failed, are what the run is for. */
static int cost_again(const struct run_options *o, struct config *config, const char *work, double *ret)
{
	CLEANUP(buf_release) struct buf only = BUF_INIT;
	struct run_status st = {.state = ""};
	struct err e = ERR_INIT;
	where_id(o->only ? o->only : "", &only);
	struct engine_args args = {.config = config,
		.work = work,
		.jobs = 1,
		.until = o->until,
		.limit = o->limit,
		.only = o->only ? only.data : NULL,
		.command = "plan"};
	int rc = engine_plan(&args, &st, &e);
	if (rc < 0)
		return say_error("%s", e.text), rc;
	*ret = 0;
	for (size_t i = 0; i < st.nstages; i++) {
		const struct stage_counts *c = &st.stages[i].c;
		int64_t again = c->to_run - c->reasons[REASON_NEW] - c->reasons[REASON_FAILED];
		if (c->to_run > 0 && again > 0)
			*ret += c->cost * (double)again / (double)c->to_run;
		if (c->again > 0)
			*ret += c->more_cost * (double)c->again / (double)c->unknown;
	}
	run_status_free(&st);
	return 0;
}

static bool answered_yes(void)
{
	char line[16] = "";
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

/* 0: go on; else the exit status. */
static int confirm(const struct run_options *o, struct config **config, const char *work)
{
	double again = 0;
	if ((*config)->confirm_above < 0 || o->yes)
		return 0;
	double limit = (*config)->confirm_above;
	int rc = cost_again(o, *config, work, &again);
	config_free(*config); /* planning has used it up */
	*config = NULL;
	if (rc < 0)
		return err_class_of(rc) == CLASS_CONFIG ? EXIT_BAD_CONFIG : EXIT_ERROR;
	if (where_config(&o->where, config) < 0)
		return EXIT_BAD_CONFIG;
	if (again <= limit)
		return 0;
	fprintf(stderr,
		"taf: calls that were paid for will be made again: about %.2f (confirm_above: %.2f; taf plan tells why).\n",
		again, limit);
	if (isatty(STDIN_FILENO)) {
		fprintf(stderr, "Go on? [y/N] ");
		if (answered_yes())
			return 0;
	}
	say_error("nothing was done; --yes goes on without asking");
	return EXIT_BUDGET;
}

/* Refused as a whole, before any work: the store knows of no run. */
static bool no_run(const char *work)
{
	CLEANUP(store_cleanup) struct store *store = NULL;
	struct run_row row = {.stats = BUF_INIT};
	int rc = folder_open(work, &store, NULL);
	if (rc == 0)
		rc = store_run(store, 0, &row, NULL);
	buf_release(&row.stats);
	return rc == 0 || rc == ERR_NOTFOUND;
}

static int run(const struct cli_given *given)
{
	const struct run_options *o = given->opts;
	CLEANUP(config_cleanup) struct config *config = NULL;
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	CLEANUP(fs_close) int lock = -1;
	struct err e = ERR_INIT;
	if (where_config(&o->where, &config) < 0 || !folder_stage_known(config, "--until", o->until))
		return EXIT_BAD_CONFIG;
	where_work(&o->where, &work);
	struct fs_stat before = {.exists = false};
	fs_stat(work.data, &before, NULL);
	if (check_folder(work.data, &e) < 0 || folder_lock(work.data, &lock, &e) < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	int status = confirm(o, &config, work.data);
	if (status == 0)
		status = run_engine(o, config, work.data);
	if (status == EXIT_BAD_CONFIG && !before.exists && no_run(work.data))
		fs_remove_tree(work.data, NULL); /* nothing is in it but what was made to look */
	return status;
}

const struct cli_command command_run = {
	.name = "run",
	.usage = "[options]",
	.help = "run the pipeline: what is done already is not done again",
	.about =
		"Interrupt it once and it finishes what is in flight, twice and it drops that; the next run goes on from "
		"there.\n"
		"Exit status: 0 done, 1 stopped on an error, 2 bad usage or configuration, 3 done but calls were quarantined,\n"
		"4 a limit was reached, 130 interrupted.",
	.example = "taf run -f pipeline.yaml --set stages.agents.with.count=20 --until clean",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct run_options),
	.run = run,
};
