/* ROUGE-L (Lin 2004) between two texts, over characters without punctuation and blanks, as Self-Instruct (Wang et al. 2022) takes it over words.
 * The measure is the F of recall LCS/m and precision LCS/n with equal weight: 2·LCS/(m+n). Pure; thousandths, rounded down. */
#ifndef TAF_STAGES_ENHANCE_ROUGE_H
#define TAF_STAGES_ENHANCE_ROUGE_H

#include "base/arena.h"

/** A text as numbers of 16 bits. Characters beyond the Basic Multilingual Plane all count as one. */
struct rouge_text {
	uint16_t *v;
	size_t n;
};
/** Room for at most `text.n` numbers at `ret`; returns how many were written. */
size_t rouge_chars(struct str text, uint16_t *ret);

/** A text that others are compared with. */
struct rouge;
struct rouge *rouge_new(struct arena *a, const struct rouge_text *text);
/** Longest common subsequence, bit-parallel (Crochemore et al. 2001, Hyyrö 2004): O(m·n/64). */
size_t rouge_lcs(const struct rouge *r, const struct rouge_text *other);
/** ROUGE-L in thousandths. When it is surely not over `floor` (by the characters in common, whatever their order), `floor` itself. */
int64_t rouge_permille(struct rouge *r, const struct rouge_text *other, int64_t floor);

#endif
