/* The provider chattts with one scripted server, for its tests. */
#ifndef TAF_TESTS_CHATTTS_KIT_H
#define TAF_TESTS_CHATTTS_KIT_H

#include "tests/provider/tts_kit.h"

/* Heads of replies, and the end of a script of them (struct tts_say). */
#define ZIP "200 OK\r\nContent-Type: application/zip"
#define JSON "\r\nContent-Type: application/json"
#define END {NULL, NULL, 0}

struct chattts_kit {
	struct tts_server server;
	struct tts_kit kit;
};

/** A server with this script, and the provider by it; `with`: more options, as the inside of a YAML map. */
void chattts_kit_open(struct chattts_kit *w, const struct tts_say *lines, const char *with);
void chattts_kit_close(struct chattts_kit *w);
/** A zip as a reply. It must outlive the server. */
struct tts_say chattts_kit_zip(const struct buf *b);
/** A zip for two texts, ID3hello and ID3bye: dummies first, as servers do. Made once, and kept. */
const struct buf *chattts_kit_good(void);

#endif
