#include "tests/servers/llm/switches.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define X(name, option, help) [CARRIED_##name] = (option),
const char *const carried_names[CARRIED_COUNT] = {CARRIED_LIST(X)};
#undef X
#define X(name, option, help) [ANSWERED_##name] = (option),
const char *const answered_names[ANSWERED_COUNT] = {ANSWERED_LIST(X)};
#undef X
#define X(name, option) [MISBEHAVE_##name] = (option),
const char *const misbehave_names[MISBEHAVE_COUNT] = {MISBEHAVE_LIST(X)};
#undef X

enum type { FLAG, WHOLE, REAL, PERCENT, WORDS, LATENCY, WINDOW, STATUSES, MISBEHAVE };
struct entry {
	const char *name, *value, *help;
	enum type type;
	size_t offset;
	double min, max;
};
#define AT(member) offsetof(struct switches, member)

static const struct entry entries[] = {
	{"latency", "MS | MIN-MAX | lognormal:MEDIAN,SIGMA", "time before a reply", LATENCY, 0, 0, 0},
	{"rpm", "N", "requests a minute; more get 429", WHOLE, AT(rpm), 0, 1e9},
	{"tpm", "N", "tokens a minute; more get 429", WHOLE, AT(tpm), 0, 1e12},
	{"window", "fixed | sliding | bucket[:SECONDS]",
		"how a minute is counted; SECONDS of allowance fit the bucket (60)", WINDOW, 0, 0, 0},
	{"reserve", NULL, "max_tokens count when a request is let in, and are corrected after", FLAG, AT(reserve), 0, 0},
	{"minute", "MS", "length of a \"minute\" of the limits (60000); tests make it short", WHOLE, AT(minute_ms), 100,
		3600000},
	{"concurrency", "N", "requests at once; more get 429", WHOLE, AT(concurrency), 0, 1e6},
	{"quota-after", "N", "after N admitted requests all get 429 insufficient_quota", WHOLE, AT(quota_after), 0, 1e12},
	{"fail-status", "CODE=P[,CODE=P…]", "error replies of these statuses, percent each", STATUSES, 0, 0, 0},
#define X(name, option, help) {option, "P", help, PERCENT, AT(carried) + CARRIED_##name * sizeof(double), 0, 100},
	CARRIED_LIST(X)
#undef X
#define X(name, option, help) {option, "P", help, PERCENT, AT(answered) + ANSWERED_##name * sizeof(double), 0, 100},
		ANSWERED_LIST(X)
#undef X
			{"drip-rate", "N", "bytes a second of a dripping body (5)", WHOLE, AT(drip_rate), 1, 1000000},
	{"long-bytes", "N", "size of an over-long answer (65536)", WHOLE, AT(long_bytes), 1, 64 << 20},
	{"auth", "KEY", "401 for requests without this bearer key", WORDS, AT(auth), 0, 0},
	{"models", "NAME[,NAME…]", "404 for other models", WORDS, AT(models), 0, 0},
	{"down-from", "SECONDS", "connections are refused from then on, counted from now", REAL, AT(down_from_s), 0, 1e6},
	{"down-for", "SECONDS", "… for so long", REAL, AT(down_for_s), 0, 1e6},
	{"no-response-format", NULL, "400 when a json_schema is asked for", FLAG, AT(no_response_format), 0, 0},
	{"no-json-mode", NULL, "400 when any JSON response_format is asked for", FLAG, AT(no_json_mode), 0, 0},
	{"think", NULL, "answers begin with <think>…</think>", FLAG, AT(think), 0, 0},
	{"reasoning", NULL, "the thinking goes into reasoning_content", FLAG, AT(reasoning), 0, 0},
	{"fence", NULL, "JSON stands in a ```json fence with prose around", FLAG, AT(fence), 0, 0},
	{"misbehave", "NAME=P[,NAME=P…]", "agents do it in P percent of their answers; names below", MISBEHAVE, 0, 0, 0},
};

