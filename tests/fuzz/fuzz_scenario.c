/* Scenario files. One without problems can be played: what it says can be spoken, and is the same for the same seed. */
#include "base/alloc.h"
#include "base/fs.h"
#include "provider/script.h"
#include "tests/fuzz/fuzz.h"

#define SEEDS 3

static void load(struct arena *a, struct labels *labels, struct personas *people)
{
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	ASSERT(labels_load(a, fuzz_data("schemas/labels.yaml"), labels, &e) == 0);
	ASSERT(fs_read(fuzz_data("stages/synthesize/personas.yaml"), 1 << 20, &text, &e) == 0);
	ASSERT(personas_parse(a, "personas.yaml", arena_str(a, buf_view(&text)), people, &p));
}

static void play(struct arena *a, const struct scenario *s, const struct persona *who, uint64_t seed)
{
	struct dialogue d, again;
	struct err e = ERR_INIT;
	int r = script_write(a, s, who, seed, &d, &e);
	if (r) {
		fuzz_failed(r, ERR_DATA, &e);
		return;
	}
	ASSERT(d.nturns > 0 && d.nturns <= CALL_TURNS_MAX && d.nphases <= SCENARIO_PHASES_MAX);
	ASSERT(script_write(a, s, who, seed, &again, &e) == 0 && again.nturns == d.nturns);
	for (size_t i = 0; i < d.nturns; i++) {
		ASSERT(d.turns[i].text.n > 0 && d.turns[i].text.n <= CALL_TURN_TEXT_MAX);
		ASSERT(str_eq(d.turns[i].text, again.turns[i].text) && scenario_unspeakable(d.turns[i].text).n == 0);
	}
	ASSERT(d.right_age >= who->age_min && d.right_age <= who->age_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena kept;
	static struct labels labels;
	static struct personas people;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	struct scenario *s = NULL;
	if (!people.n)
		load(&kept, &labels, &people);
	bool good = scenario_parse(&a, "input.yaml", fuzz_str(data, size), &s, &p);
	ASSERT(good ? s != NULL && p.n == 0 : p.n > 0);
	if (good)
		scenario_check(s, &labels, &people, &p);
	problems_print(&p, &said);
	fuzz_text(buf_view(&said));
	for (size_t i = 0; good && p.n == 0 && i < people.n; i++)
		for (uint64_t seed = 1; scenario_suits(s, &people.v[i]) && seed <= SEEDS; seed++)
			play(&a, s, &people.v[i], seed);
	return 0;
}
