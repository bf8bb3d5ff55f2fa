/* The provider `openai`: its options, and what is wrong with them before any work. */
#include "provider/openai.h"

#include "base/alloc.h"
#include "provider/remote.h"

#define MILLIONTHS 1e6

/* --- Before any work --- */

/* What a run may do, and yet may not be meant. */
static void doubts(const struct provider *p, struct buf *ret)
{
	const struct openai_params *o = p->params;
	remote_doubt_url(p->name, "base_url", o->base_url, o->api_key_env, ret);
}

static int ready(const struct provider *p, struct err *e)
{
	const struct openai_params *o = p->params;
	int rc = remote_check_url(p->name, "base_url", o->base_url, "/chat/completions", e);
	if (rc < 0)
		return rc;
	if (openai_models(o) > OPENAI_MODELS)
		return err_set(e, ERR_CONFIG, "provider %s: at most %d fallback_models", p->name, OPENAI_MODELS - 1);
	for (size_t i = 0; i < openai_models(o); i++) {
		if (!openai_model(o, i).n)
			return err_set(
				e, ERR_CONFIG, "provider %s: %s has no name", p->name, i ? "fallback_models: a model" : "model");
		for (size_t k = 0; k < i; k++)
			if (str_eq(openai_model(o, i), openai_model(o, k)))
				return err_set(e, ERR_CONFIG, "provider %s: fallback_models: %.*s is named twice", p->name,
					STR_FMT(openai_model(o, i)));
	}
	if (openai_check_extra(o->extra, e) < 0)
		return err_context(e, "provider %s", p->name);
	return remote_check_key(p->name, o->api_key_env, e);
}

static void config_of(const struct provider *p, struct account_config *ret)
{
	const struct openai_params *o = p->params;
	*ret = (struct account_config){
		.name = p->name,
		.limits = {.requests_per_min = o->requests_per_min,
			.tokens_per_min = o->tokens_per_min,
			.in_flight = (int)o->in_flight},
		.price = {.in = (int64_t)(o->price_in * MILLIONTHS + 0.5), .out = (int64_t)(o->price_out * MILLIONTHS + 0.5)},
		.patience_s = o->patience_s,
	};
}

static void asking(const struct provider *p, struct provider_asking *ret)
{
	const struct openai_params *o = p->params;
	*ret = (struct provider_asking){.draws = (int)o->draws, .repair = o->repair};
}

/* --- Options --- */

static const char *const json_modes[] = {"auto", "object", "schema", "off", NULL};

