/* Graphs are written as lines "NAME KIND[!][*] NEEDS | READS | WRITES": KIND s(ource) m(ap) e(xpand) r(educe) k (sink) c (map that clears privacy)
 * p (map with a provider); "!": a private source; a path with '?' is optional. */
#include "base/alloc.h"
#include "core/graph.h"
#include "core/problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX 40

struct world {
	struct arena arena;
	struct graph_stage stages[MAX];
	struct stage stage[MAX];
	struct stage_fields fields[MAX];
	struct problems problems;
	struct graph *graph;
	size_t n;
};

static bool yes(const void *params)
{
	(void)params;
	return true;
}

static const struct stage_ops kinds[] = {
	{.name = "s", .kind = STAGE_SOURCE},
	{.name = "s!", .kind = STAGE_SOURCE, .is_private = yes},
	{.name = "m", .kind = STAGE_MAP},
	{.name = "p", .kind = STAGE_MAP},
	{.name = "c", .kind = STAGE_MAP, .flags = STAGE_CLEARS_PRIVACY},
	{.name = "e", .kind = STAGE_EXPAND},
	{.name = "r", .kind = STAGE_REDUCE},
	{.name = "k", .kind = STAGE_SINK},
};
static const struct provider some_provider = {.name = "w"};

static int index_of(const struct world *w, struct str name)
{
	for (size_t i = 0; i < w->n; i++)
		if (str_is(name, w->stage[i].name))
			return (int)i;
	fail_msg("no stage %.*s", STR_FMT(name));
	return -1;
}

static void add_fields(struct world *w, struct str list, struct field *fields, size_t *n)
{
	struct str path;
	while (str_split(&list, ' ', &path)) {
		if (!path.n)
			continue;
		bool optional = path.p[path.n - 1] == '?';
		fields[*n] = (struct field){arena_dup(&w->arena, path.p, path.n - optional), optional ? FIELD_OPTIONAL : 0};
		(*n)++;
	}
}

static void add_stage(struct world *w, struct str line, struct str *ret_needs)
{
	struct str head = {NULL, 0}, reads = {NULL, 0}, writes = {NULL, 0}, name = {NULL, 0}, kind = {NULL, 0};
	str_split(&line, '|', &head);
	str_split(&line, '|', &reads);
	str_split(&line, '|', &writes);
	str_split(&head, ' ', &name);
	str_split(&head, ' ', &kind);
	size_t i = w->n++;
	for (size_t k = 0; k < COUNT_OF(kinds); k++)
		if (str_is(kind, kinds[k].name))
			w->stage[i].ops = &kinds[k];
	w->stages[i].vague = str_is(kind, "?");
	w->stage[i].name = arena_dup(&w->arena, name.p, name.n);
	w->stage[i].provider = str_is(kind, "p") ? &some_provider : NULL;
	add_fields(w, reads, w->fields[i].reads, &w->fields[i].nreads);
	add_fields(w, writes, w->fields[i].writes, &w->fields[i].nwrites);
	w->stages[i].stage = &w->stage[i];
	w->stages[i].fields = &w->fields[i];
	w->stages[i].mark = (struct yaml_mark){"f", (int)i + 1, 1};
	*ret_needs = head;
}

static void read_world(struct world *w, const char *text)
{
	struct str needs[MAX], rest = str_of(text), line, name;
	memset(w, 0, sizeof(*w));
	while (str_line(&rest, &line))
		add_stage(w, line, &needs[w->n]);
	for (size_t i = 0; i < w->n; i++) {
		int *v = arena_array(&w->arena, MAX, sizeof(*v));
		w->stages[i].needs = v;
		while (str_split(&needs[i], ' ', &name))
			if (name.n)
				v[w->stages[i].nneeds++] = index_of(w, name);
	}
}

static void build(struct world *w, const char *text)
{
	int order[MAX];
	read_world(w, text);
	assert_true(graph_order(w->stages, w->n, order, &w->problems));
	for (size_t i = 0; i < w->n; i++)
		assert_int_equal(order[i], i); /* the tests' lines stand in order */
	w->graph = graph_new(&w->arena, w->stages, w->n);
	graph_check(w->graph, &w->problems);
}

static void release(struct world *w)
{
	problems_release(&w->problems);
	arena_release(&w->arena);
}

