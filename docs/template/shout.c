/* shout: rejects calls in which somebody shouts. A whole stage, as short as one can be: CONTRIBUTING.md walks through it. */
#include "base/alloc.h"
#include "core/call.h"
#include "core/stage.h"

struct shout_params {
	int64_t max_marks;
};

static const struct option options[] = {
	{.name = "max_marks",
		.type = OPT_INT,
		.offset = offsetof(struct shout_params, max_marks),
		.flags = OPTION_SHAPES, /* another value makes another result, so it belongs into the key */
		.dflt = "3",
		.min = 0,
		.max = 1000,
		.unit = "marks",
		.help = "A turn with more exclamation marks is shouted."},
};

/* A stage sees of a call what it reads here, and may set what it writes. "@" stands for its own name in the pipeline. */
static void fields(const void *params, struct stage_fields *ret)
{
	(void)params;
	fields_read(ret, "turns.text", 0);
	fields_write(ret, "qa.@", 0);
}

static int64_t count_marks(struct str text)
{
	int64_t n = 0;
	for (ptrdiff_t at; (at = str_find(text, STR("！"))) >= 0; n++)
		text = str_n(text.p + at + 3, text.n - (size_t)at - 3); /* the mark has three bytes */
	return n;
}

/* One call. Runs on many threads at once: all it makes lives in the record's arena. */
static int process(struct work *w, struct err *e)
{
	const struct shout_params *p = w->stage->params;
	struct json *findings = json_array(w->arena);
	int64_t at = 0;
	(void)e;
	JSON_EACH(turn, json_get(w->call, "turns")) {
		int64_t marks = count_marks(turn_text(turn));
		if (marks > p->max_marks) {
			struct json *finding = json_object(w->arena);
			json_set_text(w->arena, finding, "rule", "shouted");
			json_set_int(w->arena, finding, "value", marks);
			json_set_int(w->arena, finding, "limit", p->max_marks);
			json_set_int(w->arena, finding, "turn", at);
			json_append(findings, finding);
		}
		at++;
	}
	work_verdict(w, json_count(findings) > 0 ? "reject" : "pass", findings);
	return 0;
}

const struct stage_ops stage_shout = {
	.name = "shout",
	.help = "Rejects calls in which somebody shouts.",
	.version = 1, /* raise it when equal input gives other output */
	.kind = STAGE_MAP,
	.exec = EXEC_CPU,
	.params_size = sizeof(struct shout_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.process = process,
};
