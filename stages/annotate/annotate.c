/* annotate: slow thinking for three tasks (scene, fraud, fraud type): a thinking that cites turns, and a JSON answer that agrees with the label of the
 * call. The embedded writer puts it together from templates by what is found in the turns; its records say so (annotations.writer: script). A model is
 * asked (ask.h).
 * What a call gets depends on its own label, never on the closed sets as a whole: a label that is added touches no annotation. The sets are looked
 * at when the tables are read, so that no table names a label that is not in them. */
#include "stages/annotate/annotate.h"

#include "base/alloc.h"
#include "core/call.h"
#include "stages/annotate/ask.h"

#include <stddef.h>

struct params {
	struct str provider;
	int hears;
	struct str scenes, cues, templates, labels, leaks;
	struct option_list prompts;
	int thinking;
	int64_t min_thinking, max_thinking, min_citations;
};
struct state {
	struct tables tables;
	struct asker *asker; /* NULL with the embedded writer */
};

#define AT(field) offsetof(struct params, field)
#define FILE_OPTION(option, shapes, path, words) \
	{ \
		.name = #option, .type = OPT_FILE, .offset = AT(option), .flags = shapes | OPTION_YAML, .dflt = path, \
		.help = words \
	}

#define COUNT_OPTION(option, low, high, dflt_text, unit_name, words) \
	{ \
		.name = #option, .type = OPT_INT, .offset = AT(option), .flags = OPTION_SHAPES, .dflt = dflt_text, .min = low, \
		.max = high, .unit = unit_name, .help = words \
	}

static const char *const hears_names[] = {"text", "features", "audio", NULL};
static const char *const thinking_names[] = {"auto", "answer", NULL};

static const struct option options[] = {
	{.name = "provider",
		.type = OPT_PROVIDER,
		.offset = AT(provider),
		.flags = OPTION_REQUIRED,
		.help = "Who writes the annotations: the embedded writer (kind script), or a model (kind openai), which is "
				"asked three "
				"questions a call."},
	{.name = "hears",
		.type = OPT_CHOICE,
		.offset = AT(hears),
		.flags = OPTION_SHAPES,
		.dflt = "text",
		.choices = hears_names,
		.help =
			"What it judges by: the turns; the turns and the measured voice (acoustics, written by qa with rules: "
			"audio); or the turns and the sound itself, for a model that takes sound; the embedded writer does not."},
	FILE_OPTION(scenes, OPTION_SHAPES, "'@/stages/annotate/scenes.yaml'",
		"What each scene sounds like. The scene of calls that have none is chosen by it."),
	FILE_OPTION(cues, OPTION_SHAPES, "'@/stages/annotate/cues.yaml'",
		"Signs of fraud and of ordinary calls, and what is typical of each fraud type."),
	FILE_OPTION(templates, OPTION_SHAPES, "'@/stages/annotate/templates.yaml'",
		"The sentences, the rule for confidence_percent, and the limits for fast, slow and many pauses."),
	FILE_OPTION(labels, 0, "'@/schemas/labels.yaml'",
		"The closed label sets. They only have to hold what scenes and cues name: a new label annotates nothing anew."),
	{.name = "prompts",
		.type = OPT_FILES,
		.offset = AT(prompts),
		.flags = OPTION_SHAPES,
		.dflt = "'@/stages/annotate/prompts'",
		.help =
			"What a model is asked: a folder or files named system, call, left, right, voice, audio, scene, scenes, "
			"fraud, normal and fraud_type."},
	FILE_OPTION(leaks, OPTION_SHAPES, "'@/stages/qa/leaks.yaml'",
		"Phrases that say the answer was given, and markup: a model's text with one of them costs the next draw."),
	{.name = "thinking",
		.type = OPT_CHOICE,
		.offset = AT(thinking),
		.flags = OPTION_SHAPES,
		.dflt = "auto",
		.choices = thinking_names,
		.help =
			"Which text of a model is the thinking. auto: its own reasoning where the server gives it and it passes "
			"the rules, else the thinking in its answer; answer: always the latter."},
	COUNT_OPTION(min_thinking, 0, 100000, "60", "characters", "A model's thinking that is shorter costs the next draw."),
	COUNT_OPTION(max_thinking, 1, 100000, "1500", "characters", "The same for one that is longer. Blanks do not count."),
	COUNT_OPTION(min_citations, 0, 100, "1",
		"citations", "The same for one that names fewer turns (第3轮 is the third). Words in 「」 must stand in the turn named before."),
};

