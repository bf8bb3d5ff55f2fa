#include "provider/script_provider.h"

const struct provider_ops provider_script = {
	.kind = "script",
	.help = "Writes without a model: dialogue from the scenario's own lines, annotations from templates. Offline, "
			"deterministic.",
	.serves = PROVIDER_LLM,
	.version = 1,
	.embedded = true,
	.deterministic = true,
};
