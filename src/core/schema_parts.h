/* What reading and checking of a schema share. Inside core/schema_*.c only. */
#ifndef TAF_CORE_SCHEMA_PARTS_H
#define TAF_CORE_SCHEMA_PARTS_H

#include "core/schema.h"
#include "io/regex.h"

struct rule;

struct rule_list {
	const struct rule **v;
	size_t n;
};

/** A member of `properties`, or a pattern of `patternProperties` (then with `regex`). */
struct rule_member {
	struct str key;
	const struct regex *regex;
	const struct rule *rule;
};
struct rule_members {
	struct rule_member *v;
	size_t n;
};

#define RULE_NUMBERS(X) \
	X(MULTIPLE_OF, "multipleOf", "a multiple of ") \
	X(MINIMUM, "minimum", "at least ") \
	X(MAXIMUM, "maximum", "at most ") \
	X(ABOVE, "exclusiveMinimum", "more than ") \
	X(BELOW, "exclusiveMaximum", "less than ")

#define RULE_COUNTS(X) \
	X(MIN_LENGTH, "minLength") \
	X(MAX_LENGTH, "maxLength") \
	X(MIN_ITEMS, "minItems") \
	X(MAX_ITEMS, "maxItems") \
	X(MIN_MEMBERS, "minProperties") \
	X(MAX_MEMBERS, "maxProperties") /* the least and the most of each in a row */

enum rule_number {
#define X(name, keyword, words) RULE_##name,
	RULE_NUMBERS(X)
#undef X
		RULE_NUMBER_COUNT
};
enum rule_count {
#define X(name, keyword) RULE_##name,
	RULE_COUNTS(X)
#undef X
		RULE_COUNT_COUNT
};

/** Other schemas that are held against the same value. */
enum rule_same { RULE_REF, RULE_NOT, RULE_IF, RULE_THEN, RULE_ELSE, RULE_SAME_COUNT };
/** Lists of them. */
enum rule_group { RULE_ALL_OF, RULE_ANY_OF, RULE_ONE_OF, RULE_GROUP_COUNT };

/** One schema of the document. What is not there is NULL, 0, or -1 for counts. */
struct rule {
	const struct json *from; /* true and false are schemas too */
	const char *place;       /* "#/properties/turns" */
	unsigned types;          /* bits by RULE_TYPE; 0: any */
	const struct json *constant, *choices;
	const struct json *numbers[RULE_NUMBER_COUNT];
	int64_t counts[RULE_COUNT_COUNT];
	const struct regex *pattern;
	struct str pattern_text;
	struct rule_list prefix;
	const struct rule *items, *contains, *additional, *names;
	struct rule_members members, patterns;
	const struct json *required; /* list of texts */
	bool unique;
	const struct rule *same[RULE_SAME_COUNT];
	struct rule_list groups[RULE_GROUP_COUNT];
	int mark; /* while reading: 1 on the way, 2 done, in the search for circles */
};

struct schema {
	const struct json *document;
	const struct rule *root;
};

#define RULE_TYPE_NUMBER (1u << 7) /* `number`: integers and reals; the others are 1 << enum json_kind */

/** Numbers as numbers, whatever their kind: < 0, 0, > 0. */
int schema_compare(const struct json *a, const struct json *b);
/** Exact on the decimal forms: 0.0075 is a multiple of 0.0001, which no double arithmetic says. `of` is more than 0. */
bool schema_is_multiple(const struct json *v, const struct json *of);

#endif