static void fields(const void *params, struct stage_fields *ret)
{
	const struct params *p = params;
	fields_read(ret, "turns.text", 0);
	fields_read(ret, "turns.role", 0);
	fields_read(ret, "label.is_fraud", 0);
	fields_read(ret, "label.fraud_type", FIELD_OPTIONAL);
	fields_read(ret, "label.scene", FIELD_OPTIONAL);
	fields_read(ret, "initiator", FIELD_OPTIONAL);
	fields_read(ret, "termination.by", FIELD_OPTIONAL);
	fields_read(ret, "profile.right.awareness", FIELD_OPTIONAL);
	if (p->hears == HEARS_FEATURES) {
		fields_read(ret, "acoustics.left.speech_ms", 0);
		fields_read(ret, "acoustics.left.pauses", 0);
		fields_read(ret, "acoustics.left.speech_rate_msyl_per_s", FIELD_OPTIONAL);
		fields_read(ret, "acoustics.left.pitch_low_hz", FIELD_OPTIONAL);
		fields_read(ret, "acoustics.left.pitch_high_hz", FIELD_OPTIONAL);
	}
	if (p->hears == HEARS_AUDIO)
		fields_read(ret, "audio.object", 0);
	fields_write(ret, "annotations", 0);
	fields_write(ret, "label.scene", FIELD_OPTIONAL);
	fields_write(ret, "label.scene_origin", FIELD_OPTIONAL);
}

static int check(const void *params, struct err *e)
{
	const struct params *p = params;
	if (p->min_thinking > p->max_thinking)
		return err_set(e, ERR_CONFIG, "min_thinking (%lld) is over max_thinking (%lld)", (long long)p->min_thinking,
			(long long)p->max_thinking);
	return 0;
}

static int suits(const void *params, const struct provider_ops *provider, struct err *e)
{
	const struct params *p = params;
	if (provider->embedded && p->hears == HEARS_AUDIO)
		return err_set(e, ERR_CONFIG,
			"hears: audio needs a writer that can listen, and providers of kind script read text only; use hears: "
			"features, which tells it what was measured on the sound, or hears: text");
	return 0;
}

static struct ask_options ask_options(const struct params *p)
{
	return (struct ask_options){.prompts = &p->prompts,
		.leaks = p->leaks.p,
		.min_thinking = p->min_thinking,
		.max_thinking = p->max_thinking,
		.min_citations = p->min_citations,
		.hears = p->hears,
		.thinking = p->thinking};
}

static int init(struct stage *s, struct err *e)
{
	const struct params *p = s->params;
	struct state *st = ARENA_NEW(&s->arena, struct state);
	struct table_files files = {p->scenes.p, p->cues.p, p->templates.p};
	struct ask_options o = ask_options(p);
	struct labels labels;
	int r = labels_load(&s->arena, p->labels.p, &labels, e);
	if (!r)
		r = tables_load(&s->arena, &files, &labels, &st->tables, e);
	if (!r && s->provider && !s->provider->ops->embedded)
		r = asker_load(&s->arena, &o, &st->tables, &labels, &st->asker, e);
	if (!r)
		s->state = st;
	return r;
}

static int process(struct work *w, struct err *e)
{
	const struct params *p = w->stage->params;
	const struct state *st = w->stage->state;
	struct draw d;
	if (st->asker)
		return ask_rounds(w, st->asker, e);
	work_draw(w, "annotate", &d);
	struct call_facts f = {.t = &st->tables, .call = w->call, .hears = (enum hears)p->hears, .seed = draw_u64(&d)};
	return rounds_write(w->arena, &f, w->stage->provider ? w->stage->provider->ops->kind : "script", &w->fields, e);
}

static void cost(const struct stage *s, struct stage_cost *ret)
{
	const struct ask_options o = ask_options(s->params);
	ask_cost(&o, ret);
}

const struct stage_ops stage_annotate = {
	.name = "annotate",
	.help = "Slow thinking for three tasks: scene, fraud or not, fraud type; each a thinking that cites turns, and an "
			"answer.",
	.version = 3,
	.kind = STAGE_MAP,
	.exec = EXEC_CPU,
	.flags = STAGE_DRAWS,
	.params_size = sizeof(struct params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.suits = suits,
	.init = init,
	.process = process,
	.cost = cost,
};
