#include "tests/provider/openai_kit.h"

#include "base/alloc.h"
#include "core/problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void openai_kit_open(struct openai_kit *k, const char *with)
{
	struct problems problems = {0};
	struct yaml_node *node = NULL;
	struct err e = ERR_INIT;
	memset(k, 0, sizeof(*k));
	if (yaml_parse(&k->arena, NULL, str_of(with), &node, &e) < 0)
		fail_msg("%s", e.text);
	const struct provider_ops *ops = &provider_openai;
	if (!options_parse(&k->arena, ops->options, ops->noptions, node, ".", "provider kind openai", &k->params, &problems))
		fail_msg("%s: %s", with, problems.v[0].text);
	k->p = (struct provider){.name = "writer", .ops = ops, .params = &k->params};
	provider_identify(&k->arena, &k->p);
}

void openai_kit_close(struct openai_kit *k)
{
	arena_release(&k->arena);
}

struct json *openai_kit_json(struct openai_kit *k, const char *text)
{
	struct json *v = NULL;
	struct err e = ERR_INIT;
	if (json_parse(&k->arena, str_of(text), &v, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return v;
}
