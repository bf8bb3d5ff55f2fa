/* taf check: the pipeline, and all data files it names: scenarios with their own tests, personas, labels, rules, prompts. Changes nothing. */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/folder.h"
#include "cli/say.h"
#include "cli/scenes.h"
#include "core/account.h"
#include "core/engine.h"
#include "core/scenario.h"
#include "core/secret.h"
#include "provider/script.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX ((size_t)16 << 20)

struct check_options {
	struct where where;
	bool online, json;
};

#define AT(field) offsetof(struct check_options, field)
static const struct cli_option options[] = {
	WHERE_OPTIONS(struct check_options),
	{0, "online", CLI_FLAG, AT(online), NULL, 0, 0,
		"send one cheap request to each provider in use: does it answer, with which model, how fast"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

struct check {
	struct arena arena;
	struct problems problems, warnings;
	struct labels labels;
	bool has_labels;
	const char *work; /* the work folder */
	const char *file; /* the pipeline's */
	size_t stages, files, scenarios, providers;
};

static void check_release(struct check *c)
{
	problems_release(&c->problems);
	problems_release(&c->warnings);
	arena_release(&c->arena);
}

static void add_error(struct check *c, const char *file, const struct err *e)
{
	struct yaml_mark mark = {file, 0, 0};
	if (e->code == ERR_CONFIG && strchr(e->text, '\n'))
		problem_add_err(&c->problems, mark, e); /* it names its places itself */
	else
		problem_add(&c->problems, mark, "%s", e->text);
}

/* --- Files --- */

static bool read_text(struct check *c, struct str path, struct str *ret)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(FILE_MAX);
	struct err e = ERR_INIT;
	const char *name = arena_str(&c->arena, path).p;
	c->files++;
	if (fs_read(name, FILE_MAX, &text, &e) < 0) {
		add_error(c, NULL, &e);
		return false;
	}
	ptrdiff_t bad = utf8_invalid(buf_view(&text));
	if (bad >= 0) {
		int line = 1;
		for (ptrdiff_t i = 0; i < bad; i++)
			line += text.data[i] == '\n';
		problem_add(&c->problems, (struct yaml_mark){name, line, 1}, "not UTF-8: byte %zu of the file", (size_t)bad + 1);
		return false;
	}
	*ret = arena_str(&c->arena, buf_view(&text));
	return true;
}

static void check_file(struct check *c, const struct option *o, struct str path)
{
	struct str text;
	struct yaml_node *node;
	struct err e = ERR_INIT;
	if (!path.n || !read_text(c, path, &text) || !(o->flags & OPTION_YAML))
		return;
	if (yaml_parse(&c->arena, arena_str(&c->arena, path).p, text, &node, &e) < 0)
		add_error(c, NULL, &e);
}

/* The files a stage names; input of sources is left to the run, which quarantines broken records one by one. */
static void check_files(struct check *c, const struct config_stage *s)
{
	const struct stage_ops *ops = s->stage.ops;
	for (size_t i = 0; i < ops->noptions; i++) {
		const struct option *o = &ops->options[i];
		const char *at = (const char *)s->stage.params + o->offset;
		if (o->flags & (OPTION_PER_ITEM | OPTION_SECRET_FILE))
			continue;
		if (o->type == OPT_FILE)
			check_file(c, o, *(const struct str *)(const void *)at);
		if (o->type == OPT_FILES) {
			const struct option_list *list = (const void *)at;
			for (size_t k = 0; k < list->n; k++)
				check_file(c, o, list->v[k]);
		}
	}
}

/* --- Scenarios --- */

static const void *option_at(const struct config_stage *s, const char *name, enum option_type type)
{
	for (size_t i = 0; i < s->stage.ops->noptions; i++) {
		const struct option *o = &s->stage.ops->options[i];
		if (strcmp(o->name, name) == 0 && o->type == type)
			return (const char *)s->stage.params + o->offset;
	}
	return NULL;
}

static void check_scenario(struct check *c, struct str path, const struct personas *personas)
{
	struct scenario *scenario = NULL;
	struct str text;
	const char *name = arena_str(&c->arena, path).p;
	if (!read_text(c, path, &text))
		return;
	problems_source(&c->problems, name, text);
	c->scenarios++;
	bool ok = scenario_parse(&c->arena, name, text, &scenario, &c->problems);
	if (scenario && c->has_labels)
		ok = scenario_check(scenario, &c->labels, personas, &c->problems) && ok;
	if (ok && scenario)
		script_test(scenario, personas, &c->problems);
}

static void check_scenarios(struct check *c, const struct config_stage *s)
{
	const struct option_list *files = option_at(s, "scenarios", OPT_FILES);
	const struct str *people = option_at(s, "personas", OPT_FILE);
	struct personas personas;
	struct str text;
	if (!files || !people || !read_text(c, *people, &text))
		return;
	const char *name = arena_str(&c->arena, *people).p;
	problems_source(&c->problems, name, text);
	if (!personas_parse(&c->arena, name, text, &personas, &c->problems))
		return;
	for (size_t i = 0; i < files->n; i++)
		check_scenario(c, files->v[i], &personas);
}

/* --- Stages and providers --- */

/* Files of a source that belong to no one item: import's labels_csv. */
static void check_item_files(struct check *c, struct config_stage *s)
{
	const struct stage_ops *ops = s->stage.ops;
	for (size_t i = 0; ops->check_file && i < ops->noptions; i++) {
		const struct option *o = &ops->options[i];
		const struct str *path = (const void *)((const char *)s->stage.params + o->offset);
		if (o->type != OPT_FILE || !(o->flags & OPTION_PER_ITEM) || !path->n)
			continue;
		struct err e = ERR_INIT;
		CLEANUP(buf_release) struct buf doubt = BUF_INIT;
		const struct yaml_node *written = yaml_get(s->with, o->name);
		struct yaml_mark mark = written ? written->mark : s->mark;
		c->files++;
		if (ops->check_file(&s->stage, o->name, &doubt, &e) < 0)
			problem_add(&c->problems, mark, "stage %s: %s", s->stage.name, e.text);
		else if (doubt.len)
			problem_add(&c->warnings, mark, "stage %s: %s", s->stage.name, doubt.data);
	}
}

static void check_stage(struct check *c, struct config_stage *s)
{
	struct err e = ERR_INIT;
	size_t before = c->problems.n;
	c->stages++;
	check_files(c, s);
	check_scenarios(c, s);
	/* What a stage makes of its files, it knows best itself. */
	if (secret_read(s, c->work, &e) < 0)
		problem_add(&c->problems, s->mark, "stage %s: %s", s->stage.name, e.text);
	else if (c->problems.n == before && s->stage.ops->init && s->stage.ops->init(&s->stage, &e) < 0) {
		err_context(&e, "stage %s", s->stage.name);
		add_error(c, NULL, &e);
	} else if (s->stage.state) {
		check_item_files(c, s);
	}
}

static void check_labels(struct check *c)
{
	struct err e = ERR_INIT;
	c->has_labels = labels_load(&c->arena, NULL, &c->labels, &e) == 0;
	if (!c->has_labels)
		add_error(c, NULL, &e);
}

static bool provider_used(const struct config *config, const struct provider *p)
{
	for (size_t i = 0; i < config->nstages; i++)
		if (config->stages[i].stage.provider == p)
			return true;
	return false;
}

/* What the providers in use lack: keys that are not in the environment. */
static void check_ready(struct check *c, const struct config *config)
{
	for (size_t i = 0; i < config->nproviders; i++) {
		const struct provider *p = &config->providers[i];
		struct err e = ERR_INIT;
		if (p->ops->ready && provider_used(config, p) && p->ops->ready(p, &e) < 0)
			problem_add(&c->problems, config_provider_place(p, str_of(e.text)), "%s", e.text);
	}
}

static void take_doubt(void *arg, const struct config_stage *s, const char *words)
{
	struct check *c = arg;
	problem_add(&c->warnings, s->mark, "%s", words);
}

/* What a run may do, and yet may not be meant. */
static void check_doubts(struct check *c, const struct config *config)
{
	config_doubts(config, -1, take_doubt, c);
	for (size_t i = 0; i < config->nproviders; i++) {
		const struct provider *p = &config->providers[i];
		CLEANUP(buf_release) struct buf words = BUF_INIT;
		if (!provider_used(config, p))
			continue;
		if (p->ops->doubts)
			p->ops->doubts(p, &words);
		if (words.len)
			problem_add(&c->warnings, config_provider_place(p, buf_view(&words)), "%s", words.data);
		if (provider_counted(p))
			continue;
		if (config->max_cost >= 0)
			problem_add(&c->warnings, config->max_cost_mark,
				"provider %s has no price_in and no price_out: max_cost counts it as free", p->name);
		if (config->confirm_above >= 0)
			problem_add(&c->warnings, config->confirm_above_mark,
				"provider %s has no price_in and no price_out: confirm_above counts it as free", p->name);
	}
}

static void probe(struct check *c, struct accounts *accounts, const struct provider *p, struct buf *b)
{
	struct err e = ERR_INIT;
	struct account_config config = {.name = p->name};
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	CLEANUP(buf_release) struct buf doubt = BUF_INIT;
	p->ops->account(p, &config);
	if (p->ops->probe(p, account_add(accounts, &config), &line, &doubt, &e) < 0)
		problem_add(&c->problems, (struct yaml_mark){NULL, 0, 0}, "%s", e.text);
	else
		buf_printf(b, "provider %s (%s): %s\n", p->name, p->ops->kind, line.data);
	if (doubt.len)
		problem_add(&c->warnings, (struct yaml_mark){NULL, 0, 0}, "%s", doubt.data);
}

/* One cheap request to each provider in use. */
static void check_online(struct check *c, const struct config *config, struct buf *b)
{
	struct budget budget;
	budget_init(&budget);
	struct accounts *accounts = accounts_new(&budget, NULL, NULL);
	for (size_t i = 0; i < config->nproviders; i++) {
		const struct provider *p = &config->providers[i];
		if (p->ops->embedded)
			buf_printf(b, "provider %s (%s): ok, part of taf\n", p->name, p->ops->kind);
		else if (provider_used(config, p))
			probe(c, accounts, p, b);
	}
	accounts_free(accounts);
}

/* {files, ok, problems: [{file?, line?, column?, message}], providers, scenarios, stages, warnings: [like problems]} */
static void report_json(const struct check *c, struct buf *b)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *out = json_object(&a);
	json_set_int(&a, out, "files", (int64_t)c->files);
	json_set(&a, out, "ok", json_bool(&a, c->problems.n == 0));
	json_set(&a, out, "problems", scenes_problems_json(&a, &c->problems));
	json_set_int(&a, out, "providers", (int64_t)c->providers);
	json_set_int(&a, out, "scenarios", (int64_t)c->scenarios);
	json_set_int(&a, out, "stages", (int64_t)c->stages);
	json_set(&a, out, "warnings", scenes_problems_json(&a, &c->warnings));
	json_write(b, out);
	buf_putc(b, '\n');
}