void switches_init(struct switches *s)
{
	*s = (struct switches){
		.window = WINDOW_FIXED, .bucket_s = 60, .minute_ms = 60000, .drip_rate = 5, .long_bytes = 65536};
}

/* ---- Values ---- */

static int wants(struct err *e, const char *name, const char *what)
{
	return err_set(e, ERR_USAGE, "--%s wants %s", name, what);
}

static int set_latency(struct switches *s, struct str v, struct err *e)
{
	struct str rest = v, first = v;
	double a = 0, b = 0;
	enum latency_kind kind = LATENCY_BETWEEN;
	bool good;
	if (str_starts(v, "lognormal:")) {
		kind = LATENCY_LOGNORMAL;
		rest = str_n(v.p + 10, v.n - 10);
		good = str_split(&rest, ',', &first) && str_real(first, &a) && str_real(rest, &b) && a > 0 && b >= 0 && b <= 5;
	} else {
		good = str_split(&rest, '-', &first) && str_real(first, &a);
		b = a;
		good = good && (!rest.p || str_real(rest, &b)) && a >= 0 && b >= a && b <= 3600000;
	}
	if (!good)
		return wants(e, "latency", "milliseconds (50), a range (50-2000) or lognormal:MEDIAN,SIGMA (lognormal:800,0.5)");
	s->latency = kind;
	s->latency_a = a;
	s->latency_b = b;
	return 0;
}

static int set_window(struct switches *s, struct str v, struct err *e)
{
	double seconds = 60;
	if (str_is(v, "fixed"))
		s->window = WINDOW_FIXED;
	else if (str_is(v, "sliding"))
		s->window = WINDOW_SLIDING;
	else if (str_is(v, "bucket") ||
			 (str_starts(v, "bucket:") && str_real(str_n(v.p + 7, v.n - 7), &seconds) && seconds > 0 && seconds <= 3600))
		s->window = WINDOW_BUCKET;
	else
		return wants(e, "window", "fixed, sliding, bucket or bucket:SECONDS");
	s->bucket_s = seconds;
	return 0;
}

static int set_statuses(struct switches *s, struct str v, struct err *e)
{
	struct switches fresh = *s;
	struct str piece, code;
	fresh.nstatuses = 0;
	fresh.carried[CARRIED_STATUS] = 0;
	while (v.n && str_split(&v, ',', &piece)) {
		int64_t status = 0;
		double p = 0;
		if (!str_split(&piece, '=', &code) || !str_int(code, &status) || !piece.p || !str_real(piece, &p) ||
			status < 400 || status > 599 || !(p >= 0 && p <= 100) || fresh.nstatuses == STATUSES_MAX)
			return wants(e, "fail-status", "CODE=PERCENT, with commas between, codes 400 to 599 (500=2,503=1)");
		fresh.statuses[fresh.nstatuses].status = (int)status;
		fresh.statuses[fresh.nstatuses++].percent = p;
		fresh.carried[CARRIED_STATUS] += p;
	}
	*s = fresh;
	return 0;
}

static int set_misbehave(struct switches *s, struct str v, struct err *e)
{
	double fresh[MISBEHAVE_COUNT] = {0};
	struct str piece, name;
	while (v.n && str_split(&v, ',', &piece)) {
		double p = 0;
		int i = 0;
		bool good = str_split(&piece, '=', &name) && piece.p && str_real(piece, &p) && p >= 0 && p <= 100;
		while (i < MISBEHAVE_COUNT && !str_is(name, misbehave_names[i]))
			i++;
		if (!good || (i == MISBEHAVE_COUNT && !str_is(name, "all")))
			return wants(e, "misbehave", "NAME=PERCENT, with commas between; see --help for the names (all=1 for each)");
		for (int k = 0; k < MISBEHAVE_COUNT; k++)
			if (k == i || i == MISBEHAVE_COUNT)
				fresh[k] = p;
	}
	memcpy(s->misbehave, fresh, sizeof(fresh));
	return 0;
}