#define AT(member) .offset = offsetof(struct openai_params, member)
static const struct option options[] = {
	{.name = "base_url",
		.type = OPT_STRING,
		AT(base_url),
		.flags = OPTION_REQUIRED,
		.help = "Where the API is, up to before /chat/completions: https://api.siliconflow.cn/v1, "
				"http://127.0.0.1:8000/v1."},
	{.name = "api_key_env",
		.type = OPT_STRING,
		AT(api_key_env),
		.dflt = "",
		.help = "Name of the environment variable that holds the key. Empty: none is sent (a server of one's own)."},
	{.name = "model",
		.type = OPT_STRING,
		AT(model),
		.flags = OPTION_REQUIRED | OPTION_SHAPES,
		.help = "The model, as the server names it."},
	{.name = "revision",
		.type = OPT_STRING,
		AT(revision),
		.flags = OPTION_SHAPES,
		.dflt = "",
		.help = "Any text. Change it when the server puts other weights behind the same name: everything is then asked "
				"anew."},
	{.name = "fallback_models",
		.type = OPT_STRINGS,
		AT(fallback_models),
		.flags = OPTION_SHAPES,
		.help = "Models of the same server, at most 7, that are asked in this order when one refuses, is filtered, "
				"fails in all attempts, or is not there."},
	{.name = "temperature",
		.type = OPT_REAL,
		AT(temperature),
		.flags = OPTION_SHAPES,
		.dflt = "-1",
		.min = -1,
		.max = 2,
		.help = "Sampling temperature, unless a stage's question has its own. -1: not sent, the server's default."},
	{.name = "top_p",
		.type = OPT_REAL,
		AT(top_p),
		.flags = OPTION_SHAPES,
		.dflt = "-1",
		.min = -1,
		.max = 1,
		.help = "Nucleus sampling. -1: not sent, the server's default."},
	{.name = "max_tokens",
		.type = OPT_INT,
		AT(max_tokens),
		.flags = OPTION_SHAPES,
		.dflt = "4096",
		.min = 0,
		.max = 1000000,
		.unit = "tokens",
		.help =
			"Most tokens of an answer (with most servers its thinking counts too). 0: not sent, the server's default."},
	{.name = "stop",
		.type = OPT_STRINGS,
		AT(stop),
		.flags = OPTION_SHAPES,
		.help =
			"Texts at which the server ends an answer, for models that run on; many servers take 4 at most. None: not "
			"sent."},
	{.name = "extra",
		.type = OPT_MAP,
		AT(extra),
		.flags = OPTION_SHAPES,
		.help = "More members of the request's body, as in enable_thinking: false. A dot is an object within: "
				"chat_template_kwargs.enable_thinking: false."},
	{.name = "json_mode",
		.type = OPT_CHOICE,
		AT(json_mode),
		.dflt = "auto",
		.choices = json_modes,
		.help = "How JSON is asked for besides the prompt. auto: json_schema, and when the server refuses it "
				"json_object, then nothing, for the rest of the run."},
	{.name = "send_seed",
		.type = OPT_BOOL,
		AT(send_seed),
		.dflt = "true",
		.help = "Send a seed with each request; false for servers that refuse it."},
	{.name = "draws",
		.type = OPT_INT,
		AT(draws),
		.dflt = "3",
		.min = 1,
		.max = 100,
		.help = "How many answers to one question are asked for, at most, until one will do."},
	{.name = "repair",
		.type = OPT_BOOL,
		AT(repair),
		.dflt = "false",
		.help = "After JSON that will not do, one more request that shows it and says what is wrong."},
	{.name = "requests_per_min",
		.type = OPT_INT,
		AT(requests_per_min),
		.dflt = "0",
		.min = 0,
		.max = 10000000,
		.help = "The account's allowance of requests a minute (RPM). 0: none known."},
	{.name = "tokens_per_min",
		.type = OPT_INT,
		AT(tokens_per_min),
		.dflt = "0",
		.min = 0,
		.max = 1000000000000,
		.help = "The account's allowance of tokens a minute, both ways (TPM). 0: none known."},
	{.name = "in_flight",
		.type = OPT_INT,
		AT(in_flight),
		.dflt = "64",
		.min = 1,
		.max = 10000,
		.help = "Most requests at the same time; fewer while the server shows that it is too many."},
	{.name = "attempts",
		.type = OPT_INT,
		AT(attempts),
		.dflt = "8",
		.min = 1,
		.max = 100,
		.help = "How often one request is sent, at most, when it fails in a way that may pass."},
	{.name = "connect_timeout_s",
		.type = OPT_INT,
		AT(connect_timeout_s),
		.dflt = "10",
		.min = 1,
		.max = 600,
		.unit = "s",
		.help = "Longest wait for a connection."},
	{.name = "timeout_s",
		.type = OPT_INT,
		AT(timeout_s),
		.dflt = "180",
		.min = 1,
		.max = 7200,
		.unit = "s",
		.help = "Longest time of one request, all in all. Thinking models and servers with a queue need more."},
	{.name = "stall_s",
		.type = OPT_INT,
		AT(stall_s),
		.dflt = "60",
		.min = 0,
		.max = 7200,
		.unit = "s",
		.help = "Give up when a reply has begun and no more of it comes for so long; the silence before its first byte "
				"does not count. 0: never."},
	{.name = "reply_max_kb",
		.type = OPT_INT,
		AT(reply_max_kb),
		.dflt = "4096",
		.min = 16,
		.max = 65536,
		.unit = "KiB",
		.help = "Longest reply, unpacked."},
	{.name = "price_in",
		.type = OPT_REAL,
		AT(price_in),
		.dflt = "0",
		.min = 0,
		.max = 1000000,
		.help = "Price of a million tokens that are sent, in your currency: for estimates, max_cost and the summary."},
	{.name = "price_out",
		.type = OPT_REAL,
		AT(price_out),
		.dflt = "0",
		.min = 0,
		.max = 1000000,
		.help = "Price of a million tokens of answers."},
	{.name = "patience_s",
		.type = OPT_INT,
		AT(patience_s),
		.dflt = "600",
		.max = 604800,
		.unit = "s",
		.help = "How long a server may be down, or ask to wait, before its stages stop. 0: for ever."},
};
#undef AT

const struct provider_ops provider_openai = {
	.kind = "openai",
	.help = "Any server with the OpenAI chat API: SiliconFlow, DeepSeek, vLLM, llama.cpp and others. See "
			"docs/providers.md.",
	.serves = PROVIDER_LLM,
	.version = 1,
	.params_size = sizeof(struct openai_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.ready = ready,
	.doubts = doubts,
	.account = config_of,
	.asking = asking,
	.ask = openai_ask,
	.probe = openai_probe,
};
