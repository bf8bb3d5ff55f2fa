/* What servers mean by their errors. There is one API and as many ways to fail as there are providers, so the table
 * below is data: what each is known to send, from its public documentation of error codes and from what its users
 * report. First match wins; what no row knows is judged by its status alone. */
#include "provider/openai.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum where {
	CODE, /* the error's code, type or inner code is this, letters large or small */
	HEAD, /* one of them begins so */
	SAID  /* its message holds this */
};
struct rule {
	int status; /* 0: any */
	enum where where;
	const char *text;
	enum openai_means means;
};

static const struct rule rules[] = {
	/* Filters. Status 400 nearly everywhere; it does not matter. */
	{0, CODE, "content_filter", OPENAI_FILTERED},               /* Azure; Moonshot as type */
	{0, CODE, "ResponsibleAIPolicyViolation", OPENAI_FILTERED}, /* Azure, innererror */
	{0, CODE, "content_policy_violation", OPENAI_FILTERED},
	{0, CODE, "moderation_blocked", OPENAI_FILTERED},
	{0, CODE, "data_inspection_failed", OPENAI_FILTERED}, /* Alibaba */
	{0, CODE, "DataInspectionFailed", OPENAI_FILTERED},
	{0, CODE, "1301", OPENAI_FILTERED},   /* Zhipu */
	{200, CODE, "1026", OPENAI_FILTERED}, /* MiniMax: the prompt, the answer */
	{200, CODE, "1027", OPENAI_FILTERED},
	{0, HEAD, "SensitiveContentDetected", OPENAI_FILTERED}, /* Volcengine */
	{0, HEAD, "InputTextSensitiveContentDetected", OPENAI_FILTERED},
	{0, HEAD, "OutputTextSensitiveContentDetected", OPENAI_FILTERED},
	{0, HEAD, "InputTextRiskDetection", OPENAI_FILTERED},
	{0, HEAD, "OutputTextRiskDetection", OPENAI_FILTERED},
	{0, CODE, "safety_check_failed", OPENAI_FILTERED},
	{0, CODE, "sensitive_word_detected", OPENAI_FILTERED}, /* new-api gateways: 403, 500 */
	{0, CODE, "local:sensitive_words", OPENAI_FILTERED},
	{0, SAID, "sensitive words detected", OPENAI_FILTERED},
	{0, SAID, "content exists risk", OPENAI_FILTERED}, /* DeepSeek: 400 invalid_request_error */
	{0, SAID, "considered high risk", OPENAI_FILTERED},
	{0, SAID, "inappropriate content", OPENAI_FILTERED},
	{0, SAID, "datainspectionfailed", OPENAI_FILTERED},
	{0, SAID, "content management policy", OPENAI_FILTERED},
	{0, SAID, "for safety reasons", OPENAI_FILTERED}, /* OpenAI: invalid_prompt */
	{0, SAID, "input was flagged", OPENAI_FILTERED},  /* OpenRouter: 403 */
	{0, SAID, "不安全或敏感内容", OPENAI_FILTERED},
	{0, SAID, "敏感内容", OPENAI_FILTERED},
	{0, SAID, "敏感信息", OPENAI_FILTERED},
	{451, SAID, "", OPENAI_FILTERED}, /* unavailable for legal reasons */
	/* Alibaba says "insufficient_quota" and "exceeded your current quota" of tokens a minute, too: only a free
	 * allowance that is used up is for good. */
	{0, SAID, "free allocated quota exceeded", OPENAI_ACCOUNT},
	{0, SAID, "free tier of the model has been exhausted", OPENAI_ACCOUNT},
	{0, HEAD, "AllocationQuota.FreeTierOnly", OPENAI_ACCOUNT},
	{429, SAID, "allocated quota exceeded", OPENAI_LIMITED},
	{429, SAID, "aliyun.com", OPENAI_LIMITED},
	{429, SAID, "alibabacloud.com", OPENAI_LIMITED},
	/* Money, and accounts that are closed. */
	{0, CODE, "insufficient_quota", OPENAI_ACCOUNT},
	{0, CODE, "exceeded_current_quota_error", OPENAI_ACCOUNT}, /* Moonshot: 429, 403 */
	{0, CODE, "insufficient_user_quota", OPENAI_ACCOUNT},      /* one-api and its kin */
	{0, CODE, "insufficient_balance", OPENAI_ACCOUNT},
	{0, CODE, "billing_not_active", OPENAI_ACCOUNT},
	{0, CODE, "billing_hard_limit_reached", OPENAI_ACCOUNT},
	{0, CODE, "account_deactivated", OPENAI_ACCOUNT},
	{0, CODE, "access_terminated_error", OPENAI_ACCOUNT},
	{0, CODE, "invalid_api_key", OPENAI_ACCOUNT},
	{0, CODE, "Arrearage", OPENAI_ACCOUNT},           /* Alibaba: 400 */
	{0, CODE, "AccountOverdueError", OPENAI_ACCOUNT}, /* Volcengine: 403 */
	{403, CODE, "30001", OPENAI_ACCOUNT},             /* SiliconFlow: balance */
	{429, CODE, "1110", OPENAI_ACCOUNT},              /* Zhipu: inactive, not there, locked, in debt, in breach */
	{429, CODE, "1111", OPENAI_ACCOUNT},
	{429, CODE, "1112", OPENAI_ACCOUNT},
	{429, CODE, "1113", OPENAI_ACCOUNT},
	{429, CODE, "1121", OPENAI_ACCOUNT},
	{429, CODE, "1304", OPENAI_ACCOUNT}, /* today's, this period's, this week's allowance is used up; the plan has ended */
	{429, CODE, "1308", OPENAI_ACCOUNT},
	{429, CODE, "1309", OPENAI_ACCOUNT},
	{429, CODE, "1310", OPENAI_ACCOUNT},
	{429, SAID, "rpd limit reached", OPENAI_ACCOUNT}, /* SiliconFlow: today's requests, tokens */
	{429, SAID, "tpd limit reached", OPENAI_ACCOUNT},
	{200, CODE, "1008", OPENAI_ACCOUNT}, /* MiniMax: balance, key */
	{200, CODE, "1004", OPENAI_ACCOUNT},
	{200, CODE, "2049", OPENAI_ACCOUNT},
	{0, SAID, "insufficient balance", OPENAI_ACCOUNT},
	{0, SAID, "balance is insufficient", OPENAI_ACCOUNT},
	{0, SAID, "balance is not enough", OPENAI_ACCOUNT},
	{0, SAID, "not enough balance", OPENAI_ACCOUNT},
	{0, SAID, "plan and billing details", OPENAI_ACCOUNT},
	{0, SAID, "overdue balance", OPENAI_ACCOUNT},
	{0, SAID, "account is in good standing", OPENAI_ACCOUNT},
	{0, SAID, "余额不足", OPENAI_ACCOUNT},
	{0, SAID, "余额已用完", OPENAI_ACCOUNT},
	{0, SAID, "额度不足", OPENAI_ACCOUNT},
	{0, SAID, "欠费", OPENAI_ACCOUNT},
	/* Limits that come under another status. */
	{200, CODE, "1002", OPENAI_LIMITED}, /* MiniMax: requests, tokens a minute */
	{200, CODE, "1039", OPENAI_LIMITED},
	{0, CODE, "rate_limit_exceeded", OPENAI_LIMITED},
	{0, CODE, "rate_limit_reached_error", OPENAI_LIMITED},
	{0, CODE, "engine_overloaded_error", OPENAI_LIMITED}, /* Moonshot: 429 */
	/* Models that are not there (or not for this account). */
	{0, CODE, "model_not_found", OPENAI_NO_MODEL},
	{0, CODE, "ModelNotFound", OPENAI_NO_MODEL},
	{0, HEAD, "InvalidEndpointOrModel", OPENAI_NO_MODEL}, /* Volcengine: 404 */
	{0, CODE, "ModelNotOpen", OPENAI_NO_MODEL},
	{400, CODE, "20012", OPENAI_NO_MODEL},         /* SiliconFlow */
	{403, CODE, "30003", OPENAI_NO_MODEL},         /* SiliconFlow: model disabled */
	{400, CODE, "1211", OPENAI_NO_MODEL},          /* Zhipu */
	{0, SAID, "model not exist", OPENAI_NO_MODEL}, /* DeepSeek: 400 */
	{0, SAID, "model does not exist", OPENAI_NO_MODEL},
	{0, SAID, "model disabled", OPENAI_NO_MODEL},
	{0, SAID, "模型不存在", OPENAI_NO_MODEL},
};

