/* Digests of the files that shape output, by content: what does not change the meaning (comments and layout of YAML; BOM, CRLF and trailing
 * blanks of text) does not change the digest. A file is read once a run; a stat that equals the stored one spares the reading, unless the file
 * was younger than 2 s when it was hashed. Any thread. */
#ifndef TAF_CORE_FILES_H
#define TAF_CORE_FILES_H

#include "core/store.h"
#include "io/yaml.h"

#define FILES_MAX ((size_t)1 << 30) /* bytes of one file */

enum file_way { FILE_TEXT, FILE_YAML };

struct files;
/** `store` may be NULL (nothing is remembered) or read-only. */
struct files *files_new(struct store *store, bool remember);
void files_free(struct files *f);
/** The digest of a file's content. */
int files_digest(struct files *f, struct str path, enum file_way way, struct digest *ret, struct err *e);
/** Whether what was seen still holds: the stat is the same, and the file was not younger than 2 s when it was looked at. */
struct fs_stat;
bool seen_holds(const struct seen *v, const struct fs_stat *st);
/** Its bytes, as they were when first read in this run. Holds until files_free, or files_forget for a large one. */
int files_bytes(struct files *f, struct str path, struct str *ret, struct err *e);
/** Let go of the bytes of files over 1 MiB: sources have listed what is in them. Not while another thread uses them. */
void files_forget(struct files *f);

#endif
