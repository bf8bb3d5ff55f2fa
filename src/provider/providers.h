/* All provider kinds: one file src/provider/KIND.c each, listed in providers.c. Read through core/provider.h (provider_find, providers_all).
 * Parameters of a kind that others read are declared in its own header. */
#ifndef TAF_PROVIDER_PROVIDERS_H
#define TAF_PROVIDER_PROVIDERS_H

#include "core/provider.h"

extern const struct provider_ops provider_script;
extern const struct provider_ops provider_espeak;
extern const struct provider_ops provider_openai;
extern const struct provider_ops provider_chattts;
extern const struct provider_ops provider_openai_speech;

#endif
