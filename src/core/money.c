#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/log.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>

/* Providers over the network in a run: their accounts, what is paid, and what an item takes of them. */

#define HANDS 64      /* items in hand of a stage that waits on something else than an account */
#define FILES_OWN 256 /* descriptors for the database, objects and workers; of few, a half */
#define FEW_ITEMS 5   /* fewer do not outdo what an earlier run has measured */
#define FAIR_SHARE \
	10 /* of a stage that was stopped, one in so many items must be done: those that are done first are the short, cheap ones */

static bool networked(const struct stage_run *s)
{
	const struct provider *p = s->cs->stage.provider;
	return p && (p->ops->ask || p->ops->speak);
}

const char *money_unit(const struct stage_run *s)
{
	return !networked(s) ? NULL : s->cs->stage.provider->ops->speak ? UNIT_CHARACTERS : UNIT_TOKENS;
}

static double price(double tokens_in, double tokens_out, const struct price *p)
{
	return (tokens_in * (double)p->in + tokens_out * (double)p->out) / 1e12;
}

/* --- What an item takes --- */

static void spent_measured(struct stage_run *s)
{
	struct arena a = ARENA_INIT;
	struct json *state;
	if (s->state.len && json_parse(&a, buf_view(&s->state), &state, NULL) == 0) {
		const struct json *one = json_get(state, "per_item");
		s->known = (struct stage_spent){.requests = (double)json_get_int(one, "milli_requests", 0) / 1000,
			.tokens_in = (double)json_get_int(one, "milli_tokens_in", 0) / 1000,
			.tokens_out = (double)json_get_int(one, "milli_tokens_out", 0) / 1000,
			.items = json_get_int(one, "items", 0)};
		s->known.measured = s->known.items > 0 && json_get_bool(one, "enough", false);
	}
	arena_release(&a);
}

static struct stage_spent spent_of(double requests, double bytes_in, double tokens_out)
{
	return (struct stage_spent){
		.requests = requests, .tokens_in = bytes_in / ACCOUNT_BYTES_PER_TOKEN, .tokens_out = tokens_out};
}

static void spent_expected(struct stage_run *s)
{
	struct stage_cost c = {0, 0, 0};
	if (s->ops->cost)
		s->ops->cost(&s->cs->stage, &c);
	s->per_item = spent_of((double)c.requests, (double)c.bytes_in, (double)c.tokens_out);
}

void money_weigh(struct stage_run *s, const struct work *w)
{
	struct stage_cost c = {0, 0, 0};
	if (!networked(s) || !s->ops->cost_of)
		return;
	s->ops->cost_of(w, &c);
	s->weighed++;
	s->weighed_requests += c.requests;
	s->weighed_bytes += c.bytes_in;
	s->weighed_out += c.tokens_out;
}

/* What earlier runs have measured comes first: it holds second attempts, too. The mean of the calls that are there stands for those that are not yet. */
struct stage_spent money_each(const struct stage_run *s, const char **ret_basis)
{
	double n = (double)s->weighed;
	struct account_config c = {.name = NULL};
	*ret_basis = s->per_item.measured       ? PLAN_MEASURED
				 : n > 0                    ? PLAN_TEXTS
				 : s->per_item.requests > 0 ? PLAN_GUESS
											: NULL;
	if (s->per_item.measured || n <= 0)
		return s->per_item;
	struct stage_spent one =
		spent_of((double)s->weighed_requests / n, (double)s->weighed_bytes / n, (double)s->weighed_out / n);
	s->cs->stage.provider->ops->account(s->cs->stage.provider, &c);
	one.cost = price(one.tokens_in, one.tokens_out, &c.price);
	return one;
}

static size_t places_of(const struct provider *p)
{
	return p->ops->places ? p->ops->places(p) : 1;
}

void money_setup(struct stage_run *s)
{
	s->exec = s->ops->exec;
	s->most_hands = HANDS;
	if (!networked(s))
		return;
	const struct provider *p = s->cs->stage.provider;
	struct account_config c = {.name = p->name};
	p->ops->account(p, &c);
	s->exec = EXEC_NETWORK; /* a sound stage's, too: its threads send the worker on errands */
	/* Speech: while a worker measures the sounds of one item, the server speaks another's. */
	s->most_hands = c.limits.in_flight * (int)places_of(p) * (p->ops->speak ? 2 : 1);
	spent_measured(s);
	if (s->known.measured)
		s->per_item = s->known;
	else
		spent_expected(s);
	s->per_item.cost = price(s->per_item.tokens_in, s->per_item.tokens_out, &c.price);
}

/* Of n sounds: each side's lines go by batches. */
static int64_t speech_requests(const struct provider *p, int64_t n)
{
	struct provider_speaking how = {.batch = 1};
	if (p->ops->speaking)
		p->ops->speaking(p, &how);
	return how.batch <= 1 || n < 2 ? n : 2 + n / how.batch;
}