static void assert_fine(const char *text)
{
	struct world w;
	build(&w, text);
	if (w.problems.n)
		fail_msg("%s: %s", text, w.problems.v[0].text);
	release(&w);
}

static void assert_problem(const char *text, int line, const char *words)
{
	struct world w;
	build(&w, text);
	if (w.problems.n != 1)
		fail_msg("%s: %zu problems (%s)", text, w.problems.n, w.problems.n ? w.problems.v[w.problems.n - 1].text : "");
	if (!strstr(w.problems.v[0].text, words))
		fail_msg("\"%s\" does not have \"%s\"", w.problems.v[0].text, words);
	assert_int_equal(w.problems.v[0].mark.line, line);
	release(&w);
}

static void test_order(void **state)
{
	(void)state;
	struct world w;
	int order[MAX];
	read_world(&w, "last k b a\nb m a\nother s\na s\nc m b\n");
	assert_true(graph_order(w.stages, w.n, order, &w.problems));
	static const int expected[] = {2, 3, 1, 0, 4};
	assert_memory_equal(order, expected, sizeof(expected));
	release(&w);
}

static void test_cycles(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
		size_t n;
	} rows[] = {
		{"a m c\nb m a\nc m b\n", "a -> b -> c -> a", 1},
		{"s s\na m s b\nb m a\nd m b\n", ": a -> b -> a", 1},
		{"a m a\n", "a -> a", 1},
		{"d m b\na m b\nb m a\nx m y\ny m x\n", "x -> y -> x", 2},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct world w;
		int order[MAX];
		read_world(&w, rows[i].text);
		assert_false(graph_order(w.stages, w.n, order, &w.problems));
		assert_int_equal(w.problems.n, rows[i].n);
		if (!strstr(w.problems.v[w.problems.n - 1].text, rows[i].words))
			fail_msg("%s", w.problems.v[w.problems.n - 1].text);
		release(&w);
	}
}

static void test_reads(void **state)
{
	(void)state;
	assert_fine("calls s || turns label\nclean m calls | turns.text id | qa.clean\nout k clean | turns.text "
				"label.is_fraud qa.clean |\n");
	assert_problem("calls s || label\nclean m calls | turns.text |\n", 2,
		"clean reads turns.text, but on the path calls -> clean nothing writes it");
	assert_problem("a s || turns\nb s || label\nn m b ||\nj m a n | turns.text |\n", 4, "on the path b -> n -> j");
	assert_fine("a s || label\nm m a | turns.text? |\n");
	/* what may be absent satisfies no one who must have it */
	assert_problem("a s || audio?\nm m a | audio |\n", 2, "m reads audio");
	/* "turns" covers "turns.text"; "turns.text" covers neither "turns" nor "turns.text_raw" */
	assert_problem("a s || turns.text\nm m a | turns |\n", 2, "m reads turns");
	assert_problem("a s || turns.text\nm m a | turns.text_raw |\n", 2, "m reads turns.text_raw");
	/* a stage that has errors of its own is trusted */
	assert_fine("a ? ||\nm m a | turns.text |\n");
	/* a write after the read is too late */
	assert_problem("a s ||\nb m a | x |\nc m b || x\n", 2, "a -> b");
}

static void test_reads_at_joins(void **state)
{
	(void)state;
	/* one call comes by both ways and has what either wrote */
	assert_fine("a s || turns\nsay m a || audio\nnote m a || annotations\nout k say note | audio annotations |\n");
	/* but a way round the writer adds nothing and is a mistake */
	assert_problem(
		"a s || turns\nsay m a || audio\nout k a say | audio |\n", 3, "on the path a -> out nothing writes it");
	assert_problem("a s || turns\nb m a ||\nsay m b || audio\nout k b say | audio |\n", 4, "on the path a -> b -> out");
}

static void test_expand(void **state)
{
	(void)state;
	assert_fine("a s || turns label\ne e a | turns | turns\nm m e | turns.text parents id |\n");
	/* parents' fields do not come along */
	assert_problem(
		"a s || turns label\ne e a | turns | turns\nm m e | label |\n", 3, "on the path e -> m nothing writes it");
	assert_problem("a s || turns\ne e a | label | turns label\n", 2, "e reads label");
	assert_problem("a s || turns\nm m a | parents |\n", 2, "m reads parents");
	assert_fine("a s || turns\ne e a | turns | turns\nj m a e | turns.text |\n");
}

