#include "tests/servers/common/switches.h"

#include "tests/servers/common/mix.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define X(name, option, help) [CARRIED_##name] = (option),
const char *const carried_names[CARRIED_COUNT] = {CARRIED_LIST(X)};
#undef X
#define AT(member) offsetof(struct switches, member)

/* Those that every server has. */
static const struct switch_entry shared[] = {
	{"latency", "MS | MIN-MAX | lognormal:MEDIAN,SIGMA", "time before a reply", SWITCH_LATENCY, 0, 0, 0},
	{"rpm", "N", "requests a minute; more get 429", SWITCH_WHOLE, AT(rpm), 0, 1e9},
	{"window", "fixed | sliding | bucket[:SECONDS]",
		"how a minute is counted; SECONDS of allowance fit the bucket (60)", SWITCH_WINDOW, 0, 0, 0},
	{"minute", "MS", "length of a \"minute\" of the limits (60000); tests make it short", SWITCH_WHOLE, AT(minute_ms),
		100, 3600000},
	{"concurrency", "N", "requests at once; more get 429", SWITCH_WHOLE, AT(concurrency), 0, 1e6},
	{"quota-after", "N", "after N admitted requests all get 429 insufficient_quota", SWITCH_WHOLE, AT(quota_after), 0,
		1e12},
	{"fail-status", "CODE=P[,CODE=P…]", "error replies of these statuses, percent each", SWITCH_STATUSES, 0, 0, 0},
#define X(name, option, help) \
	{option, "P", help, SWITCH_PERCENT, AT(carried) + CARRIED_##name * sizeof(double), 0, 100},
	CARRIED_LIST(X)
#undef X
		{"drip-rate", "N", "bytes a second of a dripping body (5)", SWITCH_WHOLE, AT(drip_rate), 1, 1000000},
	{"auth", "KEY", "401 for requests without this bearer key", SWITCH_WORDS, AT(auth), 0, 0},
	{"models", "NAME[,NAME…]", "404 for other models", SWITCH_WORDS, AT(models), 0, 0},
	{"down-from", "SECONDS", "connections are refused from then on, counted from now", SWITCH_REAL, AT(down_from_s), 0,
		1e6},
	{"down-for", "SECONDS", "… for so long", SWITCH_REAL, AT(down_for_s), 0, 1e6},
};

void switches_init(const struct switch_set *set, struct switches *s)
{
	memcpy(s, set->plain, set->size);
}

/* The nth of all: shared ones, what the engine does, the server's own. False behind the last. */
static bool entry_at(const struct switch_set *set, size_t n, struct switch_entry *ret)
{
	if (n < COUNT_OF(shared)) {
		*ret = shared[n];
		return true;
	}
	n -= COUNT_OF(shared);
	size_t answered = set->nanswered > 0 ? (size_t)set->nanswered - 1 : 0;
	if (n < answered) {
		const struct switch_answered *x = &set->answered[n + 1];
		*ret = (struct switch_entry){
			x->name, "P", x->help, SWITCH_PERCENT, AT(answered) + (n + 1) * sizeof(double), 0, 100};
		return true;
	}
	n -= answered;
	if (n < set->nown)
		*ret = set->own[n];
	return n < set->nown;
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

static int set_shares(const struct switch_set *set, double *to, const char *option, struct str v, struct err *e)
{
	struct str piece, name;
	memset(to, 0, (size_t)set->nshares * sizeof(*to));
	while (v.n && str_split(&v, ',', &piece)) {
		double p = 0;
		int i = 0;
		bool good = str_split(&piece, '=', &name) && piece.p && str_real(piece, &p) && p >= 0 && p <= 100;
		while (i < set->nshares && !str_is(name, set->shares[i]))
			i++;
		if (!good || (i == set->nshares && !str_is(name, "all")))
			return wants(e, option, "NAME=PERCENT, with commas between; see --help for the names (all=1 for each)");
		for (int k = 0; k < set->nshares; k++)
			if (k == i || i == set->nshares)
				to[k] = p;
	}
	return 0;
}

/* `words`: "alone | temperature". */
static bool choice_of(const char *words, struct str v, int *ret)
{
	struct str rest = str_of(words), word;
	int n = 0;
	while (v.n && str_split(&rest, '|', &word)) {
		n++;
		if (str_eq(str_trim(word), v)) {
			*ret = n;
			return true;
		}
	}
	if (v.n == 0)
		*ret = 0;
	return v.n == 0;
}

static struct json *choice_json(struct arena *a, const char *words, int n)
{
	struct str rest = str_of(words), word = STR("");
	while (n-- > 0)
		str_split(&rest, '|', &word);
	word = str_trim(word);
	return json_text(a, arena_printf(a, "%.*s", STR_FMT(word)));
}

static int set_plain(struct switches *s, const struct switch_entry *t, struct str v, struct err *e)
{
	void *at = (char *)s + t->offset;
	int64_t i = 0;
	double d = 0;
	switch (t->type) {
	case SWITCH_FLAG:
		if (!str_is(v, "true") && !str_is(v, "false"))
			return wants(e, t->name, "no value, true or false");
		*(bool *)at = str_is(v, "true");
		return 0;
	case SWITCH_WHOLE:
		if (!str_int(v, &i) || (double)i < t->min || (double)i > t->max)
			return err_set(e, ERR_USAGE, "--%s wants a whole number from %.0f to %.0f", t->name, t->min, t->max);
		*(int64_t *)at = i;
		return 0;
	case SWITCH_WORDS:
		if (v.n >= WORDS_MAX)
			return err_set(e, ERR_USAGE, "--%s is too long", t->name);
		memcpy(at, v.p, v.n);
		((char *)at)[v.n] = '\0';
		return 0;
	case SWITCH_CHOICE:
		if (!choice_of(t->value, v, at))
			return err_set(e, ERR_USAGE, "--%s wants %s, or nothing", t->name, t->value);
		return 0;
	default:
		if (!str_real(v, &d) || !(d >= t->min && d <= t->max))
			return err_set(e, ERR_USAGE, "--%s wants a number from %.0f to %.0f", t->name, t->min, t->max);
		*(double *)at = d;
		return 0;
	}
}

static bool find(const struct switch_set *set, struct str name, struct switch_entry *ret)
{
	for (size_t i = 0; entry_at(set, i, ret); i++)
		if (ret->help && str_is(name, ret->name))
			return true;
	return false;
}

/* Percentages of one draw lie end to end: together they are at most everything. */
static int check_sums(const struct switches *s, struct err *e)
{
	double carried = 0, answered = 0;
	for (int i = 0; i < CARRIED_COUNT; i++)
		carried += s->carried[i];
	for (int i = 0; i < ANSWERED_MAX; i++)
		answered += s->answered[i];
	if (carried > 100.0001 || answered > 100.0001)
		return err_set(e, ERR_USAGE, "failures add up to %.4g percent of the requests; at most 100 can fail",
			carried > answered ? carried : answered);
	return 0;
}

static int set_one(const struct switch_set *set, struct switches *s, struct str name, const char *value, struct err *e)
{
	struct switch_entry t;
	if (!find(set, name, &t))
		return err_set(e, ERR_USAGE, "there is no switch --%.*s; see --help", STR_FMT(name));
	if (!value && t.type != SWITCH_FLAG)
		return err_set(e, ERR_USAGE, "--%s wants a value: %s", t.name, t.value);
	struct str v = str_of(value ? value : "true");
	return t.type == SWITCH_LATENCY    ? set_latency(s, v, e)
		   : t.type == SWITCH_WINDOW   ? set_window(s, v, e)
		   : t.type == SWITCH_STATUSES ? set_statuses(s, v, e)
		   : t.type == SWITCH_SHARES   ? set_shares(set, (double *)(void *)((char *)s + t.offset), t.name, v, e)
									   : set_plain(s, &t, v, e);
}

static struct switches *copy_of(const struct switch_set *set, const struct switches *s)
{
	struct switches *copy = xmalloc(set->size);
	memcpy(copy, s, set->size);
	return copy;
}

int switches_set(const struct switch_set *set, struct switches *s, struct str name, const char *value, struct err *e)
{
	CLEANUP(free_ptr) struct switches *fresh = copy_of(set, s);
	int rc = set_one(set, fresh, name, value, e);
	if (rc == 0)
		rc = check_sums(fresh, e);
	if (rc == 0)
		memcpy(s, fresh, set->size);
	return rc;
}

int switches_set_json(const struct switch_set *set, struct switches *s, const struct json *change, struct err *e)
{
	CLEANUP(free_ptr) struct switches *fresh = copy_of(set, s);
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
		int rc = set_one(set, fresh, v->key, b.data, e);
		if (rc < 0)
			return rc;
	}
	int rc = check_sums(fresh, e);
	if (rc == 0)
		memcpy(s, fresh, set->size);
	return rc;
}

bool switches_known(const struct switch_set *set, struct str name, bool *ret_takes_value)
{
	struct switch_entry t;
	bool known = find(set, name, &t);
	if (known)
		*ret_takes_value = t.type != SWITCH_FLAG;
	return known;
}

/* ---- Showing ---- */

void switches_help(const struct switch_set *set, FILE *out)
{
	struct switch_entry t;
	for (size_t i = 0; entry_at(set, i, &t); i++) {
		char left[96];
		if (!t.help)
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", t.name, t.value ? " " : "", t.value ? t.value : "");
		fprintf(out, "  %-34s%s%s%s\n", left, strlen(left) > 33 ? "\n                                    " : "", t.help,
			t.type == SWITCH_PERCENT ? ", in P percent" : "");
	}
	for (int i = 0; i < set->nshares; i++)
		fprintf(out, "%s%s", i == 0 ? "\nNAMEs of --misbehave:\n  " : i % 6 ? ", " : "\n  ", set->shares[i]);
	fprintf(out, "%s", set->nshares ? "; all\n" : "");
}

static struct json *number(struct arena *a, double d)
{
	return d == floor(d) ? json_int(a, (int64_t)d) : json_real(a, d);
}

static void show_shares(const struct switch_set *set, struct arena *a, const double *v, const char *name, struct json *ret)
{
	struct json *shares = json_object(a);
	for (int i = 0; i < set->nshares; i++)
		if (v[i] > 0)
			json_set(a, shares, set->shares[i], number(a, v[i]));
	if (json_count(shares))
		json_set(a, ret, name, shares);
}

static void show_lists(struct arena *a, const struct switches *s, struct json *ret)
{
	struct json *statuses = json_object(a);
	for (int i = 0; i < s->nstatuses; i++)
		json_set(a, statuses, arena_printf(a, "%d", s->statuses[i].status), number(a, s->statuses[i].percent));
	if (s->nstatuses)
		json_set(a, ret, "fail-status", statuses);
	json_set_text(a, ret, "latency",
		arena_printf(a, s->latency == LATENCY_LOGNORMAL ? "lognormal:%g,%g" : "%g-%g", s->latency_a, s->latency_b));
	static const char *const windows[] = {"fixed", "sliding", "bucket"};
	json_set_text(
		a, ret, "window", s->window == WINDOW_BUCKET ? arena_printf(a, "bucket:%g", s->bucket_s) : windows[s->window]);
}

struct json *switches_json(const struct switch_set *set, struct arena *a, const struct switches *s)
{
	struct json *ret = json_object(a);
	struct switch_entry t;
	for (size_t i = 0; entry_at(set, i, &t); i++) {
		const void *at = (const char *)s + t.offset, *was = (const char *)set->plain + t.offset;
		if (!t.help)
			continue;
		if (t.type == SWITCH_FLAG && *(const bool *)at)
			json_set(a, ret, t.name, json_bool(a, true));
		else if (t.type == SWITCH_WHOLE && *(const int64_t *)at != *(const int64_t *)was)
			json_set_int(a, ret, t.name, *(const int64_t *)at);
		else if ((t.type == SWITCH_PERCENT || t.type == SWITCH_REAL) && *(const double *)at > 0)
			json_set(a, ret, t.name, number(a, *(const double *)at));
		else if (t.type == SWITCH_WORDS && *(const char *)at) /* a key is not shown */
			json_set_text(a, ret, t.name, at == s->auth ? "set" : (const char *)at);
		else if (t.type == SWITCH_CHOICE && *(const int *)at)
			json_set(a, ret, t.name, choice_json(a, t.value, *(const int *)at));
		else if (t.type == SWITCH_SHARES)
			show_shares(set, a, at, t.name, ret);
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

int switches_answered(const struct switch_set *set, const struct switches *s, uint64_t key)
{
	double at = mix_unit(key, "answered", 0) * 100;
	for (int i = 1; i < set->nanswered; i++)
		if ((at -= s->answered[i]) < 0)
			return i;
	return 0;
}

bool switches_named(const char *list, struct str name)
{
	struct str rest = str_of(list), piece;
	while (str_split(&rest, ',', &piece))
		if (str_eq(str_trim(piece), name))
			return true;
	return false;
}