/* So that what is told by line and column is shown with its line. */
static void know_file(const char *file, struct problems *p)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(CONFIG_FILE_MAX);
	if (p->n && fs_read(file, CONFIG_FILE_MAX, &text, NULL) == 0)
		problems_source(p, file, buf_view(&text));
}

/* They stand before what is wrong, with their lines. */
static void put_warnings(const struct check *c, struct buf *ret)
{
	CLEANUP(problems_release) struct problems shown = PROBLEMS_INIT;
	for (size_t i = 0; i < c->warnings.n; i++)
		problem_add(&shown, c->warnings.v[i].mark, "warning: %s", c->warnings.v[i].text);
	know_file(c->file, &shown);
	problems_print(&shown, ret);
}

static void report(const struct check *c, bool json, const struct buf *providers)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	if (json) {
		report_json(c, &b);
		say_out(&b);
		return;
	}
	put_warnings(c, &text);
	problems_print(&c->problems, &text);
	if (text.len) {
		buf_str(&b, buf_view(providers)); /* what those say that are well */
		say_out(&b);
		buf_clear(&b);
		put_clean(&b, buf_view(&text));
		fputs(b.data, stderr);
		buf_clear(&b);
	} else {
		buf_str(&b, buf_view(providers));
	}
	if (c->problems.n) {
		say_error("%zu problem%s", c->problems.n, c->problems.n == 1 ? "" : "s");
		return;
	}
	buf_puts(&b, "OK: ");
	put_many(&b, (int64_t)c->stages, "stage");
	buf_puts(&b, ", ");
	put_many(&b, (int64_t)c->providers, "provider");
	buf_puts(&b, ", ");
	put_many(&b, (int64_t)c->files, "file");
	if (c->scenarios)
		buf_printf(&b, ", %zu of them scenarios, whose own tests pass", c->scenarios);
	buf_putc(&b, '\n');
	say_out(&b);
}