static void test_joins(void **state)
{
	(void)state;
	assert_problem("a s || turns\nx m a || audio.object\ny m a || audio\nj m x y ||\nk k j ||\n", 4,
		"x and y both write audio.object on different paths that join at j");
	assert_fine("a s || turns\nx m a || audio\ny m a || audio_x\nj m x y ||\n");
	/* one after the other is no conflict */
	assert_fine("a s || turns\nx m a || turns\ny m x || turns\nj m x y ||\n");
	/* calls of different origins never meet */
	assert_fine("a s || turns\nb s || turns\nx m a || audio\ny m b || audio\nj m x y ||\n");
	/* paths that do not join do not conflict */
	assert_fine("a s || turns\nx m a || audio\ny m a || audio\nk k x ||\nl k y ||\n");
	/* the meeting may be further down */
	assert_problem("a s || turns\nx m a || audio?\nx2 m x ||\ny m a || audio\ny2 m y ||\nj m x2 y2 ||\n", 6,
		"x and y both write audio");
}

static void test_privacy(void **state)
{
	(void)state;
	assert_fine("a s! || turns\nc c a ||\np p c ||\nk k p ||\n");
	assert_fine("a s || turns\np p a ||\nk k p ||\n");
	assert_problem("a s! || turns\nm m a ||\np p m ||\nk k p ||\n", 3, "by a -> m -> p;");
	assert_problem("a s! || turns\nr r a ||\nk k r ||\n", 3, "reach the sink k by a -> r -> k");
	assert_problem("a s! || turns\nb s || turns\nc c a ||\np p b c a ||\n", 4, "by a -> p");
	/* children of private calls are private */
	assert_problem("a s! || turns\ne e a | | turns\nk k e ||\n", 3, "a -> e -> k");
	struct world w;
	build(&w, "a s! ||\np p a ||\nk k a ||\n");
	assert_int_equal(w.problems.n, 2);
	assert_non_null(strstr(w.problems.v[0].text, "`private: false`"));
	assert_non_null(strstr(w.problems.v[0].text, "anonymize"));
	release(&w);
}

static void test_origins(void **state)
{
	(void)state;
	struct world w;
	build(&w, "a s || turns\nb s || turns\nx m a ||\ny m a b ||\ne e x | turns | turns\nj m x y e a ||\nk k j ||\n");
	const struct graph *g = w.graph;
	assert_int_equal(w.problems.n, 0);
	assert_int_equal(g->nodes[0].norigins, 0);
	assert_int_equal(g->nodes[5].norigins, 3);
	assert_int_equal(graph_origin_at(g, 5, 0)->ways, 3);
	assert_int_equal(graph_origin_at(g, 5, 1)->ways, 1);
	assert_int_equal(graph_origin_at(g, 5, 4)->ways, 1);
	assert_int_equal(graph_origin_at(g, 6, 0)->ways, 1);
	assert_null(graph_origin_at(g, 4, 4));
	assert_int_equal(graph_origin_at(g, 4, 0)->ways, 1);
	/* what calls of a may have passed */
	const uint64_t *via = graph_origin_at(g, 5, 0)->via;
	assert_true(graph_bit(via, 0) && graph_bit(via, 2) && graph_bit(via, 3));
	assert_false(graph_bit(via, 1) || graph_bit(via, 4) || graph_bit(via, 5));
	int leaving[4];
	assert_int_equal(graph_leaving(g, 4, leaving, 4), 1);
	assert_int_equal(leaving[0], 4);
	assert_int_equal(graph_leaving(g, 5, leaving, 4), 3);
	assert_int_equal(graph_leaving(g, 6, leaving, 4), 0);
	assert_true(graph_is_ancestor(g, 0, 6));
	assert_true(graph_is_ancestor(g, 2, 4));
	assert_false(graph_is_ancestor(g, 4, 2));
	assert_false(graph_is_ancestor(g, 4, 4));
	assert_int_equal(g->nodes[0].nfollowers, 3);
	assert_int_equal(g->nodes[0].followers[2], 5);
	release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_reads_at_joins),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_joins),
		cmocka_unit_test(test_privacy),
		cmocka_unit_test(test_origins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
