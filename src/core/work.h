/* The engine's side of the services in core/stage.h, as tables of functions: the scheduler, the worker and the tests each bring their own.
 * core/work.c turns them into the calls that stages make. */
#ifndef TAF_CORE_WORK_H
#define TAF_CORE_WORK_H

#include "core/stage.h"

/** A question to the stage's provider (core/chat.h). */
struct work_ask {
	const char *step;           /* unique within the item: draws start from H(id, step) */
	const struct json *request; /* holds until ask() returns */
	const struct json *schema;  /* sent along, in no key; may be NULL */
	int draw;                   /* 0: the first */
};

/** An answer that the work was given: what its result is made of. */
struct work_asked {
	struct digest request;
	int64_t draw;
	bool stored;                   /* before this work */
	int64_t tokens_in, tokens_out; /* also of a stored one: what it once took */
	const char *step;
	int at;                           /* which of the item's questions, from 0 */
	const struct json *sent, *answer; /* sent: NULL unless keeps_sent */
	struct work_asked *next;          /* the one before */
};

/** One sound of a speech server, as it is stored. */
struct work_sound {
	const struct json *request; /* canonical: {text, voice, emotion?} */
	const char *side;           /* of the call: its draws */
	const char *step;           /* "left 3" */
	int rung;                   /* how it was asked for: the draw number counts from here */
};

struct work_io {
	/** The stored answer of this draw, else a new one, stored first: {content, finish, model, …} (core/provider.h), in the record's memory. */
	int (*ask)(void *arg, struct work *w, const struct work_ask *q, struct json **ret_answer, struct err *e);
	void (*ask_invalid)(void *arg, struct work *w); /* it did not pass; counted. May be NULL */
	/* A speech server (core/tts.h) */
	/** The stored answer {object, …}: 1, or 0 for none. */
	int (*sound_find)(void *arg, struct work *w, const struct work_sound *s, struct json **ret, struct err *e);
	/** Ask the server: provider_ops.speak. */
	int (*speak)(void *arg, struct work *w, const struct provider_speak *q, struct provider_sound *ret, struct err *e);
	/** Store an accepted sound's answer; its object was put. */
	int (*sound_keep)(void *arg, struct work *w, const struct work_sound *s, const struct json *answer, struct err *e);
	/** The server was asked for this sound in vain: it sent none, or one that will not do; `why` in words for the user. May be NULL. */
	void (*sound_bad)(void *arg, struct work *w, const struct work_sound *s, const char *why);
	/** The result is made of this one. */
	int (*sound_use)(void *arg, struct work *w, const struct work_sound *s, const struct json *answer, struct err *e);
	/** An errand of a sound stage whose items network threads work (speak with a server): what its stage_sound.errand() makes of the request, in a worker. */
	int (*errand)(void *arg, struct work *w, const struct json *request, struct json **ret, struct err *e);
	/* Objects: store bytes, or read whole (ERR_LOST when missing or damaged). */
	int (*object_put)(void *arg, struct str bytes, struct digest *ret, struct err *e);
	int (*object_read)(void *arg, const struct digest *d, size_t max, struct buf *ret, struct err *e);
	int (*file)(void *arg, int file, struct str *ret, struct err *e);
	void *arg;
	bool keeps_sent; /* whoever looks at `asked` wants the requests, which are much longer than the rest of a record */
	int32_t item;    /* row of the item; 0: of none that is kept */
	int retried;     /* how often `taf retry` was said of this work: each gives its questions as many draws again */
	/* What asks() collected and work_answer() made; arrays in the record's arena. */
	struct work_asked *asked; /* by ask(), the last first */
	struct json *asks;        /* requests, in order */
	struct json *answers;     /* [{index, answer}] */
	struct json *objects;     /* [{digest, size}] written by this work */
};

struct lister_sink {
	/** Takes one item. `content` lives until it returns. ERR_… stops the listing. */
	int (*add)(void *arg, struct str id, const struct json *content, struct locator at, const int *uses, size_t nuses,
		const char *broken);
	int (*file)(void *arg, int file, struct str *ret, struct err *e);
	void *arg;
};
/** Run a source's list() into a sink. Doubled ids come out as broken items "<id>+double.N" naming both places (`files`: names for messages). */
int lister_run(struct stage *s, const struct lister_sink *sink, const struct option_list *files, struct err *e);
/** "file:line" (or "file") of a locator; appended. */
void locator_text(struct buf *b, struct locator at, const struct option_list *files);

struct gather_io {
	/** The next call in id order; 0 at the end, 1, or a negative code. */
	int (*next)(void *arg, struct str *ret_id, const struct json **ret_call, struct err *e);
	void (*rewind)(void *arg);
	void (*set)(void *arg, const struct json *fields, bool rejected);
	void (*parent)(void *arg, const size_t *peers, size_t npeers, struct str basis);
	void *arg;
	size_t count;
	struct gather_facts facts;
	/** sink: path of an object's file, ERR_LOST when missing or damaged. */
	int (*object_path)(void *arg, struct str hex, struct buf *ret, struct err *e);
};
struct gather {
	const struct gather_io *io;
};

/** The leaf paths `fields->reads` of a call and nothing else, as a new object in the arena; what is absent stays absent.
 * Arrays are walked: "turns.text" keeps of each element that member. */
struct json *fields_project(struct arena *a, const struct json *call, const struct field *paths, size_t n);
/** Whether `write` covers `read` ("turns" covers "turns.text", "turns.text" does not cover "turns"). */
bool field_covers(const char *write, const char *read);

/** The per-item files of a stage (its OPTION_PER_ITEM option), or NULL. */
const struct option_list *stage_item_files(const struct stage *s);

#endif
