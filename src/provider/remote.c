#include "provider/remote.h"

#include "base/alloc.h"
#include "base/draw.h"
#include "core/limiter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST_MS 500
#define BACKOFF_MAX_MS 60000
#define DEPTH_MAX 100 /* levels of a reply's JSON */

/* --- Key and url --- */

struct str remote_key(struct str env)
{
	char name[256];
	if (!env.n || env.n >= sizeof(name))
		return STR("");
	snprintf(name, sizeof(name), "%.*s", STR_FMT(env));
	const char *value = getenv(name);
	return value ? str_trim(str_of(value)) : STR("");
}

int remote_check_key(const char *provider, struct str name, struct err *e)
{
	struct str key = remote_key(name);
	if (!name.n)
		return 0;
	for (size_t i = 0; i < name.n; i++)
		if ((!isalnum((unsigned char)name.p[i]) && name.p[i] != '_') || name.n > 200)
			return err_set(e,
				ERR_CONFIG, "provider %s: api_key_env: '%.*s%s' is no name of an environment variable; give the bare name, without a $",
				provider, (int)(name.n > 8 ? 8 : name.n), name.p,
				name.n > 8 ? "…" : ""); /* not whole: somebody may have put the key itself there */
	if (!key.n)
		return err_set(e,
			ERR_CONFIG, "provider %s: the environment variable %.*s, which should hold the key of the account, is not set: export %.*s=…",
			provider, STR_FMT(name), STR_FMT(name));
	if (key.n > REMOTE_KEY_MAX)
		return err_set(e, ERR_CONFIG, "provider %s: what %.*s holds is too long for a key", provider, STR_FMT(name));
	for (size_t i = 0; i < key.n; i++)
		if ((unsigned char)key.p[i] <= ' ' || (unsigned char)key.p[i] >= 0x7f)
			return err_set(e, ERR_CONFIG,
				"provider %s: what %.*s holds is no key: it has blanks, line ends or other such characters", provider,
				STR_FMT(name));
	return 0;
}

/* The host and the port of what stands between "://" and the next '/'; an address of version 6 keeps its brackets. *ret_port is empty without one. */
static void split_authority(struct str authority, struct str *ret_host, struct str *ret_port)
{
	size_t host = 0;
	if (authority.n && authority.p[0] == '[')
		while (host < authority.n && authority.p[host] != ']')
			host++;
	while (host < authority.n && authority.p[host] != ':')
		host++;
	*ret_host = str_n(authority.p, host);
	*ret_port = host < authority.n ? str_n(authority.p + host + 1, authority.n - host - 1) : STR("");
}

static bool port_ok(struct str authority, struct str *ret_port)
{
	struct str host;
	int64_t number = 0;
	split_authority(authority, &host, ret_port);
	return host.n == authority.n || (str_int(*ret_port, &number) && number >= 1 && number <= 65535);
}

static bool loopback(struct str host)
{
	return str_is(host, "localhost") || str_ends(host, ".localhost") || str_is(host, "[::1]") || str_starts(host, "127.");
}

void remote_doubt_url(const char *provider, const char *option, struct str url, struct str api_key_env, struct buf *ret)
{
	struct str rest = url, authority, host, port;
	if (!api_key_env.n || !str_starts(rest, "http://"))
		return;
	rest = str_n(rest.p + 7, rest.n - 7);
	str_split(&rest, '/', &authority);
	split_authority(authority, &host, &port);
	if (!loopback(host))
		buf_printf(
			ret, "provider %s: %s is http://, so the key of %.*s and all texts go to %.*s unencrypted; use https:// if the server has it",
			provider, option, STR_FMT(api_key_env), STR_FMT(host));
}

int remote_check_url(const char *provider, const char *option, struct str url, const char *route, struct err *e)
{
	size_t head = str_starts(url, "https://") ? 8 : str_starts(url, "http://") ? 7 : 0;
	struct str host = str_n(url.p + head, url.n - head), authority;
	struct str shown = memchr(url.p, '@', url.n) ? STR("…") : str_n(url.p, url.n < 200 ? url.n : 200); /* no password */
	if (!head || !host.n || host.p[0] == '/')
		return err_set(e, ERR_CONFIG,
			"provider %s: %s must begin with http:// or https:// and a host, as in https://api.siliconflow.cn/v1 or "
			"http://127.0.0.1:8000; it is '%.*s'",
			provider, option, STR_FMT(shown));
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.p[i] <= ' ' || (unsigned char)url.p[i] >= 0x7f || strchr("\"\\<>", url.p[i]))
			return err_set(
				e, ERR_CONFIG, "provider %s: %s has a blank or another character that no url has", provider, option);
	struct str rest = host;
	str_split(&rest, '/', &authority);
	if (memchr(authority.p, '@', authority.n))
		return err_set(e,
			ERR_CONFIG, "provider %s: %s holds a user or password; keep the key in an environment variable and name that: api_key_env",
			provider, option);
	struct str port;
	if (!port_ok(authority, &port))
		return err_set(e, ERR_CONFIG, "provider %s: %s: '%.*s' is no port: a number from 1 to 65535", provider, option,
			STR_FMT(port));
	if (memchr(url.p, '?', url.n) || memchr(url.p, '#', url.n))
		return err_set(
			e, ERR_CONFIG, "provider %s: %s cannot have a '?' or '#': %s is put behind it", provider, option, route);
	return 0;
}

