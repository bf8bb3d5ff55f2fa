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

const struct json *provider_identity(struct arena *a, const struct provider *p)
{
	struct json *id = json_object(a);
	json_set_text(a, id, "kind", p->ops->kind);
	json_set_int(a, id, "version", p->ops->version);
	if (p->ops->libraries)
		json_set_text(a, id, "libraries", p->ops->libraries());
	json_set(a, id, "options", options_json(a, p->ops->options, p->ops->noptions, p->params, OPTION_SHAPES));
	return id;
}
