#include "provider/providers.h"

const struct provider_ops *const providers_all[] = {
	&provider_script,
	&provider_openai,
	&provider_espeak,
	&provider_chattts,
	&provider_openai_speech,
	NULL,
};
