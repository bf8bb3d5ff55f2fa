/* What a provider is: one kind = one file src/provider/KIND.c, one const struct provider_ops in the array of src/provider/providers.c.
 * A provider in a pipeline is made from `providers:` of the YAML; stages refer to it by name. Its identity (kind, version, options that shape
 * output, library versions) is in the keys of the stages that use it; url, key and limits never are. */
#ifndef TAF_CORE_PROVIDER_H
#define TAF_CORE_PROVIDER_H

#include "core/option.h"

enum provider_serves { PROVIDER_LLM, PROVIDER_TTS };

struct provider_ops {
	const char *kind; /* "script", "espeak" */
	const char *help;
	enum provider_serves serves;
	int version;        /* raised when its answers change for equal requests */
	bool embedded;      /* no network, no account */
	bool deterministic; /* equal requests have equal answers: the draw number is always 0 */
	size_t params_size;
	const struct option *options;
	size_t noptions;
	const char *(*libraries)(void); /* NULL for none */
};

struct provider {
	const char *name; /* as in the YAML */
	const struct provider_ops *ops;
	void *params;
	const struct json *identity; /* canonical, for keys */
};

extern const struct provider_ops *const providers_all[]; /* NULL-terminated */
const struct provider_ops *provider_find(struct str kind);
/** {kind, version, libraries?, shaping options} in the arena. */
const struct json *provider_identity(struct arena *a, const struct provider *p);

#endif
