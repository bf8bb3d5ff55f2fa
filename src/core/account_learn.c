#include "core/account_parts.h"

#include <math.h>

/* Chinese text has 3 bytes a character in UTF-8, and about a token a character in the tokenizers of today's Chinese models. */
#define FIRST_BYTES_A_TOKEN 3.0
#define FIRST_ANSWER 256
#define FORGET (1.0 / 32) /* weight of the newest, once there are as many */

static struct lane *lane_of(struct account *a, int lane)
{
	return &a->lanes[lane < 0 ? 0 : lane % ACCOUNT_LANES_MAX];
}

void account_expect(struct account *a, int lane, size_t bytes, int64_t max_tokens, int64_t *ret_in, int64_t *ret_out)
{
	pthread_mutex_lock(&a->all->lock);
	const struct lane *l = lane_of(a, lane), *in = l->tokens > 0 ? l : &a->every;
	double each = in->tokens > 0 ? in->bytes / in->tokens : FIRST_BYTES_A_TOKEN;
	double out = l->answers > 0 ? l->out : FIRST_ANSWER;
	pthread_mutex_unlock(&a->all->lock);
	if (max_tokens > 0 && out > (double)max_tokens)
		out = (double)max_tokens;
	*ret_in = (int64_t)ceil((double)bytes / each);
	*ret_out = (int64_t)ceil(out);
}

static void learn(struct lane *l, double bytes, double tokens_in, double tokens_out)
{
	if (bytes > 0 && tokens_in > 0) { /* a ratio of sums: long prompts count for more, as they do in the allowance */
		l->bytes = l->bytes * (1 - FORGET) + bytes;
		l->tokens = l->tokens * (1 - FORGET) + tokens_in;
	}
	l->answers++;
	l->out += (tokens_out - l->out) * fmax(FORGET, 1.0 / l->answers);
	if (l->answers > 1000000)
		l->answers = 1000; /* enough to be settled */
}

void account_learn(struct account *a, int lane, size_t bytes, int64_t tokens_in, int64_t tokens_out)
{
	/* A server that says nonsense must not stop the queue for good. */
	if (tokens_in < 0 || tokens_out < 0 || tokens_in > ACCOUNT_TOKENS_MAX || tokens_out > ACCOUNT_TOKENS_MAX)
		return;
	pthread_mutex_lock(&a->all->lock);
	learn(lane_of(a, lane), (double)bytes, (double)tokens_in, (double)tokens_out);
	learn(&a->every, (double)bytes, (double)tokens_in, (double)tokens_out);
	pthread_mutex_unlock(&a->all->lock);
}
