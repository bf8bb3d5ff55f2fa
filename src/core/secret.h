/* The privacy key of a stage: where it comes from, and what of it may be kept.
 *
 * An option table with an OPTION_SECRET_KEY may have two more rows that say where the key stands instead: OPTION_SECRET_ENV (the name of an
 * environment variable) and OPTION_SECRET_FILE (a file). The key is read when a run or a plan begins, not when the pipeline is loaded: `show`,
 * `status` and the like need none. It is put into the OPTION_SECRET_KEY option of the stage's params, whence the stage has it, and from there
 * it goes nowhere: options_json leaves it out, keys have its fingerprint, and no error tells it.
 * Blanks and line ends around a key do not count, so that a variable and a file of one key are one. */
#ifndef TAF_CORE_SECRET_H
#define TAF_CORE_SECRET_H

#include "core/config.h"

#define SECRET_MIN 8    /* bytes */
#define SECRET_MAX 4096 /* bytes of a key file */

/** Read the key of a stage that has one. `work`: the work folder, in which a key file must not lie: it is what people hand on, and `gc`, copies
 * and archives of it would hold the key beside the originals (a symbolic link into it counts; NULL: not known). ERR_CONFIG. */
int secret_read(struct config_stage *cs, const char *work, struct err *e);
/** What stands for a key in keys and fingerprints: an HMAC under the key, so it is equal for equal keys and is none of the stage's own. */
void secret_fingerprint(struct str key, struct digest *ret);
/** Take literal keys out of a parsed pipeline, before it is digested: the digest is published in the manifest of a release. */
void secret_hide(struct arena *a, const struct config_stage *cs, struct yaml_node *stage);

#endif