static int check(const struct cli_given *given)
{
	const struct check_options *o = given->opts;
	CLEANUP(config_cleanup) struct config *config = NULL;
	CLEANUP(check_release) struct check c = {.problems = PROBLEMS_INIT, .warnings = PROBLEMS_INIT};
	CLEANUP(buf_release) struct buf providers = BUF_INIT;
	int rc = o->json ? where_load(&o->where, &config, &c.problems) : where_config(&o->where, &config);
	if (rc < 0) {
		if (o->json)
			report(&c, true, &providers);
		return EXIT_BAD_CONFIG;
	}
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	where_work(&o->where, &work);
	c.work = work.data;
	c.file = config->file;
	c.providers = config->nproviders;
	check_labels(&c);
	for (size_t i = 0; i < config->nstages; i++)
		check_stage(&c, &config->stages[i]);
	check_ready(&c, config);
	check_doubts(&c, config);
	if (o->online && c.problems.n == 0)
		check_online(&c, config, &providers);
	know_file(c.file, &c.problems);
	report(&c, o->json, &providers);
	return c.problems.n ? EXIT_BAD_CONFIG : EXIT_DONE;
}

const struct cli_command command_check = {
	.name = "check",
	.usage = "[options]",
	.help = "check the pipeline and the files it names: scenarios, personas, labels, rules, prompts",
	.about = "Scenarios are also put to their own tests. Exit status 2 when something is wrong; all of it is told at "
			 "once, by file and line.",
	.example = "taf check --profile tiny",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct check_options),
	.run = check,
};
