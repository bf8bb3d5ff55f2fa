/* A speech provider made from YAML and a scripted server, for tests. */
#ifndef TAF_TESTS_TTS_KIT_H
#define TAF_TESTS_TTS_KIT_H

#include "provider/tts_server.h"
#include "tests/io/netkit.h"

#define TTS_SEEN_MAX 48
#define TTS_TEXTS_MAX 8

/** What a server says to its nth POST: status line with headers, body (n = 0: a text). NULL head: a reset; "hang": nothing; "cut": half of the body. The last
 * stays. */
struct tts_say {
	const char *head;
	const char *body;
	size_t n;
};
struct tts_server {
	struct net_server net;
	const struct tts_say *lines;
	const struct tts_say *ready, *status; /* likewise for GET /ready and /status; NULL: 404 */
	const char *bad;                      /* POSTs that hold it get 500, and no line of the script; may be NULL */
	atomic_int n, nready, nstatus;
	char seen[TTS_SEEN_MAX][2048]; /* bodies of POSTs */
	char heads[TTS_SEEN_MAX][512];
};
struct tts_kit {
	struct arena arena;
	void *params;
	struct provider p;
	struct accounts *accounts;
	struct account *v[TTS_PLACES_MAX];
	size_t n;
	struct budget budget;
	struct provider_sound sounds[TTS_TEXTS_MAX];
	char told[512]; /* what the user was told last */
	int ntold;
	struct err e;
};

void tts_server_start(struct tts_server *s, const struct tts_say *lines);
void tts_server_stop(struct tts_server *s);
/** `with`: the options as a YAML map. Fails the test when they are wrong by the table; what ready() says is in *e (may be NULL: it must be 0). */
void tts_kit_open(struct tts_kit *k, const struct provider_ops *ops, const char *with, struct err *e);
void tts_kit_close(struct tts_kit *k);
/** Speak texts (NULL-terminated) in a voice, on a rung. */
int tts_kit_speak(struct tts_kit *k, const char *const *texts, const char *voice, int rung);
struct json *tts_kit_json(struct tts_kit *k, const char *text);
/** Fails the test unless the words of the last error, or the reason of sound i, hold `text`. */
void tts_kit_says(const struct tts_kit *k, const char *text);
void tts_kit_no_sound(const struct tts_kit *k, size_t i, const char *why);
void tts_kit_sound(const struct tts_kit *k, size_t i, const char *bytes);

#endif
