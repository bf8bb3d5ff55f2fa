/* Prompts in files: text with slots. A template is read once at start and is immutable; rendering is pure, so any thread may render.
 *
 * `{{name}}` stands for the value of that slot; values are put in as they are (what looks like a slot within a value stays text). A line that has slots, all of
 * which are empty, is left out with its line end, so that a fact which a call lacks needs no second template. A comment `<!-- … -->` at the beginning of the
 * file is for its readers: it is not part of the prompt, nor are blanks around the whole. BOM and CRLF are taken as if they were not there.
 * An unknown slot, a mark that is not closed, a needed slot that is nowhere, an empty file and bytes that are no UTF-8 are problems, told with file:line:col,
 * all at once. Limits: 256 KiB a file, 32 slots; rendered text is limited by the buffer it goes to. */
#ifndef TAF_CORE_TEMPLATE_H
#define TAF_CORE_TEMPLATE_H

#include "core/problems.h"

#define TEMPLATE_BYTES_MAX ((size_t)256 << 10)
#define TEMPLATE_SLOTS_MAX 32

/** Arrays of these end with a name of NULL. */
struct template_slot {
	const char *name;
	bool needed; /* the file must have it somewhere */
};
struct template_source {
	const char *path; /* for messages; kept */
	struct str text;
};
struct template_piece;
struct template
{
	struct template_piece *pieces;
	size_t n;
};

/** Take a template apart; its text is copied into the arena. False when there were problems. */
bool template_read(struct arena *a, const struct template_source *source, const struct template_slot *slots,
	struct template *ret, struct problems *problems);
/** Read the file at `path`. ERR_CONFIG tells all that is wrong in it. */
int template_load(
	struct arena *a, const char *path, const struct template_slot *slots, struct template *ret, struct err *e);

#define TEMPLATE_SPEC_SLOTS 12
/** A prompt of a set: NAME.md, and its slots. Arrays end with a name of NULL. */
struct template_spec {
	const char *name;
	struct template_slot slots[TEMPLATE_SPEC_SLOTS]; /* ends with a name of NULL */
};
/** The index of a name, or -1. */
int template_named(const struct template_spec *specs, struct str name);
/** Read a set: each of `files` is one of it by its name without folder and extension, none may lack. `ret` is an array in the order of `specs`. */
int templates_load(struct arena *a, const struct option_list *files, const struct template_spec *specs,
	struct template *ret, struct err *e);
/** Append the text. `values` are in the order of the slots it was read with. */
void template_render(struct buf *ret, const struct template *t, const struct str *values);
/** Bytes of its own text, without any value: for estimates of cost. */
size_t template_bytes(const struct template *t);

#endif
