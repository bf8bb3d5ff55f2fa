#include "tests/servers/tts/switches.h"

#include "base/alloc.h"

#define X(name, option, help) [SPOILT_##name] = {option, help},
static const struct switch_answered answered[SPOILT_COUNT] = {SPOILT_LIST(X)};
#undef X
_Static_assert(SPOILT_COUNT <= ANSWERED_MAX, "ANSWERED_MAX has no room for all");

#define AT(member) offsetof(struct tts_switches, member)
static const struct switch_entry own[] = {
	{"cpm", "N", "characters of text a minute; more get 429", SWITCH_WHOLE, AT(base.amount_pm), 0, 1e12},
	{"where", "TEXT", "those failures of sounds and zips befall only requests with this in a text", SWITCH_WORDS,
		AT(where), 0, 0},
	{"all-sounds", NULL, "they befall all sounds of a request, not one", SWITCH_FLAG, AT(all_sounds), 0, 0},
	{"until", "alone | temperature | voice",
		"they befall only requests of several texts; or a text until it is asked at another temperature, in another "
		"voice (manual_seed) than the first time",
		SWITCH_CHOICE, AT(until), 0, 0},
	{"dummy-first", NULL, "each name stands in the zip twice: a dummy of 0.1 s, then the sound", SWITCH_FLAG,
		AT(dummy_first), 0, 0},
	{"no-ready", NULL, "404 for GET /ready", SWITCH_FLAG, AT(no_ready), 0, 0},
	{"no-status", NULL, "404 for GET /status", SWITCH_FLAG, AT(no_status), 0, 0},
	{"not-ready", NULL, "the model is being loaded: 503, no instances", SWITCH_FLAG, AT(not_ready), 0, 0},
	{"ready-after", "SECONDS", "the same for so long after the start", SWITCH_REAL, AT(ready_after_s), 0, 1e6},
	{"instances", "N", "how many /status tells of (2)", SWITCH_WHOLE, AT(instances), 0, 64},
	{"voices", "NAME[,NAME…]", "400 for other voices", SWITCH_WORDS, AT(voices), 0, 0},
	{"formats", "NAME[,NAME…]", "400 for other response_formats", SWITCH_WORDS, AT(formats), 0, 0},
	{"json-reply", "NAME", "speech comes as JSON with base64 in this member: audio or audio_base64", SWITCH_WORDS,
		AT(json_reply), 0, 0},
	{"open-wav", NULL, "WAV files state no length (0xFFFFFFFF), as of servers that stream them", SWITCH_FLAG,
		AT(open_wav), 0, 0},
};
static const struct tts_switches plain = {.base = SWITCHES_PLAIN, .instances = 2};

const struct switch_set tts_switch_set = {.size = sizeof(struct tts_switches),
	.own = own,
	.nown = COUNT_OF(own),
	.answered = answered,
	.nanswered = SPOILT_COUNT,
	.plain = &plain};
