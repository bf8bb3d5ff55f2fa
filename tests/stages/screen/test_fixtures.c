/* The project's own transcripts: all become calls, all labels occur, and screen rejects those that were written to be rejected, no other. */
#include "base/alloc.h"
#include "core/call.h"
#include "stages/import/import.h"
#include "stages/screen/rules.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *id, *rule;
} rejected[] = {
	{"demo-normal/normal_004", "control_signal"},
	{"demo-normal/normal_008", "api_error"},
	{"demo-normal/normal_012", "too_short"},
	{"demo-normal/normal_016", "repeated_turns"},
	{"demo-normal/normal_020", "non_chinese"},
	{"demo-normal/normal_028", "empty"},
};

static const char *rule_for(struct str id)
{
	for (size_t i = 0; i < COUNT_OF(rejected); i++)
		if (str_is(id, rejected[i].id))
			return rejected[i].rule;
	return NULL;
}

static void fixtures(void **state)
{
	(void)state;
	struct kit in, k;
	struct err e = ERR_INIT;
	struct map seen = MAP_INIT;
	struct labels labels;
	size_t nrejected = 0;
	if (kit_open(&in, &stage_import, "inputs: [tests/fixtures/transcripts/*.jsonl, tests/fixtures/full/*.json]\n", ".",
			&e) ||
		kit_list(&in, &e) || kit_open(&k, &stage_screen, "{}", ".", &e) ||
		labels_load(&k.arena, "schemas/labels.yaml", &labels, &e))
		fail_msg("%s", e.text);
	assert_int_equal(in.n, 72);
	for (size_t i = 0; i < in.n; i++) {
		struct work call, verdict;
		const struct kit_item *item = &in.items[i];
		if (item->broken || kit_work(&in, item->id.p, item->content, &call, &e) ||
			kit_work(&k, item->id.p, call.fields, &verdict, &e))
			fail_msg("%s: %s", item->id.p, item->broken ? item->broken : e.text);
		const struct json *label = json_get(call.fields, "label");
		struct str name = json_get_str(label, "fraud_type");
		map_put(&seen, name.p ? name : json_get_str(label, "scene"), NULL);
		const char *rule = rule_for(item->id);
		const char *findings = kit_json(&k, json_path(verdict.fields, "qa.@.findings"));
		nrejected += verdict.rejected;
		if (verdict.rejected != (rule != NULL) || (rule && !strstr(findings, rule)))
			fail_msg("%s: %s", item->id.p, findings);
	}
	assert_int_equal(nrejected, COUNT_OF(rejected));
	assert_int_equal(seen.n, labels.nfraud_types + labels.nscenes);
	map_release(&seen);
	kit_close(&k);
	kit_close(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(fixtures)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
