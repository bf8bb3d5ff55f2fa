/* Keys. An item's key is SHA-256 over length-prefixed parts:
 *
 *   "taf-key-1" | digest of the stage's fingerprint | digest of the item's input | its id, when the stage draws
 *
 * The fingerprint is a JSON object of all that shapes the stage's output for every item alike: type, version, the parameters marked
 * OPTION_SHAPES, the parsed content of its files, provider identity, libraries, generation, the seed when it draws, the fingerprint of a
 * privacy key. The input is the canonical JSON of the fields it reads (absent is not null), and the parsed content of the files the item uses.
 * No stage name, path, url or time is in either. The parts are kept, so that `why` can say which one changed, old → new. */
#ifndef TAF_CORE_KEY_H
#define TAF_CORE_KEY_H

#include "core/config.h"
#include "core/files.h"

#define KEY_FORMAT "taf-key-1"

/** The parts, canonical JSON appended to `ret_parts`, and their digest. Reads (by stat, else whole) the files of the stage's options. */
int key_fingerprint(const struct config_stage *s, int64_t seed, struct files *files, struct buf *ret_parts,
	struct digest *ret, struct err *e);
/** Whether the files of a stage's options still have the content that `parts` (of its fingerprint) tells, read anew: init() reads them a second time.
 * ERR_REFUSED when one was changed meanwhile. Only called after init(), on the few and small data files. */
int key_files_hold(const struct stage *s, struct str parts, struct err *e);
/** Digest of an input: canonical JSON of the reads, then the digests of the files it uses. */
void key_input(struct str reads, const struct digest *uses, size_t nuses, struct digest *ret);
/** The key; `id` empty when the stage does not draw; `slot` -1 but for expand. */
void key_item(const struct digest *fingerprint, const struct digest *input, struct str id, int slot, struct digest *ret);
/** The digest under which a provider's answer is kept. */
void key_request(struct str canonical_request, const struct provider *p, int64_t generation, struct digest *ret);
/** What sort of change lies between two fingerprints (their parts as JSON text). */
enum reason key_reason(struct str was, struct str is);

#endif
