/* Asking an LLM from a stage. Straight-line code: work_chat() blocks the item's thread until there is an answer that holds, or says why there is none.
 *
 * An answer is stored before anything is made of it, under the digest of the request (messages, sampling of this question, provider identity, generation)
 * and a draw number that starts from H(call id, step). The result is the first draw that can be read, passes the schema and is accepted by the judge; a new one is asked for only
 * when none of the stored does. So a changed schema, parser or judge asks nothing again as long as some stored draw passes. A refusal is a draw like any other: of a
 * dialogue's dozens of questions one that a model declines by chance must not cost the whole. */
#ifndef TAF_CORE_CHAT_H
#define TAF_CORE_CHAT_H

#include "core/schema.h"
#include "core/stage.h"

struct chat_reply {
	struct str text;     /* the answer without its thinking, trimmed */
	struct str thinking; /* reasoning_content, reasoning, or what stood in <think>…</think>; empty for none */
	struct json *json;   /* with a schema: the value that was found in the text and passed */
	struct str model;    /* that answered */
	int draw;            /* 0: the first */
};

struct chat {
	/** Names this question among those of the item ("opening", "left 3", "manager 3"): part of the draw, not of the request. Unique within the item. */
	const char *step;
	/** [{role: system|user|assistant, content: TEXT or [{type: text, text}, {type: input_audio, object: HEX, format: mp3|wav}]}] in the record's arena. */
	struct json *messages;
	const struct schema *schema; /* the answer holds one JSON value like this, maybe within prose or a code fence; NULL: text */
	double temperature;          /* < 0: the provider's */
	int64_t max_tokens;          /* 0: the provider's */
	/** Whether the answer will do. ERR_INVALID with the reason asks for the next draw; other errors end it. NULL: all that is not empty will. */
	int (*judge)(void *arg, const struct chat_reply *reply, struct err *e);
	void *arg;
};
#define CHAT_INIT {.temperature = -1}

/** Ask. ERR_INVALID, ERR_DECLINED: no draw would do (the last reason is told), the last was a refusal; ERR_DATA: filtered by every model; ERR_TRANSIENT: attempts used up (with the last
 * reply's words); ERR_ACCOUNT, ERR_BUDGET, ERR_STOPPED: see core/account.h. */
int work_chat(struct work *w, const struct chat *q, struct chat_reply *ret, struct err *e);

/** Append a message. */
void chat_say(struct arena *a, struct json *messages, const char *role, struct str content);

/* --- Reading answers (core/answer.c, core/answer_refuse.c; also for the provider, tests and fuzzing). Any bytes, in time linear in them. --- */
/** Split a stored answer {content, reasoning?} into thinking and text, slices of the two: <think>…</think> at its beginning (nested, doubled, unclosed), a closing
 * tag alone; [THINK] and the like. `reasoning` goes before tags. */
void answer_split(struct str content, struct str reasoning, struct str *ret_thinking, struct str *ret_text);
/** The JSON object or array in a text: the whole of it, the last fenced block that is one, or the last outermost {…} or […] that parses. ERR_INVALID says what was
 * seen; a value deeper than 64 levels is none. */
int answer_json(struct arena *a, struct str text, struct json **ret, struct err *e);
/** Whether a text is a refusal of the model ("作为一个人工智能…", "抱歉，我无法生成诈骗对话", "I'm sorry, I can't assist with that"), and not a line of a dialogue
 * that declines ("抱歉，我不能告诉你验证码"): a refusal names the model or its task. Looked for at the beginnings of the first sentences; JSON is none. */
bool answer_refuses(struct str text);

#endif