/* Statuses, after the rows above. */
static enum openai_means by_status(int status)
{
	switch (status) {
	case 401: /* key */
	case 402: /* money */
	case 403: /* no permission, no named content */
	case 404: /* no such route: base_url is wrong */
	case 405:
	case 407: /* the proxy wants a password */
	case 410:
		return OPENAI_ACCOUNT;
	case 429:
		return OPENAI_LIMITED;
	case 408:
	case 409:
	case 425:
		return OPENAI_TROUBLED;
	default:
		break;
	}
	if (status >= 300 && status < 400)
		return OPENAI_ACCOUNT; /* redirects are not followed: base_url should name the place itself */
	return status >= 400 && status < 500 ? OPENAI_BAD_REQUEST : OPENAI_TROUBLED;
}

static bool same(struct str s, const char *text)
{
	return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

static bool begins(struct str s, const char *text)
{
	size_t n = strlen(text);
	return s.n >= n && strncasecmp(s.p, text, n) == 0;
}

static bool says(struct str s, const char *text)
{
	size_t n = strlen(text);
	for (size_t i = 0; i + n <= s.n; i++)
		if (strncasecmp(s.p + i, text, n) == 0)
			return true;
	return false;
}

/* "The model `x` does not exist", "model x not found": vLLM, OpenAI, llama.cpp, Alibaba; any status but those of the load. */
static bool no_model(const struct openai_error *e)
{
	bool status = e->status == 400 || e->status == 403 || e->status == 404 || e->status == 422;
	return status && says(e->message, "model") &&
		   (says(e->message, "does not exist") || says(e->message, "not found") || says(e->message, "not exist"));
}

enum openai_means openai_classify(const struct openai_error *e)
{
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		const struct rule *r = &rules[i];
		if (r->status && r->status != e->status)
			continue;
		const struct str codes[] = {e->code, e->type, e->inner};
		bool hit = r->where == SAID && says(e->message, r->text);
		for (size_t k = 0; k < COUNT_OF(codes) && r->where != SAID; k++)
			hit = hit || (r->where == CODE ? same(codes[k], r->text) : begins(codes[k], r->text));
		if (hit)
			return r->means;
	}
	return no_model(e) ? OPENAI_NO_MODEL : by_status(e->status);
}