static int set_plain(struct switches *s, const struct entry *t, struct str v, struct err *e)
{
	void *at = (char *)s + t->offset;
	int64_t i = 0;
	double d = 0;
	switch (t->type) {
	case FLAG:
		if (!str_is(v, "true") && !str_is(v, "false"))
			return wants(e, t->name, "no value, true or false");
		*(bool *)at = str_is(v, "true");
		return 0;
	case WHOLE:
		if (!str_int(v, &i) || (double)i < t->min || (double)i > t->max)
			return err_set(e, ERR_USAGE, "--%s wants a whole number from %.0f to %.0f", t->name, t->min, t->max);
		*(int64_t *)at = i;
		return 0;
	case WORDS:
		if (v.n >= WORDS_MAX)
			return err_set(e, ERR_USAGE, "--%s is too long", t->name);
		memcpy(at, v.p, v.n);
		((char *)at)[v.n] = '\0';
		return 0;
	default:
		if (!str_real(v, &d) || !(d >= t->min && d <= t->max))
			return err_set(e, ERR_USAGE, "--%s wants a number from %.0f to %.0f", t->name, t->min, t->max);
		*(double *)at = d;
		return 0;
	}
}

static const struct entry *find(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(entries); i++)
		if (entries[i].help && str_is(name, entries[i].name))
			return &entries[i];
	return NULL;
}

/* Percentages of one draw lie end to end: together they are at most everything. */
static int check_sums(const struct switches *s, struct err *e)
{
	double carried = 0, answered = 0;
	for (int i = 0; i < CARRIED_COUNT; i++)
		carried += s->carried[i];
	for (int i = 0; i < ANSWERED_COUNT; i++)
		answered += s->answered[i];
	if (carried > 100.0001 || answered > 100.0001)
		return err_set(e, ERR_USAGE, "failures add up to %.4g percent of the requests; at most 100 can fail",
			carried > answered ? carried : answered);
	return 0;
}

static int set_one(struct switches *s, struct str name, const char *value, struct err *e)
{
	const struct entry *t = find(name);
	if (!t)
		return err_set(e, ERR_USAGE, "there is no switch --%.*s; see --help", STR_FMT(name));
	if (!value && t->type != FLAG)
		return err_set(e, ERR_USAGE, "--%s wants a value: %s", t->name, t->value);
	struct str v = str_of(value ? value : "true");
	return t->type == LATENCY     ? set_latency(s, v, e)
		   : t->type == WINDOW    ? set_window(s, v, e)
		   : t->type == STATUSES  ? set_statuses(s, v, e)
		   : t->type == MISBEHAVE ? set_misbehave(s, v, e)
								  : set_plain(s, t, v, e);
}

int switches_set(struct switches *s, struct str name, const char *value, struct err *e)
{
	struct switches fresh = *s;
	int rc = set_one(&fresh, name, value, e);
	if (rc == 0)
		rc = check_sums(&fresh, e);
	if (rc == 0)
		*s = fresh;
	return rc;
}

int switches_set_json(struct switches *s, const struct json *change, struct err *e)
{
	struct switches fresh = *s;
	if (!json_is(change, JSON_OBJECT))
		return err_set(e, ERR_USAGE, "wanted is an object: {\"rpm\": 60, \"hang\": 2}");
	JSON_EACH(v, change) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		if (v->kind == JSON_STRING)
			buf_str(&b, v->u.s);
		else if (v->kind == JSON_INT || v->kind == JSON_REAL || v->kind == JSON_BOOL)
			json_write(&b, v);
		else
			return err_set(e, ERR_USAGE, "the value of %.*s must be a text, a number, true or false", STR_FMT(v->key));
		int rc = set_one(&fresh, v->key, b.data, e);
		if (rc < 0)
			return rc;
	}
	int rc = check_sums(&fresh, e);
	if (rc == 0)
		*s = fresh;
	return rc;
}

