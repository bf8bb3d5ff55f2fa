/* taf-tts-server: a speech server that speaks ChatTTS's HTTP contract and OpenAI's, with made-up sound and failures to order. See docs/tts-server.md. */
#include "tests/servers/common/program.h"
#include "tests/servers/tts/fate.h"

#include "base/alloc.h"
#include "io/av.h"
#include "io/speech.h"

#include <signal.h>
#include <string.h>

static int load(struct server *s, struct err *e)
{
	struct tts *own = s->own;
	av_init();
	if (!own->voice || strcmp(own->voice, "tones") == 0)
		return 0;
	if (strcmp(own->voice, "espeak") != 0)
		return err_set(e, ERR_USAGE, "--voice wants tones or espeak");
	own->espeak = true;
	sigset_t ends; /* the library starts a thread, which must leave these to the loop */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return speech_init(e); /* now: it forks, and there are no threads yet */
}

static void unload(struct server *s)
{
	fate_forget(s->own);
}

int main(int argc, char **argv)
{
	struct tts own = {.voice = NULL};
	const struct program_text texts[] = {{"voice", &own.voice}};
	const struct program p = {.service = &tts_service,
		.own = &own,
		.about =
			"Usage: taf-tts-server [OPTION]…\n"
			"A speech server on 127.0.0.1 that speaks ChatTTS's HTTP contract and OpenAI's: made-up sound, limits and "
			"failures to order. docs/tts-server.md has examples.\n\n",
		.options = "  --voice tones | espeak            made-up sound (tones), or real speech by libespeak-ng\n",
		.texts = texts,
		.ntexts = COUNT_OF(texts),
		.load = load,
		.unload = unload};
	(void)argc;
	return program_main(&p, argv);
}