/* --- Finding the error in a body --- */

/* A text, or a number as text: codes come as either. */
static struct str text_of(struct arena *a, const struct json *v)
{
	if (!v)
		return STR("");
	if (v->kind == JSON_STRING)
		return v->u.s;
	return v->kind == JSON_INT ? str_of(arena_printf(a, "%lld", (long long)v->u.i)) : STR("");
}

static struct str first_of(struct arena *a, const struct json *v, const char *const *names)
{
	struct str s = STR("");
	for (size_t i = 0; names[i] && !s.n; i++)
		s = text_of(a, json_get(v, names[i]));
	return s;
}

/* {"detail": "…"} or {"detail": [{loc, msg}]}: servers in FastAPI. Anything that is no text is shown as JSON. */
static struct str detail(struct arena *a, const struct json *v)
{
	if (!v || json_is(v, JSON_STRING) || json_is(v, JSON_NULL))
		return text_of(a, v);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, v);
	return arena_str(a, buf_view(&b));
}

static void read_object(struct arena *a, const struct json *v, struct openai_error *ret)
{
	static const char *const codes[] = {"code", "error_code", "status_code", NULL};
	static const char *const messages[] = {"message", "msg", "error_msg", "status_msg", NULL};
	ret->code = first_of(a, v, codes);
	ret->type = text_of(a, json_get(v, "type"));
	ret->inner = text_of(a, json_path(v, "innererror.code"));
	ret->message = first_of(a, v, messages);
	struct str raw = text_of(a, json_path(v, "metadata.raw")); /* a gateway that passes on what its own provider said */
	if (raw.n)
		ret->message = str_of(arena_printf(a, "%.*s: %.*s", STR_FMT(ret->message), STR_FMT(raw)));
	int64_t own;
	if (ret->status == 200 && str_int(ret->code, &own) && own >= 400 && own < 600)
		ret->status = (int)own;
	if (ret->status == 200 && same(ret->type, "invalid_request_error"))
		ret->status = 400;
}

