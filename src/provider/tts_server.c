#include "provider/tts_server.h"

#include "base/alloc.h"
#include "provider/remote.h"

#define MILLIONTHS 1e6

static struct str url_at(const struct tts_params *o, size_t i)
{
	return o->base_urls.n ? o->base_urls.v[i] : o->base_url;
}

size_t tts_places(const struct provider *p)
{
	const struct tts_params *o = p->params;
	return o->base_urls.n ? o->base_urls.n : 1;
}

const char *tts_place(const struct provider *p, size_t i)
{
	struct str url = url_at(p->params, i); /* options are terminated */
	return url.p + (str_starts(url, "https://") ? 8 : str_starts(url, "http://") ? 7 : 0);
}

struct str tts_base(const struct tts_params *o, size_t i, const char *route)
{
	struct str url = url_at(o, i);
	while (str_ends(url, "/"))
		url.n--;
	if (str_ends(url, route))
		url.n -= str_of(route).n;
	return url;
}

static int check_urls(const struct provider *p, const struct tts_contract *c, struct err *e)
{
	const struct tts_params *o = p->params;
	const char *option = o->base_urls.n ? "base_urls" : "base_url";
	if (!o->base_url.n == !o->base_urls.n)
		return err_set(e, ERR_CONFIG, "provider %s: give base_url, or base_urls when there are several servers%s",
			p->name, o->base_url.n ? ": not both" : "");
	if (o->base_urls.n > TTS_PLACES_MAX)
		return err_set(e, ERR_CONFIG, "provider %s: at most %d base_urls", p->name, TTS_PLACES_MAX);
	for (size_t i = 0; i < tts_places(p); i++) {
		int rc = remote_check_url(p->name, option, url_at(o, i), c->route, e);
		if (rc < 0)
			return rc;
		for (size_t k = 0; k < i; k++)
			if (str_eq(tts_base(o, i, c->route), tts_base(o, k, c->route)))
				return err_set(e, ERR_CONFIG, "provider %s: base_urls has %.*s twice", p->name, STR_FMT(url_at(o, i)));
	}
	return 0;
}

int tts_check(const struct provider *p, const struct tts_contract *c, struct err *e)
{
	const struct tts_params *o = p->params;
	int rc = check_urls(p, c, e);
	if (rc == 0)
		rc = tts_check_voices(p->name, &o->voices, e);
	return rc < 0 ? rc : remote_check_key(p->name, o->api_key_env, e);
}

int tts_check_numbers(
	const char *provider, const char *option, const struct option_list *v, const double range[2], struct err *e)
{
	if (!v->n)
		return err_set(e, ERR_CONFIG, "provider %s: %s needs at least one number", provider, option);
	for (size_t i = 0; i < v->n; i++) {
		double x;
		if (!str_real(v->v[i], &x) || !(x >= range[0] && x <= range[1]))
			return err_set(e, ERR_CONFIG, "provider %s: %s: '%.*s' is no number from %g to %g", provider, option,
				STR_FMT(v->v[i]), range[0], range[1]);
	}
	return 0;
}

double tts_number(const struct option_list *v, size_t i)
{
	double x = 0;
	ASSERT(i < v->n && str_real(v->v[i], &x));
	return x;
}

void tts_account(const struct provider *p, struct account_config *ret)
{
	const struct tts_params *o = p->params;
	*ret = (struct account_config){
		.name = p->name,
		.limits = {.requests_per_min = o->requests_per_min,
			.tokens_per_min = o->characters_per_min,
			.in_flight = (int)o->in_flight},
		.price = {.in = (int64_t)(o->price_in * MILLIONTHS + 0.5)},
		.patience_s = o->patience_s,
	};
}
