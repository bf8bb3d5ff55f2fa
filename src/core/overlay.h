/* What changes the parsed pipeline before it is read: profiles and --set; and the refusal of secrets in it.
 * Works on the YAML tree in place; new nodes are in the arena given. All that is wrong goes to the problems. */
#ifndef TAF_CORE_OVERLAY_H
#define TAF_CORE_OVERLAY_H

#include "core/config.h"

/** The keys of the file and of a stage, for checks and did-you-mean. */
extern const struct option_list config_top_keys;
extern const struct option_list config_stage_keys;

/** Refuse values of keys named like secrets and values that look like keys; their text in the tree becomes "(hidden)". */
void overlay_refuse_secrets(struct arena *a, struct yaml_node *node, struct problems *problems);
/** Lay the profiles (in order) and then the sets over `root`; the section `profiles` is taken out of it.
 * Maps are merged, `stages` is overlaid by name, anything else is replaced. A provider of another `kind`, and the `with` of a stage whose `uses`
 * changes, are replaced whole, since the options of one kind mean nothing to another. `ret_names` gets the names of all profiles. */
void overlay_apply(struct arena *a, struct yaml_node *root, const struct config_args *args,
	struct option_list *ret_names, struct problems *problems);
/** A --set as a message may repeat it, appended: without the value where that may be a secret. */
void overlay_set_shown(struct buf *ret, const char *text);
/** A member of `keys`? Else a problem "LEAD 'KEY'; did you mean…". */
bool overlay_known(
	struct yaml_mark mark, const char *lead, struct str key, const struct option_list *keys, struct problems *problems);
/** The names of the maps in a list (`stages`), or of the members of a map. */
struct option_list overlay_names(struct arena *a, const struct yaml_node *node);

#endif