/* {"error": {}}, "" or {"code": 0, "message": ""}: gateways that fill in all members of a reply. Beside an answer it is none. */
static bool says_nothing(const struct json *error)
{
	if (json_is(error, JSON_STRING))
		return str_trim(error->u.s).n == 0;
	JSON_EACH(m, error) {
		bool none = json_is(m, JSON_NULL) || (json_is(m, JSON_STRING) && !m->u.s.n) ||
					(json_is(m, JSON_INT) && !m->u.i) || (json_is(m, JSON_BOOL) && !m->u.b);
		if (!none)
			return false;
	}
	return true;
}

bool openai_error_of(struct arena *a, const struct json *body, int status, struct openai_error *ret)
{
	const struct json *error = json_get(body, "error"), *base = json_get(body, "base_resp"); /* MiniMax */
	*ret = (struct openai_error){.status = status};
	if (status == 200 && json_count(json_get(body, "choices")) && says_nothing(error))
		error = NULL;
	if (json_is(body, JSON_STRING)) {
		ret->message = body->u.s;
		return true;
	}
	if (json_is(error, JSON_OBJECT)) {
		read_object(a, error, ret);
		return true;
	}
	if (json_is(error, JSON_STRING)) {
		read_object(a, body, ret);
		if (!ret->message.n)
			ret->message = error->u.s;
		return true;
	}
	if (json_get_int(base, "status_code", 0) != 0) {
		read_object(a, base, ret);
		return true;
	}
	if (json_get(body, "choices") || !json_is(body, JSON_OBJECT))
		return false;
	read_object(a, body, ret); /* SiliconFlow, vLLM before 0.10: the body is the error */
	if (!ret->message.n)
		ret->message = detail(a, json_get(body, "detail"));
	return ret->message.n > 0 || ret->code.n > 0;
}

/* --- Words --- */

/* Length of what looks like a key at the front of `s`: some servers repeat the one they refuse. */
static size_t secret_at(struct str s)
{
	if (!str_starts(s, "sk-") && !begins(s, "bearer "))
		return 0;
	size_t n = begins(s, "bearer ") ? 7 : 3;
	while (n < s.n && (unsigned char)s.p[n] > ' ' && !strchr("\"',;)}]", s.p[n]) && (unsigned char)s.p[n] < 0x80)
		n++;
	return n;
}

struct str openai_words(struct arena *a, struct str text, struct str key)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT_MAX(4 * OPENAI_WORDS);
	struct str rest = str_trim(text);
	uint32_t cp;
	bool blank = false, inside = false; /* a word: "task-1" holds no key */
	while (rest.n && b.len < OPENAI_WORDS) {
		char bytes[4] = "***";
		size_t n = 3;
		size_t secret = key.n && rest.n >= key.n && memcmp(rest.p, key.p, key.n) == 0 ? key.n : 0;
		if (!secret && !inside)
			secret = secret_at(rest);
		if (secret) {
			rest = str_n(rest.p + secret, rest.n - secret);
			inside = false;
		} else {
			utf8_next(&rest, &cp);
			inside = cp < 0x80 && isalnum((int)cp);
			if (cp < ' ' || (cp >= 0x7f && cp < 0xa0) || utf8_is_space(cp)) {
				blank = b.len > 0;
				continue;
			}
			n = utf8_put(cp, bytes);
		}
		if (blank)
			buf_putc(&b, ' ');
		blank = false;
		buf_add(&b, bytes, n);
	}
	struct str shown = utf8_clip(buf_view(&b), OPENAI_WORDS);
	return rest.n ? str_of(arena_printf(a, "%.*s…", STR_FMT(shown))) : arena_str(a, shown);
}
