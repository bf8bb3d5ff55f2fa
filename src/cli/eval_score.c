/* The numbers. Definitions as in every textbook; where nothing can be divided, 0. */
#include "cli/eval.h"

#include <math.h>
#include <string.h>

#define Z 1.959963984540054 /* the 97.5% point of the normal distribution */

static double ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

static double f_one(double precision, double recall)
{
	return ratio(2 * precision * recall, precision + recall);
}

/* Wilson 1927: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n). */
void eval_wilson(int64_t k, int64_t n, struct eval_share *ret)
{
	*ret = (struct eval_share){.k = k, .n = n, .high = 1};
	if (n <= 0)
		return;
	double m = (double)n, p = (double)k / m, zz = Z * Z;
	double middle = (p + zz / (2 * m)) / (1 + zz / m);
	double half = Z * sqrt(p * (1 - p) / m + zz / (4 * m * m)) / (1 + zz / m);
	ret->value = p;
	ret->low = k == 0 ? 0 : middle - half;
	ret->high = k == n ? 1 : middle + half;
}

static void count(struct eval_score *s, const struct eval_item *item, size_t none)
{
	size_t predicted = item->found == EVAL_FOUND ? (size_t)item->predicted : none;
	s->items++;
	s->found[item->found]++;
	s->confusion[item->truth][predicted]++;
}

static void add_class(struct eval_score *s, size_t label, size_t nlabels)
{
	struct eval_class *c = &s->classes[s->nclasses];
	int64_t support = 0, predicted = 0, hits = s->confusion[label][label];
	for (size_t i = 0; i <= nlabels; i++)
		support += s->confusion[label][i];
	for (size_t i = 0; i < nlabels; i++)
		predicted += s->confusion[i][label];
	if (support == 0 && predicted == 0)
		return;
	c->label = (int)label;
	eval_wilson(hits, predicted, &c->precision);
	eval_wilson(hits, support, &c->recall);
	c->f1 = f_one(c->precision.value, c->recall.value);
	s->nclasses++;
}

static void means(struct eval_score *s)
{
	for (size_t i = 0; i < s->nclasses; i++) {
		const struct eval_class *c = &s->classes[i];
		double share = ratio((double)c->recall.n, (double)s->items), one = 1.0 / (double)s->nclasses;
		s->macro.precision += one * c->precision.value;
		s->macro.recall += one * c->recall.value;
		s->macro.f1 += one * c->f1;
		s->weighted.precision += share * c->precision.value;
		s->weighted.recall += share * c->recall.value;
		s->weighted.f1 += share * c->f1;
	}
	/* Each item has one class: over all of them a false positive is another class's false negative, but for items without an answer. */
	s->micro.precision = ratio((double)s->accuracy.k, (double)s->found[EVAL_FOUND]);
	s->micro.recall = s->accuracy.value;
	s->micro.f1 = f_one(s->micro.precision, s->micro.recall);
}

void eval_score(const struct eval_bench *b, enum eval_task task, enum eval_stratum by, const struct str *value,
	struct eval_score *ret)
{
	size_t n = b->labels[task].n;
	int64_t hits = 0;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < b->n; i++) {
		const struct eval_item *item = &b->items[i];
		if (item->task == task && (!value || str_eq(item->strata[by], *value)))
			count(ret, item, n);
	}
	for (size_t i = 0; i < n; i++) {
		hits += ret->confusion[i][i];
		add_class(ret, i, n);
	}
	eval_wilson(hits, ret->items, &ret->accuracy);
	means(ret);
}