const char *remote_url(struct arena *a, struct str base, const char *route)
{
	while (str_ends(base, "/"))
		base.n--;
	return arena_printf(a, "%.*s%s", STR_FMT(base), str_ends(base, route) ? "" : route);
}

void remote_wipe(struct buf *b)
{
	explicit_bzero(b->data, b->len);
	buf_release(b);
}

/* --- Waits --- */

int64_t remote_backoff_ms(uint64_t seed, struct str id, int64_t failed)
{
	int64_t most = BACKOFF_MAX_MS;
	if (failed < 8 && (int64_t)BACKOFF_FIRST_MS << failed < most)
		most = (int64_t)BACKOFF_FIRST_MS << failed;
	char purpose[40];
	snprintf(purpose, sizeof(purpose), "backoff %lld", (long long)failed);
	return (int64_t)(draw_hash(seed, id, purpose) % (uint64_t)(most + 1));
}

int64_t remote_wish_ms(const struct http_facts *f, int64_t wall_ms)
{
	double ms;
	if (str_real(str_of(f->retry_after_ms), &ms) && ms >= 0)
		return ms < (double)LIMITER_WAIT_MAX_MS ? (int64_t)ms : LIMITER_WAIT_MAX_MS;
	int64_t after = retry_after_ms(f->retry_after, wall_ms);
	return after > 0 ? after : 0;
}

/* --- JSON --- */

bool remote_too_deep(struct str s)
{
	int depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < s.n && depth <= DEPTH_MAX; i++) {
		char c = s.p[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']'))
			depth--;
	}
	return depth > DEPTH_MAX;
}

/* The member itself, one within it, or the one it is within. */
static bool meets(struct str key, const char *own)
{
	struct str other = str_of(own), shorter = key.n < other.n ? key : other, longer = key.n < other.n ? other : key;
	return memcmp(shorter.p, longer.p, shorter.n) == 0 && (shorter.n == longer.n || longer.p[shorter.n] == '.');
}

int remote_check_extra(const struct json *extra, const char *const *own, const char *const *options, struct err *e)
{
	JSON_EACH(m, extra) {
		struct str rest = m->key, first, piece;
		if (!str_split(&rest, '.', &first) || !first.n)
			return err_set(e, ERR_CONFIG, "extra: a member needs a name");
		while (str_split(&rest, '.', &piece))
			if (!piece.n)
				return err_set(e, ERR_CONFIG, "extra: %.*s: there is a dot without a name beside it", STR_FMT(m->key));
		for (size_t i = 0; own[i]; i++)
			if (meets(m->key, own[i]))
				return err_set(e, ERR_CONFIG, "extra: %s cannot be set there; it is taf's own", own[i]);
		for (size_t i = 0; options[i]; i++)
			if (meets(m->key, options[i]))
				return err_set(e, ERR_CONFIG, "extra: %s cannot be set there: it is an option of its own", options[i]);
		const struct json *outer = m->key.n > first.n ? json_get_key(extra, first) : NULL;
		if (outer)
			return err_set(e, ERR_CONFIG, "extra: %.*s and %.*s cannot both be set", STR_FMT(first), STR_FMT(m->key));
	}
	return 0;
}

static void set_one(struct arena *a, struct json *into, const struct json *m)
{
	struct str rest = m->key, piece;
	while (str_split(&rest, '.', &piece) && rest.p) {
		struct json *inner = json_get_key(into, piece);
		if (!json_is(inner, JSON_OBJECT)) {
			inner = json_object(a);
			json_set_key(a, into, piece, inner);
		}
		into = inner;
	}
	json_set_key(a, into, piece, json_copy(a, m));
}

void remote_set_extra(struct arena *a, struct json *into, const struct json *extra)
{
	JSON_EACH(m, extra)
		set_one(a, into, m);
}
