/* Errors: a negative code from one list, and words.
 * A function that can fail returns 0 or a code and fills its `struct err *` once, by the first failure; outer frames only add context
 * with err_context(). Outputs (`ret_x`) are untouched on failure. The class of a code decides the reaction (docs/architecture.md).
 * `struct err` lives on the stack, owns nothing and is not shared between threads. A NULL `struct err *` is allowed: the words are dropped. */
#ifndef TAF_BASE_ERR_H
#define TAF_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/** What the engine does about a failure; names are those of `--json` output and of `taf retry --class`. */
enum err_class {
	CLASS_BUG,       /* abort */
	CLASS_CONFIG,    /* stop before any work, exit 2 */
	CLASS_ACCOUNT,   /* stop all stages of that provider account, the rest goes on */
	CLASS_TRANSIENT, /* retry; a later run takes it up */
	CLASS_INVALID,   /* ask for the next draw; when draws run out, as data */
	CLASS_DATA,      /* quarantine the record */
	CLASS_MACHINE,   /* stop the run cleanly, exit 1 */
	CLASS_STOPPED /* interrupted by the user (exit 130), or the budget is reached (exit 4): the record stays as it is */
};

/* X(code, text, class) */
#define ERR_LIST(X) \
	X(BUG, "internal error", CLASS_BUG) \
	X(USAGE, "bad usage", CLASS_CONFIG) \
	X(CONFIG, "bad configuration", CLASS_CONFIG) \
	X(ACCOUNT, "the provider refused the account", CLASS_ACCOUNT) \
	X(TRANSIENT, "passing failure", CLASS_TRANSIENT) \
	X(TIMEOUT, "timed out", CLASS_TRANSIENT) \
	X(INVALID, "invalid answer", CLASS_INVALID) \
	X(DATA, "bad record", CLASS_DATA) \
	X(PARSE, "cannot be parsed", CLASS_DATA) \
	X(TOOBIG, "over its size limit", CLASS_DATA) \
	X(NOTFOUND, "not found", CLASS_DATA) \
	X(WORKER, "the worker died", CLASS_DATA) \
	X(HUNG, "the worker hung", CLASS_DATA) \
	X(LOST, "an object is missing or damaged", CLASS_TRANSIENT) \
	X(IO, "input/output error", CLASS_MACHINE) \
	X(NOSPACE, "no space left", CLASS_MACHINE) \
	X(DB, "database error", CLASS_MACHINE) \
	X(LOCKED, "in use by another run", CLASS_MACHINE) \
	X(STOPPED, "interrupted", CLASS_STOPPED) \
	X(REFUSED, "refused", CLASS_MACHINE) \
	X(BUDGET, "the budget is reached", CLASS_STOPPED) \
	X(DECLINED, "the model refused", CLASS_DATA)

enum err_index {
#define X(name, text, cls) ERR_INDEX_##name,
	ERR_LIST(X)
#undef X
};
enum err_code {
	ERR_OK = 0,
#define X(name, text, cls) ERR_##name = -1 - (int)ERR_INDEX_##name,
	ERR_LIST(X)
#undef X
};

#define ERR_TEXT_MAX 2048

struct err {
	int code; /* 0 while nothing failed */
	char text[ERR_TEXT_MAX];
};

#define ERR_INIT {.code = 0, .text = ""}

/** Record a failure; the first one stays. Returns `code`, so that `return err_set(e, ERR_DATA, "…")` reads well. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** Record a failure of the operating system from `errno`: ENOSPC, EDQUOT → ERR_NOSPACE, ENOENT → ERR_NOTFOUND, else ERR_IO. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Put "context: " before the words of a failure. Returns its code. */
int err_context(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_clear(struct err *e);

const char *err_text(int code);               /* "bad record" */
const char *err_name(int code);               /* "DATA" */
enum err_class err_class_of(int code);        /* unknown codes are CLASS_BUG */
const char *err_class_name(enum err_class c); /* "data" */
/** Class by name, or -1. */
int err_class_parse(const char *name);

/** A programmer's error: print where and abort. Stays on in release builds; `cond` has no side effects. */
#define ASSERT(cond) ((cond) ? (void)0 : assert_failed(#cond, __FILE__, __LINE__))
void assert_failed(const char *cond, const char *file, int line) __attribute__((noreturn));

#endif