void money_item(struct stage_run *s, const struct work *w, int rc)
{
	int64_t requests = 0, in = 0, out = 0;
	bool settled = rc == 0 || err_class_of(rc) == CLASS_DATA || err_class_of(rc) == CLASS_INVALID;
	for (const struct work_asked *a = w->io->asked; a;
		 a = a->next) { /* what an earlier run has paid is part of the item, too */
		requests++;
		in += a->tokens_in;
		out += a->tokens_out;
	}
	if (!requests || !settled)
		return;
	if (s->cs->stage.provider->ops->speak)
		requests = speech_requests(s->cs->stage.provider, requests);
	s->whole_items++;
	s->whole_requests += requests;
	s->whole_in += in;
	s->whole_out += out;
}

static int64_t milli(double x)
{
	return (int64_t)(x * 1000 + 0.5);
}

/* The means with those of this run: of its own items alone when they are enough to go by, else together with what was too little before. */
static struct stage_spent spent_now(const struct stage_run *s)
{
	struct stage_spent was = s->known;
	bool enough = s->finished || (s->whole_items >= FEW_ITEMS && s->whole_items * FAIR_SHARE >= s->total);
	if (s->whole_items == 0 || (was.measured && (!enough || s->whole_items < FEW_ITEMS)))
		return was;
	double before = enough && s->whole_items >= FEW_ITEMS ? 0 : (double)was.items, n = before + (double)s->whole_items;
	struct stage_spent now = {.requests = (was.requests * before + (double)s->whole_requests) / n,
		.tokens_in = (was.tokens_in * before + (double)s->whole_in) / n,
		.tokens_out = (was.tokens_out * before + (double)s->whole_out) / n,
		.items = (int64_t)n};
	now.measured = s->finished || (now.items >= FEW_ITEMS && now.items * FAIR_SHARE >= s->total);
	return now;
}

void money_close(struct stage_run *s, struct json *state, struct arena *a)
{
	if (!networked(s))
		return;
	struct stage_spent one = spent_now(s);
	if (one.items == 0)
		return;
	struct json *means = json_object(a);
	json_set_int(a, means, "items", one.items);
	json_set(a, means, "enough", json_bool(a, one.measured));
	json_set_int(a, means, "milli_requests", milli(one.requests));
	json_set_int(a, means, "milli_tokens_in", milli(one.tokens_in));
	json_set_int(a, means, "milli_tokens_out", milli(one.tokens_out));
	json_set(a, state, "per_item", means);
}

void money_keep(struct engine *g)
{
	for (size_t i = 0; i < g->nstages; i++)
		if (g->stages[i].whole_items > 0 && !g->stages[i].state_kept)
			setup_unclose_stage(&g->stages[i]);
}

bool money_room(const struct stage_run *s)
{
	return s->hands < s->most_hands;
}

/* --- Accounts --- */

static void tell_change(void *arg, const char *account, const char *words)
{
	(void)arg;
	(void)account; /* the words name it */
	log_warn(NULL, "%s", words);
}

/* One account, or one for each place, shared by all stages of this provider. */
static bool account_made(struct engine *g, struct stage_run *s)
{
	for (size_t i = 0; i < g->nstages; i++) {
		const struct stage_run *other = &g->stages[i];
		if (!other->account || other->cs->stage.provider != s->cs->stage.provider)
			continue;
		s->account = other->account;
		s->places = other->places;
		s->nplaces = other->nplaces;
		return true;
	}
	return false;
}

static bool asks_now(const struct stage_run *s)
{
	return s->chosen && !s->closed && networked(s);
}

/* What a process may have open is shared among the accounts: without a descriptor a request fails as if the server were gone, and the database with it. */
static void clamp_in_flight(const struct engine *g, struct account_config *c)
{
	struct rlimit files;
	rlim_t accounts = 0;
	for (size_t i = 0; i < g->nstages; i++) {
		bool first = asks_now(&g->stages[i]);
		for (size_t k = 0; k < i && first; k++)
			first = !asks_now(&g->stages[k]) || g->stages[k].cs->stage.provider != g->stages[i].cs->stage.provider;
		accounts += first;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY || accounts == 0)
		return;
	rlim_t own = files.rlim_cur / 2 < FILES_OWN ? files.rlim_cur / 2 : FILES_OWN;
	rlim_t each = (files.rlim_cur - own) / accounts;
	if ((rlim_t)c->limits.in_flight <= each)
		return;
	log_warn(
		NULL, "provider %s: in_flight is %d, but a process may have %llu files open here (ulimit -n): at most %llu are asked at once",
		c->name, c->limits.in_flight, (unsigned long long)files.rlim_cur, (unsigned long long)each);
	c->limits.in_flight = each > 0 ? (int)each : 1;
}

/* A server of one's own that is free may stand beside one that is paid, so this is no error; but a price that was forgotten would make the limit hold
 * nothing back. */
static void tell_uncounted(const struct engine *g, const struct provider *p)
{
	bool run = g->args->max_cost > 0, total = g->config->max_cost >= 0;
	if ((!run && !total) || provider_counted(p))
		return;
	log_warn(NULL, "provider %s has no price_in and no price_out: %s%s%s it as free, so no limit of cost stops it",
		p->name, run ? "--max-cost" : "max_cost", run && total ? " and max_cost" : "",
		run && total ? " count" : " counts");
}

