#include "stages/synthesize/prompts.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <string.h>

static const char *const slot_names[FACTS] = {
	[FACT_TITLE] = "title",
	[FACT_LABEL] = "label",
	[FACT_INITIATOR] = "initiator",
	[FACT_DIALLER] = "dialler",
	[FACT_NAME] = "name",
	[FACT_ADDRESS] = "address",
	[FACT_GENDER] = "gender",
	[FACT_AGE] = "age",
	[FACT_OCCUPATION] = "occupation",
	[FACT_MANNER] = "manner",
	[FACT_LEFT_GENDER] = "left_gender",
	[FACT_LEFT_AGE] = "left_age",
	[FACT_LEFT_SURNAME] = "left_surname",
	[FACT_LEFT_STAFF] = "left_staff",
	[FACT_PHASES] = "phases",
	[FACT_EXAMPLE] = "example",
	[FACT_ERRAND] = "errand",
	[FACT_MAX_CHARS] = "max_chars",
	[FACT_SIGNAL] = "signal",
	[FACT_EARLY] = "early",
	[FACT_EMOTIONS] = "emotions",
	[FACT_TRANSCRIPT] = "transcript",
	[FACT_SIDE] = "side",
	[FACT_REASON] = "reason",
};

#define BIT(slot) (1u << (slot))

/* `needs`: slots without which a prompt cannot do its work. */
static const struct {
	const char *name;
	unsigned needs;
} known[PROMPTS] = {
	[PROMPT_LEFT_NORMAL] = {"left-normal", BIT(FACT_TITLE)},
	[PROMPT_RIGHT_NORMAL] = {"right-normal", BIT(FACT_TITLE) | BIT(FACT_MANNER)},
	[PROMPT_LEFT_FRAUD] = {"left-fraud", BIT(FACT_TITLE)},
	[PROMPT_RIGHT_FRAUD] = {"right-fraud", BIT(FACT_MANNER)},
	[PROMPT_MANAGER_NORMAL] = {"manager-normal", 0},
	[PROMPT_MANAGER_FRAUD] = {"manager-fraud", 0},
	[PROMPT_SPEAKING] = {"speaking", BIT(FACT_SIGNAL) | BIT(FACT_MAX_CHARS)},
	[PROMPT_EMOTION] = {"emotion", BIT(FACT_EMOTIONS)},
	[PROMPT_OPENING] = {"opening", 0},
	[PROMPT_CLOSING_OWN] = {"closing-own", 0},
	[PROMPT_CLOSING_OTHER] = {"closing-other", 0},
	[PROMPT_CLOSING_BOTH] = {"closing-both", 0},
	[PROMPT_VERDICT] = {"verdict", BIT(FACT_TRANSCRIPT)},
	[PROMPT_HANGUP] = {"hangup", BIT(FACT_TRANSCRIPT) | BIT(FACT_SIDE)},
};

static int find_prompt(const char *path)
{
	struct str stem = fs_stem(path);
	for (int i = 0; i < PROMPTS; i++)
		if (str_is(stem, known[i].name) && str_ends(str_of(path), ".md"))
			return i;
	return -1;
}

static int read_prompt(
	struct arena *a, const char *path, enum prompt which, struct prompts *ret, struct problems *p, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(TEMPLATE_BYTES_MAX + 1);
	struct template_slot slots[FACTS + 1] = {{NULL, false}};
	for (int i = 0; i < FACTS; i++)
		slots[i] = (struct template_slot){slot_names[i], known[which].needs & BIT(i)};
	int rc = fs_read(path, TEMPLATE_BYTES_MAX + 1, &bytes, e);
	if (rc != 0)
		return rc;
	struct template_source source = {path, buf_view(&bytes)};
	template_read(a, &source, slots, &ret->v[which], p);
	return 0;
}

int prompts_load(struct arena *a, const struct option_list *files, struct prompts *ret, struct err *e)
{
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct prompts read = {.v = {{.n = 0}}};
	const char *from[PROMPTS] = {NULL};
	for (size_t i = 0; i < files->n; i++) {
		const char *path = arena_str(a, files->v[i]).p;
		int which = find_prompt(path);
		struct yaml_mark mark = {.file = path};
		if (which < 0) {
			problem_add(&p, mark, "no prompt has this name (see stages/synthesize/prompts)");
			continue;
		}
		if (from[which])
			problem_add(&p, mark, "prompt '%s' is also in %s", known[which].name, from[which]);
		from[which] = path;
		int rc = read_prompt(a, path, which, &read, &p, e);
		if (rc != 0)
			return rc;
	}
	for (int i = 0; i < PROMPTS; i++)
		if (!from[i])
			problem_add(&p, (struct yaml_mark){.file = NULL}, "prompts: there is no %s.md", known[i].name);
	if (p.n)
		return problems_error(&p, e);
	*ret = read;
	return 0;
}

void prompt_put(struct buf *b, const struct prompts *p, enum prompt which, const struct str *values)
{
	template_render(b, &p->v[which], values);
}
