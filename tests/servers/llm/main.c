/* taf-llm-server: a chat server that speaks the OpenAI API, with scripted agents and failures to order. See docs/llm-server.md. */
#include "tests/servers/common/program.h"
#include "tests/servers/llm/service.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <stdlib.h>

#define LINES_DEFAULT "tests/servers/llm/lines.yaml"

static int load(struct server *s, struct err *e)
{
	CLEANUP(buf_release) struct buf root = BUF_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct llm *own = s->own;
	int rc = 0;
	if (!own->lines_file) {
		rc = fs_data_root(&root, e);
		fs_join(&path, root.data, LINES_DEFAULT);
	}
	if (rc == 0)
		rc = lines_read(own->lines_file ? own->lines_file : path.data, &own->lines, e);
	if (rc == 0 && own->dialogues_file)
		rc = replay_read(own->dialogues_file, &own->replay, e);
	own->agents = (struct agents){.lines = &own->lines,
		.replay = own->dialogues_file ? &own->replay : NULL,
		.facts = xcalloc(FACTS_SLOTS, sizeof(struct facts))};
	return rc;
}

static void unload(struct server *s)
{
	struct llm *own = s->own;
	free(own->agents.facts);
	lines_release(&own->lines);
	replay_release(&own->replay);
}

int main(int argc, char **argv)
{
	struct llm own = {.lines_file = NULL};
	const struct program_text texts[] = {{"lines", &own.lines_file}, {"dialogues", &own.dialogues_file}};
	const struct program p = {.service = &llm_service,
		.own = &own,
		.about =
			"Usage: taf-llm-server [OPTION]…\n"
			"A chat server on 127.0.0.1 that speaks the OpenAI API: scripted agents, limits and failures to order. "
			"docs/llm-server.md has examples.\n\n",
		.options =
			"  --lines FILE                      what the agents say (tests/servers/llm/lines.yaml)\n"
			"  --dialogues FILE                  replay these dialogues (JSON lines) in place of scripted lines\n",
		.texts = texts,
		.ntexts = COUNT_OF(texts),
		.load = load,
		.unload = unload};
	(void)argc;
	return program_main(&p, argv);
}
