#include "core/provider.h"

#include "core/account.h"

const struct provider_ops *provider_find(struct str kind)
{
	for (size_t i = 0; providers_all[i]; i++)
		if (str_is(kind, providers_all[i]->kind))
			return providers_all[i];
	return NULL;
}

bool provider_counted(const struct provider *p)
{
	struct account_config c = {.name = p->name};
	if (!p->ops->account)
		return true;
	p->ops->account(p, &c);
	return c.price.in > 0 || c.price.out > 0;
}

/* Without the options that have one of the bits `but`. */
static const struct json *identity_of(struct arena *a, const struct provider *p, unsigned but)
{
	const struct json *all = options_json(a, p->ops->options, p->ops->noptions, p->params, OPTION_SHAPES);
	struct json *id = json_object(a);
	json_set_text(a, id, "kind", p->ops->kind);
	json_set_int(a, id, "version", p->ops->version);
	if (p->ops->libraries)
		json_set_text(a, id, "libraries", p->ops->libraries());
	struct json *options = json_object(a);
	for (size_t i = 0; i < p->ops->noptions; i++) {
		const struct option *o = &p->ops->options[i];
		if (json_get(all, o->name) && !(o->flags & but))
			json_set(a, options, o->name, json_copy(a, json_get(all, o->name)));
	}
	json_set(a, id, "options", options);
	return id;
}

void provider_identify(struct arena *a, struct provider *p)
{
	p->identity = identity_of(a, p, 0);
	p->answers = identity_of(a, p, OPTION_CHOOSES);
}
