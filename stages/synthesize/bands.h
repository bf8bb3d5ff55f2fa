/* bands.yaml: the grid of calls that agents write, and who can be called. Parsed once into an arena, immutable afterwards. Limits: 20 ages, 20 awareness,
 * 20 styles, 1,000 occupations; manners of 1,000 bytes. */
#ifndef TAF_SYNTHESIZE_BANDS_H
#define TAF_SYNTHESIZE_BANDS_H

#include "core/scenario.h"
#include "core/stage.h"

#define BANDS_CELL_NAME_MAX 40 /* bytes of the name of a cell: it is in ids */

struct band { /* of ages */
	struct str name;
	int age_min, age_max; /* years, inclusive */
};
struct manner { /* a level of awareness, or a style */
	struct str name, text, manner;
};
struct occupation {
	struct str name, gender; /* 男, 女; empty: either */
	int age_min, age_max, weight;
};
struct bands {
	struct band *ages;
	struct manner *awareness, *styles;
	struct occupation *occupations;
	size_t nages, nawareness, nstyles, noccupations;
};
/** A cell of a label's grid. */
struct cell {
	const struct band *age;
	const struct manner *manner;
};
struct callee {
	int age;
	struct str gender, occupation;
};

/** Read the file. ERR_CONFIG tells all that is wrong in it, with file:line:col. */
int bands_load(struct arena *a, const char *path, struct bands *ret, struct err *e);
/** All cells for fraud calls or for normal ones, in the file's order; `*ret_n` of them. */
struct cell *bands_cells(struct arena *a, const struct bands *b, bool is_fraud, size_t *ret_n);
/** "26-40-low", in the arena. */
struct str cell_name(struct arena *a, const struct cell *c);
/** Whether the scenario is for somebody of this cell: some age and occupation suit both. */
bool cell_suits(const struct bands *b, const struct cell *c, const struct scenario *s);
/** A person of the cell whom the scenario suits (cell_suits): gender evenly, then an age evenly among those at which the gender has an occupation, then one of
 * the occupations of that age by weight. Draws by the item's id. */
void cell_draw(struct work *w, const struct bands *b, const struct cell *c, const struct scenario *s, struct callee *ret);
/** Of an entry of `awareness`. */
enum scenario_awareness awareness_of(const struct manner *m);
/** The awareness with this text (低, 中, 高), or NULL. */
const struct manner *bands_awareness(const struct bands *b, struct str text);

#endif
