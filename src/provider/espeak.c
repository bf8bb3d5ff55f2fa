#include "provider/espeak.h"

#include "base/alloc.h"

/* The version of the library and of its voice data (one Debian source package), from pkg-config when built. */
#ifndef TAF_ESPEAK_VERSION
#define TAF_ESPEAK_VERSION "unknown"
#endif

static const char *libraries(void)
{
	return "libespeak-ng " TAF_ESPEAK_VERSION;
}

static const struct option options[] = {
	{.name = "rate",
		.type = OPT_REAL,
		.offset = offsetof(struct espeak_params, rate),
		.flags = OPTION_SHAPES,
		.dflt = "1",
		.min = 0.5,
		.max = 2,
		.help = "Speaking rate, as a factor on the natural pace of 4 to 6 syllables a second."},
};

const struct provider_ops provider_espeak = {
	.kind = "espeak",
	.help = "Speaks Mandarin with libespeak-ng, many voices by variant, pitch and rate. Offline, deterministic.",
	.serves = PROVIDER_TTS,
	.version = 1,
	.embedded = true,
	.deterministic = true,
	.params_size = sizeof(struct espeak_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.libraries = libraries,
};
