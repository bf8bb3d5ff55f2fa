/* enhance on the real transcripts beside the project: most parents yield children, labels are kept, no child is near to a call, none repeats. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "core/call.h"
#include "tests/stages/enhance/poolkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DATA "../shared/data/transcripts"

extern const struct stage_ops stage_import;

static void import_all(struct poolkit *p)
{
	struct kit k;
	struct err e = ERR_INIT;
	if (kit_open(&k, &stage_import, "inputs: [" DATA "/*.jsonl]\n", ".", &e) || kit_list(&k, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < k.n; i++) {
		struct work w;
		if (kit_work(&k, k.items[i].id.p, k.items[i].content, &w, &e))
			fail_msg("%s: %s", k.items[i].id.p, e.text);
		poolkit_add(p, k.items[i].id.p, w.fields);
	}
	kit_close(&k);
}

static struct str child_text(struct arena *a, const struct json *child)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, json_get(child, "turns"));
	return arena_str(a, buf_view(&b));
}

static void most_parents_yield(void **state)
{
	(void)state;
	struct poolkit p;
	struct map texts = MAP_INIT;
	size_t slots = 0, made = 0, parents = 0, yielding = 0, bins[14] = {0};
	if (access(DATA, R_OK) != 0) {
		printf("skipped: no real transcripts at %s\n", DATA);
		skip();
	}
	pool_open(&p, "parents: 150\n");
	import_all(&p);
	pool_peers(&p);
	int64_t start = clock_ms();
	for (size_t i = 0; i < p.n; i++) {
		size_t before = made;
		for (int slot = 0; p.v[i].parent && slot < 2; slot++, slots++) {
			struct work w;
			struct err e = ERR_INIT;
			bool fresh;
			if (pool_work(&p, p.v[i].id.p, slot, &w, &e) < 0)
				fail_msg("%s: %s", p.v[i].id.p, e.text);
			if (w.rejected)
				continue;
			int64_t rouge = json_get_int(json_get(w.fields, "enhancement"), "rouge_l_permille", -1);
			assert_in_range(rouge, 1, 699);
			bins[rouge / 50]++;
			assert_true(
				json_equal(json_path(w.fields, "label.fraud_type"), json_path(p.v[i].call, "label.fraud_type")));
			assert_true(json_equal(json_path(w.fields, "label.scene"), json_path(p.v[i].call, "label.scene")));
			map_put(&texts, child_text(&p.arena, w.fields), &fresh);
			assert_true(fresh);
			made++;
		}
		parents += p.v[i].parent;
		yielding += made > before;
	}
	printf("%zu of %zu slots, %zu of %zu parents yield a child, %.1f ms a slot; ROUGE-L from 0 by 0.05:", made, slots,
		yielding, parents, (double)(clock_ms() - start) / (double)slots);
	for (size_t i = 0; i < COUNT_OF(bins); i++)
		printf(" %zu", bins[i]);
	printf("\n");
	assert_int_equal(parents, 150);
	assert_true(yielding * 100 >= parents * 80);
	map_release(&texts);
	pool_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(most_parents_yield),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