bool switches_known(struct str name, bool *ret_takes_value)
{
	const struct entry *t = find(name);
	if (t)
		*ret_takes_value = t->type != FLAG;
	return t != NULL;
}

/* ---- Showing ---- */

void switches_help(FILE *out)
{
	for (size_t i = 0; i < COUNT_OF(entries); i++) {
		const struct entry *t = &entries[i];
		char left[96];
		if (!t->help)
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", t->name, t->value ? " " : "", t->value ? t->value : "");
		fprintf(out, "  %-34s%s%s%s\n", left, strlen(left) > 33 ? "\n                                    " : "",
			t->help, t->type == PERCENT ? ", in P percent" : "");
	}
	fprintf(out, "\nNAMEs of --misbehave:");
	for (int i = 0; i < MISBEHAVE_COUNT; i++)
		fprintf(out, "%s%s", i % 6 ? ", " : "\n  ", misbehave_names[i]);
	fprintf(out, "; all\n");
}

static struct json *number(struct arena *a, double d)
{
	return d == floor(d) ? json_int(a, (int64_t)d) : json_real(a, d);
}

static void show_lists(struct arena *a, const struct switches *s, struct json *ret)
{
	struct json *statuses = json_object(a), *misbehave = json_object(a);
	for (int i = 0; i < s->nstatuses; i++)
		json_set(a, statuses, arena_printf(a, "%d", s->statuses[i].status), number(a, s->statuses[i].percent));
	for (int i = 0; i < MISBEHAVE_COUNT; i++)
		if (s->misbehave[i] > 0)
			json_set(a, misbehave, misbehave_names[i], number(a, s->misbehave[i]));
	if (s->nstatuses)
		json_set(a, ret, "fail-status", statuses);
	if (json_count(misbehave))
		json_set(a, ret, "misbehave", misbehave);
	json_set_text(a, ret, "latency",
		arena_printf(a, s->latency == LATENCY_LOGNORMAL ? "lognormal:%g,%g" : "%g-%g", s->latency_a, s->latency_b));
	static const char *const windows[] = {"fixed", "sliding", "bucket"};
	json_set_text(
		a, ret, "window", s->window == WINDOW_BUCKET ? arena_printf(a, "bucket:%g", s->bucket_s) : windows[s->window]);
}

struct json *switches_json(struct arena *a, const struct switches *s)
{
	struct switches plain;
	struct json *ret = json_object(a);
	switches_init(&plain);
	for (size_t i = 0; i < COUNT_OF(entries); i++) {
		const struct entry *t = &entries[i];
		const void *at = (const char *)s + t->offset, *was = (const char *)&plain + t->offset;
		if (!t->help)
			continue;
		if (t->type == FLAG && *(const bool *)at)
			json_set(a, ret, t->name, json_bool(a, true));
		else if (t->type == WHOLE && *(const int64_t *)at != *(const int64_t *)was)
			json_set_int(a, ret, t->name, *(const int64_t *)at);
		else if ((t->type == PERCENT || t->type == REAL) && *(const double *)at > 0)
			json_set(a, ret, t->name, number(a, *(const double *)at));
		else if (t->type == WORDS && *(const char *)at) /* a key is not shown */
			json_set_text(a, ret, t->name, t->offset == AT(auth) ? "set" : (const char *)at);
	}
	show_lists(a, s, ret);
	return ret;
}

double switches_latency(const struct switches *s, double u, double v)
{
	if (s->latency == LATENCY_BETWEEN)
		return s->latency_a + (s->latency_b - s->latency_a) * u;
	/* Box and Muller 1958: two uniform numbers make a normal one */
	double normal = sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v);
	double ms = s->latency_a * exp(s->latency_b * normal);
	return ms < 3600000 ? ms : 3600000;
}
