/* What all kinds of servers over the network share: key, url, waits, further members of a request. Pure functions, any thread.
 * Secrets: a key is looked up in the environment for each request and stands in one header only; no words made here hold it. */
#ifndef TAF_PROVIDER_REMOTE_H
#define TAF_PROVIDER_REMOTE_H

#include "base/arena.h"
#include "io/http.h"
#include "io/json.h"

#define REMOTE_KEY_MAX 4096 /* bytes */

/** The key in the environment variable `env`, or empty when there is none. Points into the environment, which nobody changes. */
struct str remote_key(struct str env);
/** ERR_CONFIG: `env` is no name of a variable, or not set, or holds no key. Empty: no key is needed. */
int remote_check_key(const char *provider, struct str env, struct err *e);
/** ERR_CONFIG: what is wrong with the url of an option. `route` is what will be put behind it. */
int remote_check_url(const char *provider, const char *option, struct str url, const char *route, struct err *e);
/** A key that anybody on the way can read: words, appended. */
void remote_doubt_url(const char *provider, const char *option, struct str url, struct str api_key_env, struct buf *ret);
/** `base` and `route`, unless it ends so already. In the arena. */
const char *remote_url(struct arena *a, struct str base, const char *route);
/** For CLEANUP on a buffer that holds a key. */
void remote_wipe(struct buf *b);

/** How long to wait after `failed` attempts, from 0: full jitter, that is anything up to a bound which doubles from 0.5 s to 60 s. */
int64_t remote_backoff_ms(uint64_t seed, struct str id, int64_t failed);
/** How long a reply asks to be left alone (Retry-After, retry-after-ms), 0: it does not. x-ratelimit-* is the account's business (core/account.c). */
int64_t remote_wish_ms(const struct http_facts *f, int64_t wall_ms);
/** Whether JSON text has more levels than any reply: item threads have small stacks. */
bool remote_too_deep(struct str json);

/** Further members that a user names: "a.b" is b within a. ERR_CONFIG when one is written by taf (`own`) or is an option of its own (`options`; both
 * NULL-terminated, dotted likewise), or lies within one, or holds one. */
int remote_check_extra(const struct json *extra, const char *const *own, const char *const *options, struct err *e);
void remote_set_extra(struct arena *a, struct json *into, const struct json *extra);

#endif
