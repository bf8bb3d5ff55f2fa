/* taf scenario new: a starter file. */
#include "base/alloc.h"
#include "base/fs.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/scenes.h"
#include "core/engine.h"

#include <string.h>

struct new_options {
	struct scenes_where at;
	const char *label;
	bool normal, fraud;
};
#define AT(field) offsetof(struct new_options, field)
static const struct cli_option options[] = {
	SCENES_OPTIONS(struct new_options),
	{'l', "label", CLI_TEXT, AT(label), "L", 0, 0, "a fraud type or a scene of schemas/labels.yaml"},
	{0, "fraud", CLI_FLAG, AT(fraud), NULL, 0, 0, "say that it is a fraud call (the label tells it too)"},
	{0, "normal", CLI_FLAG, AT(normal), NULL, 0, 0, "say that it is a normal call"},
};

static bool name_good(const char *name)
{
	size_t n = strlen(name), plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return n > 0 && n == plain && n <= SCENARIO_NAME_MAX;
}

static void say_labels(const struct scenes *s, const char *lead, struct str got)
{
	struct str all[256];
	size_t n = 0;
	for (size_t i = 0; i < s->labels.nfraud_types && n < COUNT_OF(all); i++)
		all[n++] = s->labels.fraud_types[i];
	for (size_t i = 0; i < s->labels.nscenes && n < COUNT_OF(all); i++)
		all[n++] = s->labels.scenes[i];
	if (got.n) {
		say_unknown(lead, got, all, n);
		return;
	}
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%.*s", i ? ", " : " ", STR_FMT(all[i]));
	say_error("%s:%s", lead, b.data);
}

/* Kind by label; false when what was said does not fit. */
static bool kind_of(const struct scenes *s, const struct new_options *o, bool *ret_fraud)
{
	struct str label = str_of(o->label);
	bool fraud = labels_is_fraud_type(&s->labels, label), scene = labels_is_scene(&s->labels, label);
	*ret_fraud = fraud;
	if (!label.n)
		say_labels(s, "scenario new: --label is missing; the labels are", (struct str){NULL, 0});
	else if (!fraud && !scene)
		say_labels(s, "scenario new: unknown label", label);
	else if ((fraud && o->normal) || (scene && o->fraud))
		say_error("scenario new: %s is %s, so leave --%s out", o->label,
			fraud ? "a fraud type" : "a scene of normal calls", fraud ? "normal" : "fraud");
	else
		return true;
	return false;
}

/* A pipeline may read another folder, or name its files one by one. */
static bool is_used(const struct scenes_where *at, const char *path)
{
	CLEANUP(scenes_release) struct scenes s = {.arena = ARENA_INIT};
	struct scenes_where pipeline = {.where = at->where};
	if (scenes_open(&s, &pipeline) != 0)
		return true; /* it has told why */
	for (size_t i = 0; i < s.files.n; i++)
		if (scenes_same_file(s.files.v[i].p, path))
			return true;
	return false;
}

static int make(const struct scenes *s, const struct new_options *o, const char *name, bool fraud, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	struct fs_stat st;
	buf_printf(&path, "%s/%s.yaml", s->folder, name);
	int rc = fs_stat(path.data, &st, e);
	if (rc == 0 && st.exists)
		rc = err_set(e, ERR_REFUSED, "%s is there already; nothing was written", path.data);
	scenario_template(&text, str_of(name), fraud, str_of(o->label));
	if (rc == 0)
		rc = fs_write_atomic(path.data, text.data, text.len, 0644, e);
	if (rc < 0)
		return err_context(e, "scenario new");
	buf_printf(&said,
		"made %s: a whole scenario that passes its own tests\n\n"
		"next: write your own lines into it (docs/scenarios.md tells the format), then\n"
		"  taf scenario check %s\n  taf scenario preview %s\n",
		path.data, path.data, path.data);
	if (is_used(&o->at, path.data))
		buf_printf(&said, "  taf run --only %s --limit 2\n", name);
	else
		buf_puts(&said, "the pipeline does not read this file: name it in the stage that writes from scenarios\n");
	say_out(&said);
	return 0;
}

static int new_scenario(const struct cli_given *given)
{
	const struct new_options *o = given->opts;
	CLEANUP(scenes_release) struct scenes s = {.arena = ARENA_INIT};
	struct err e = ERR_INIT;
	bool fraud;
	if (!name_good(given->args[0])) {
		say_error("scenario new: '%s' is no name: 1 to %d of a-z, 0-9 and '-'", given->args[0], SCENARIO_NAME_MAX);
		return EXIT_BAD_CONFIG;
	}
	int status = scenes_open(&s, &o->at);
	if (status)
		return status;
	if (!kind_of(&s, o, &fraud))
		return EXIT_BAD_CONFIG;
	if (make(&s, o, given->args[0], fraud, &e) < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	return EXIT_DONE;
}

const struct cli_command command_scenario_new = {
	.name = "scenario new",
	.usage = "NAME --label L [options]",
	.help = "write a starter file into the folder of scenarios",
	.about = "It is a whole scenario that passes its own tests; nothing is overwritten.",
	.example = "taf scenario new book-vet --label 预约服务",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct new_options),
	.min_args = 1,
	.max_args = 1,
	.run = new_scenario,
};
