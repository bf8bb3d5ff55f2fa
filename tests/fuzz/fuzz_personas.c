/* Persona files: names once each, values within their ranges, or words about each problem. */
#include "base/alloc.h"
#include "core/scenario.h"
#include "tests/fuzz/fuzz.h"

static void check_persona(const struct persona *who)
{
	ASSERT(who->name.n > 0 && who->name.n <= SCENARIO_NAME_MAX && id_valid(who->name));
	ASSERT(who->age_min >= 0 && who->age_min <= who->age_max && who->age_max <= 150);
	ASSERT(str_is(who->gender, "男") || str_is(who->gender, "女"));
	ASSERT(who->occupation.n > 0 && scenario_unspeakable(who->occupation).n == 0);
	ASSERT(who->awareness == AWARE_LOW || who->awareness == AWARE_MID || who->awareness == AWARE_HIGH);
	ASSERT(who->filler_percent >= 0 && who->filler_percent <= 100);
	for (size_t i = 0; i < who->nfillers; i++)
		ASSERT(who->fillers[i].n > 0 && scenario_unspeakable(who->fillers[i]).n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	struct personas people = {NULL, 0};
	bool good = personas_parse(&a, "input.yaml", fuzz_str(data, size), &people, &p);
	ASSERT(good == (p.n == 0));
	problems_print(&p, &said);
	fuzz_text(buf_view(&said));
	for (size_t i = 0; good && i < people.n; i++) {
		check_persona(&people.v[i]);
		for (size_t k = 0; k < i; k++)
			ASSERT(!str_eq(people.v[i].name, people.v[k].name));
	}
	return 0;
}
