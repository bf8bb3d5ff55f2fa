/* A proportional stratified sample of families, stable when the population grows.
 *
 * Population: families of calls, each in one stratum, each with a hash that depends on nothing but seed and name of the
 * family.
 *
 * Quotas (sample_quotas): each stratum gets size · n_s / N calls rounded down; the calls that are missing to `size` go
 * one each to the strata with the largest remainders (Hamilton's method), ties to the stratum that is first by name. So
 * the quotas sum to `size`, and each is less than one call away from proportional. size > N counts as N.
 *
 * Choice (sample_choose): the families of a stratum in order of their hash; each is chosen if it fits into what is left
 * of the quota as a whole, and passed over if not. So a quota is never exceeded, it is met exactly where enough
 * families of one call are left, and otherwise missed by less than the smallest family that was passed over. A family
 * larger than the quota is never chosen.
 *
 * Stability. Two populations, before and after; quotas q and q' of one stratum. Call a family unchanged when it has the
 * same calls, name and stratum in both. Let T be the calls of the families that are chosen after and are not unchanged
 * (new ones, those that grew), and M the calls of the largest unchanged family. Then the calls of unchanged families
 * that leave the sample in this stratum are at most
 *
 *     T + max(0, q - q') + 2 (M - 1)                                                                                              (1)
 *
 * and those that enter it at most the same with before and after exchanged. Without families (M = 1): who leaves makes
 * room for a new call, or for a smaller quota. Proof: let f, of m calls, be the first unchanged family in hash order
 * that leaves. When f is looked at after, less than m is left: R' <= m - 1. Taken until then, q' - R', are the
 * unchanged families chosen before and after, A calls; the unchanged ones that entered, E; and others, T_f <= T.
 * Before, at most q - A calls could be taken from f on, and all leavers are among them:
 *     leavers <= q - A = (q - q') + R' + E + T_f.
 * If E = 0, that is (1). Otherwise let g be the last that entered before f, E_g and T_g what had entered and come until
 * then. g fits after and did not fit before, so more was left: 0 < (q' - q) - E_g - T_g + C, where C are the calls of
 * other families which before took. Hence E = E_g + |g| <= (q' - q) - 1 - T_g + C + |g|. C also stands on the left
 * side, since they take room before: leavers <= q - A - C. Together
 *     leavers <= R' + (|g| - 1) + T_f - T_g <= T + 2 (M - 1).                                                                    □
 *
 * How much quotas move: where the sample is a share of the population (rounded to a whole number of calls), a quota is
 * less than 1.5 calls off share · n_s, so the quota of a stratum that does not change moves by two at most. With a
 * fixed size the quota of a stratum shrinks as its part of the population does; all decreases together are all
 * increases. So with 10% more calls, no families, and a share: about a tenth of the members are new, and at most as
 * many old ones as came, and two a stratum, leave.
 *
 * Whole numbers only; up to 2^31 calls. Pure functions. */
#ifndef TAF_STAGES_BENCH_SAMPLE_H
#define TAF_STAGES_BENCH_SAMPLE_H

#include "base/str.h"

enum sample_side { SAMPLE_REST, SAMPLE_TEST, SAMPLE_DEV };

struct sample_family {
	uint64_t hash;
	struct str name; /* decides between equal hashes */
	uint32_t stratum, calls;
	uint32_t tag; /* the caller's */
	bool barred;  /* not in the population */
	enum sample_side side;
};

/** Quotas of `n` strata, given in order of their names, for a sample of `size` calls. */
void sample_quotas(const int64_t *calls, size_t n, int64_t size, int64_t *ret_quotas);
/** Put a sample of `size` calls on `side`, out of those families that are not barred and on SAMPLE_REST. Strata are
 * 0…nstrata-1, in order of their names. The families are left in hash order. */
void sample_choose(struct sample_family *v, size_t n, size_t nstrata, int64_t size, enum sample_side side);

#endif
