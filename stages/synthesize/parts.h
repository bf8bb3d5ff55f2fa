/* What the files of synthesize share: its parameters, and the two sides of its work. */
#ifndef TAF_SYNTHESIZE_PARTS_H
#define TAF_SYNTHESIZE_PARTS_H

#include "core/line_rules.h"
#include "core/work.h"
#include "provider/script.h"
#include "stages/synthesize/bands.h"
#include "stages/synthesize/prompts.h"
#include "stages/synthesize/synthesize.h"

enum grid_choice { GRID_AUTO, GRID_PERSONAS, GRID_BANDS };

struct params {
	struct str provider;
	struct option_list scenarios;
	struct str personas;
	int64_t count, per_scenario;
	/* agents */
	int grid;
	struct str bands, line_rules;
	struct option_list prompts;
	int64_t min_turns, max_turns, max_chars;
	bool emotions;
	double manager_temperature;
};

/* --- Listing --- */
/** A scenario to be listed. */
struct listed {
	struct scenario *scenario;
	int file;
	uint64_t rank;
	int64_t quota;
};
/** The part of `total` for the thing at `position` of `n` in the order of ranks: the first get the remainder. Ranks are hashes, so that a higher total only
 * adds and a thing that joins only takes. */
int64_t grid_share(int64_t total, size_t n, size_t position);
struct json *label_json(struct arena *a, const struct scenario *s);
/** The grid of bands. `items` are in the order of their ranks; each suits some cell.
 * With `count`: shared over labels; the part of a label over its cells (age × awareness or style); the part of a cell over the label's scenarios that suit it,
 * its remainder to them in turn. So labels differ by one call at most, and so do cells of one label. With per_scenario: over the scenario's own cells. */
int grid_list(struct stage *s, struct lister *l, struct arena *a, const struct bands *b, const struct listed *items);

/* --- Agents --- */
/** What the agents need: read-only once loaded. */
struct agents;
int agents_load(struct stage *s, struct agents **ret, struct err *e);
const struct bands *agents_bands(const struct agents *agents);

/** Who talks about what. */
struct cast {
	const struct scenario *scenario;
	struct persona who;          /* the user; age_min = age_max when drawn from a band */
	const struct manner *manner; /* awareness of a fraud call, style of a normal one */
};
struct talk_turn {
	enum scenario_role role;
	struct str text, emotion; /* emotion: empty unless asked for */
};
struct talk_result {
	struct script_people people;
	struct talk_turn *turns;
	size_t nturns;
	enum scenario_by by;
	const char *signal; /* ENDCALL_SIGNAL or TERMINATE_SIGNAL */
	struct str reason;
};
/** Write the call of this item by asking the stage's provider. ERR_INVALID names the question and the rule that its last draw broke; other errors are
 * work_chat()'s. The result lives in the record's arena. */
int agents_write(
	struct work *w, const struct agents *agents, const struct cast *cast, struct talk_result *ret, struct err *e);
/** See stage_ops.cost; nothing when the prompts cannot be read. */
void agents_cost(const struct stage *s, struct stage_cost *ret);

#endif
