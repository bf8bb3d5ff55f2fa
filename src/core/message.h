/* Messages between `taf` and its workers, over a socketpair: 4 bytes length (of what follows), 1 byte kind, 8 bytes ticket, then JSON. All
 * little endian; at most MESSAGE_MAX bytes behind the length, so that a buffer for one holds MESSAGE_MAX + 4. The JSON is canonical, so that the worker's side hands bytes on unparsed where it can.
 *
 *   taf → worker   SETUP {objects, stages: [{index, name, uses, seed, dataset, base, cpu_s, params, parts, provider?}]}   once
 *                  WORK  {stage, slot, id, call, asks}, or an errand of an item that is worked in taf: {stage, id, errand}
 *   worker → taf   READY {} or {error, code}                                                                once
 *                  DONE  {code, error?, us, fields, rejected, answers, objects}
 */
#ifndef TAF_CORE_MESSAGE_H
#define TAF_CORE_MESSAGE_H

#include "base/buf.h"
#include "base/err.h"

#define MESSAGE_MAX ((size_t)64 << 20)
#define MESSAGE_HEAD 13

enum message_kind { MESSAGE_SETUP = 1, MESSAGE_WORK, MESSAGE_READY, MESSAGE_DONE };

struct message {
	enum message_kind kind;
	uint64_t ticket;
	struct str body;
};

/** Append a whole message. */
void message_put(struct buf *b, enum message_kind kind, uint64_t ticket, struct str body);
/** Take the first message of `b` when it is complete: 1 and its bytes (head included) in *ret_used; 0 not yet; ERR_PARSE when it is none. */
int message_take(struct str b, struct message *ret, size_t *ret_used, struct err *e);
/** Read one from a blocking descriptor into `b` (cleared first): 1, or 0 at the end of the stream. */
int message_read(int fd, struct buf *b, struct message *ret, struct err *e);

#endif
