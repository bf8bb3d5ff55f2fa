/* What the files that read a scenario share: scenario.c (the whole), scenario_slots.c, scenario_text.c, scenario_dialogue.c and scenario_values.c. Inside
 * core/scenario*.c only. Nothing here fails: what is wrong becomes a problem with its place, and reading goes on with what could be understood. */
#ifndef TAF_CORE_SCENARIO_PARTS_H
#define TAF_CORE_SCENARIO_PARTS_H

#include "core/scenario.h"

struct scenario_reader {
	struct arena *a; /* the scenario's */
	struct problems *p;
	struct scenario *s;
	bool *slot_used; /* by index of the slot */
};

/* --- Values (scenario_values.c) --- */
/** Whether `map` is one, and has no other keys than these (NULL-terminated). */
bool scenario_keys(struct scenario_reader *r, const struct yaml_node *map, const char *const *keys);
/** A text without blanks around it; empty when it is missing or wrong. */
struct str scenario_get_text(struct scenario_reader *r, const struct yaml_node *map, const char *key, bool required);
/** One of `choices`, or -1 with a problem (missing: -1 without one). */
int scenario_get_choice(
	struct scenario_reader *r, const struct yaml_node *map, const char *key, const char *const *choices);
/** A whole number in 0…max; `missing` when it is not there or wrong. */
int64_t scenario_get_int(
	struct scenario_reader *r, const struct yaml_node *map, const char *key, int64_t missing, int64_t max);
/** 0…1, as percent. */
int scenario_get_percent(struct scenario_reader *r, const struct yaml_node *map, const char *key, int missing);
/** [low, high] in 0…max. False with a problem when it is not that. */
bool scenario_get_range(
	struct scenario_reader *r, const struct yaml_node *v, int64_t max, int64_t *ret_low, int64_t *ret_high);
/** A list of texts; a single text is a list of one. How many. */
size_t scenario_get_texts(struct scenario_reader *r, const struct yaml_node *v, struct str **ret);
/** Members of a map, sorted by key: the order they are written in must not shape a call. */
struct yaml_node **scenario_sorted(struct scenario_reader *r, const struct yaml_node *map);

/* --- Slots (scenario_slots.c) --- */
/** `slots:` of the file, NULL when there is none: before all that may use them. */
void scenario_read_slots(struct scenario_reader *r, const struct yaml_node *slots);
/** A slot is used here, by this name: it must be one of the file's or one that every scenario has. */
void scenario_use_slot(struct scenario_reader *r, struct str name, struct yaml_mark mark);

/* --- Texts with marks (scenario_text.c) --- */
void scenario_read_text(struct scenario_reader *r, struct str s, struct yaml_mark mark, struct scenario_text *ret);

/* --- Phases and endings, conditions (scenario_dialogue.c) --- */
/** Any call. */
void scenario_when_init(struct scenario_when *w);
/** `when:` and the like; what is not said stays as it is. */
void scenario_read_when(struct scenario_reader *r, const struct yaml_node *v, struct scenario_when *w);
void scenario_read_dialogue(struct scenario_reader *r, const struct yaml_node *root);

#endif
