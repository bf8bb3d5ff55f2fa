/* annotate: slow thinking for three tasks (scene, fraud, fraud type): a thinking that cites turns, and a JSON answer that agrees with the label of the
 * call. The embedded writer puts it together from templates by what is found in the turns; its records say so (annotations.writer: script).
 * What a call gets depends on its own label, never on the closed sets as a whole: a label that is added touches no annotation. The sets are looked
 * at when the tables are read, so that no table names a label that is not in them. */
#include "stages/annotate/annotate.h"

#include "base/alloc.h"
#include "core/call.h"

#include <stddef.h>

struct params {
	struct str provider;
	int hears;
	struct str scenes, cues, templates, labels;
};

#define AT(field) offsetof(struct params, field)
#define FILE_OPTION(option, shapes, path, words) \
	{ \
		.name = #option, .type = OPT_FILE, .offset = AT(option), .flags = shapes | OPTION_YAML, .dflt = path, \
		.help = words \
	}

static const char *const hears_names[] = {"text", "features", "audio", NULL};

static const struct option options[] = {
	{.name = "provider",
		.type = OPT_PROVIDER,
		.offset = AT(provider),
		.flags = OPTION_REQUIRED,
		.help = "Who writes the annotations: a provider of kind script."},
	{.name = "hears",
		.type = OPT_CHOICE,
		.offset = AT(hears),
		.flags = OPTION_SHAPES,
		.dflt = "text",
		.choices = hears_names,
		.help = "What it judges by: the turns; the turns and the measured voice (acoustics, written by qa with rules: "
				"audio); or the sound itself, which the embedded writer cannot hear."},
	FILE_OPTION(scenes, OPTION_SHAPES, "'@/stages/annotate/scenes.yaml'",
		"What each scene sounds like. The scene of calls that have none is chosen by it."),
	FILE_OPTION(cues, OPTION_SHAPES, "'@/stages/annotate/cues.yaml'",
		"Signs of fraud and of ordinary calls, and what is typical of each fraud type."),
	FILE_OPTION(templates, OPTION_SHAPES, "'@/stages/annotate/templates.yaml'",
		"The sentences, the rule for confidence_percent, and the limits for fast, slow and many pauses."),
	FILE_OPTION(labels, 0, "'@/schemas/labels.yaml'",
		"The closed label sets. They only have to hold what scenes and cues name: a new label annotates nothing anew."),
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
	fields_write(ret, "annotations", 0);
	fields_write(ret, "label.scene", FIELD_OPTIONAL);
	fields_write(ret, "label.scene_origin", FIELD_OPTIONAL);
}

static int check(const void *params, struct err *e)
{
	const struct params *p = params;
	if (p->hears == HEARS_AUDIO)
		return err_set(e, ERR_CONFIG,
			"hears: audio needs a writer that can listen, and providers of kind script read text only; use hears: "
			"features, which tells it what was measured on the sound, or hears: text");
	return 0;
}

static int init(struct stage *s, struct err *e)
{
	const struct params *p = s->params;
	struct tables *t = ARENA_NEW(&s->arena, struct tables);
	struct table_files files = {p->scenes.p, p->cues.p, p->templates.p};
	struct labels labels;
	int r = labels_load(&s->arena, p->labels.p, &labels, e);
	if (!r)
		r = tables_load(&s->arena, &files, &labels, t, e);
	if (!r)
		s->state = t;
	return r;
}

static int process(struct work *w, struct err *e)
{
	const struct params *p = w->stage->params;
	struct draw d;
	work_draw(w, "annotate", &d);
	struct call_facts f = {.t = w->stage->state, .call = w->call, .hears = (enum hears)p->hears, .seed = draw_u64(&d)};
	return rounds_write(w->arena, &f, w->stage->provider ? w->stage->provider->ops->kind : "script", &w->fields, e);
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
	.init = init,
	.process = process,
};