static void tell_doubts(const struct engine *g, const struct provider *p)
{
	CLEANUP(buf_release) struct buf words = BUF_INIT;
	if (p->ops->doubts)
		p->ops->doubts(p, &words);
	if (words.len)
		log_warn(NULL, "%s", words.data);
	tell_uncounted(g, p);
}

static int add_account(struct engine *g, struct stage_run *s, struct err *e)
{
	const struct provider *p = s->cs->stage.provider;
	if (account_made(g, s))
		return 0;
	int rc = config_ready(g->config, p, e);
	if (rc < 0)
		return rc;
	struct account_config c = {.name = p->name};
	p->ops->account(p, &c);
	clamp_in_flight(g, &c);
	tell_doubts(g, p);
	if (!g->accounts)
		g->accounts = accounts_new(&g->budget, tell_change, g);
	s->nplaces = places_of(p);
	s->places = arena_array(&s->cs->stage.arena, s->nplaces, sizeof(struct account *));
	for (size_t i = 0; i < s->nplaces; i++) {
		c.place = s->nplaces > 1 ? p->ops->place(p, i) : NULL;
		s->places[i] = account_add(g->accounts, &c);
	}
	s->account = s->places[0];
	return 0;
}

static int64_t millionths(double money)
{
	return (int64_t)llround(fmin(money, 1e12) * 1e6);
}

int money_start(struct engine *g, struct err *e)
{
	const struct config *c = g->config;
	budget_init(&g->budget);
	if (c->max_cost >= 0)
		g->budget.max_total = millionths(c->max_cost);
	if (g->args->max_cost > 0)
		g->budget.max_run = millionths(g->args->max_cost);
	g->budget.max_tokens = c->max_tokens;
	struct spent before = {0, 0, 0, 0};
	int rc = store_spent(g->store, &before, e);
	g->budget.before = before.cost;
	for (size_t i = 0; rc == 0 && i < g->nstages; i++) {
		struct stage_run *s = &g->stages[i];
		if (asks_now(s))
			rc = add_account(g, s, e);
	}
	return rc;
}

static void add_counts(struct account_counts *sum, struct account *a)
{
	struct account_counts n;
	bool first = sum->window == 0;
	account_counts(a, &n);
	sum->requests += n.requests;
	sum->ok += n.ok;
	sum->limited += n.limited;
	sum->troubled += n.troubled;
	sum->lost += n.lost;
	sum->refused += n.refused;
	sum->filtered += n.filtered;
	sum->invalid += n.invalid;
	sum->tokens_in += n.tokens_in;
	sum->tokens_out += n.tokens_out;
	sum->cost += n.cost;
	sum->waiting += n.waiting;
	sum->in_flight += n.in_flight;
	sum->window += n.window;
	sum->paused = n.paused && (first || sum->paused); /* all of them */
	sum->paused_s += n.paused_s;
}

void money_status(struct engine *g, struct run_status *st)
{
	if (!g->accounts)
		return;
	if (!st->providers)
		st->providers = xcalloc(g->nstages, sizeof(*st->providers));
	st->nproviders = 0;
	for (size_t i = 0; i < g->nstages; i++) {
		const struct stage_run *s = &g->stages[i];
		bool told = !s->account;
		for (size_t k = 0; k < i && !told; k++)
			told = g->stages[k].account == s->account;
		if (told)
			continue;
		struct provider_status *p = &st->providers[st->nproviders++];
		p->name = s->cs->stage.provider->name;
		p->unit = money_unit(s);
		p->c = (struct account_counts){.requests = 0};
		for (size_t k = 0; k < s->nplaces; k++)
			add_counts(&p->c, s->places[k]);
	}
}

void money_stop(struct engine *g, bool drop)
{
	if (g->accounts)
		accounts_stop(g->accounts, drop);
}

void money_lost(struct stage_run *s, int64_t cost)
{
	s->lost_cost += cost;
	if (cost > 0)
		store_put_spent(s->g->store, cost);
}

/* The rest of what was spent: replies that nobody waits for any more. A run that is killed loses this part of the sum. */
void money_rest(struct engine *g)
{
	int64_t rest = g->budget.spent;
	for (size_t i = 0; i < g->nstages; i++)
		rest -= g->stages[i].cost + g->stages[i].lost_cost;
	if (g->accounts && rest > 0)
		store_put_spent(g->store, rest);
}

void money_free(struct engine *g)
{
	accounts_free(g->accounts);
	g->accounts = NULL;
	for (size_t i = 0; i < g->nstages; i++)
		g->stages[i].account = NULL;
}

void money_out(struct stage_run *s, const struct err *e)
{
	struct engine *g = s->g;
	pthread_mutex_lock(&g->lock);
	if (!g->out_of_budget)
		log_warn(s->cs->stage.name, "%s", e->text);
	g->out_of_budget = true;
	g->stopping = true;
	pthread_cond_broadcast(&g->idle);
	pthread_mutex_unlock(&g->lock);
}
