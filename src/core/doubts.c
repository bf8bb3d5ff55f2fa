#include "core/config.h"

#include "base/alloc.h"

static void doubt(const struct config_stage *s, const struct stage *upstream, struct buf *ret)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	const struct stage_ops *ops = upstream->ops;
	s->stage.ops->doubts(&s->stage, upstream, options_json(&a, ops->options, ops->noptions, upstream->params, 0), ret);
}

void config_doubts(const struct config *c, int last,
	void (*tell)(void *arg, const struct config_stage *s, const char *words), void *arg)
{
	for (int i = 0; i < (int)c->nstages; i++) {
		const struct config_stage *s = &c->stages[i];
		bool chosen = last < 0 || i == last || graph_is_ancestor(c->graph, i, last);
		for (int up = 0; chosen && s->stage.ops->doubts && up < i; up++) {
			CLEANUP(buf_release) struct buf words = BUF_INIT;
			if (graph_is_ancestor(c->graph, up, i))
				doubt(s, &c->stages[up].stage, &words);
			if (words.len)
				tell(arg, s, words.data);
		}
	}
}
