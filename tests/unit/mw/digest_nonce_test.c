// SPDX-License-Identifier: Apache-2.0
/* digest_nonce_test: reference/traefik.md c.7; RFC 7616 3.3, 5.4. */

#include "mw_lab.h"

#include <pthread.h>
#include <stdatomic.h>

#include "mw/digest_nonce.h"

struct nonce {
	char text[DIGEST_NONCE_TEXT];
};

static struct str text_of(const struct nonce *nonce)
{
	return str_n(nonce->text, DIGEST_NONCE_TEXT);
}

static void done(struct mw_state *state)
{
	assert_true(ref_put(&state->ref));
	state->free(state);
}

static void counts_must_rise(void **unused)
{
	static const struct {
		uint64_t count;
		enum digest_nonce_verdict verdict;
	} rows[] = {
		{1, DIGEST_NONCE_FRESH},
		{1, DIGEST_NONCE_STALE},
		{2, DIGEST_NONCE_FRESH},
		{9, DIGEST_NONCE_FRESH},
		{3, DIGEST_NONCE_STALE},
		{0, DIGEST_NONCE_STALE},
		{10, DIGEST_NONCE_FRESH},
		{1 << 24, DIGEST_NONCE_STALE},
		{(1 << 24) - 1, DIGEST_NONCE_FRESH},
	};
	struct mw_state *state = digest_nonce_new();
	struct nonce nonce;

	(void)unused;
	digest_nonce_make(state, nonce.text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(digest_nonce_use(state, text_of(&nonce), rows[i].count),
				 rows[i].verdict);
	assert_true(state->memory_bytes(state) < 16384);
	done(state);
}

static void a_nonce_of_another_state_is_unknown(void **unused)
{
	struct mw_state *ours = digest_nonce_new(), *other = digest_nonce_new();
	struct nonce nonce;

	(void)unused;
	digest_nonce_make(other, nonce.text);
	assert_int_equal(digest_nonce_use(ours, text_of(&nonce), 1), DIGEST_NONCE_UNKNOWN);
	assert_int_equal(digest_nonce_use(ours, STR(""), 1), DIGEST_NONCE_UNKNOWN);
	assert_int_equal(digest_nonce_use(ours, STR("x"), 1), DIGEST_NONCE_UNKNOWN);
	digest_nonce_make(ours, nonce.text);
	nonce.text[DIGEST_NONCE_TEXT - 1] ^= 1;
	assert_int_equal(digest_nonce_use(ours, text_of(&nonce), 1), DIGEST_NONCE_UNKNOWN);
	nonce.text[3] = 'z';
	assert_int_equal(digest_nonce_use(ours, text_of(&nonce), 1), DIGEST_NONCE_UNKNOWN);
	assert_false(str_eq(digest_nonce_opaque(ours), digest_nonce_opaque(other)));
	done(ours);
	done(other);
}

static void questions_push_nobody_out(void **unused)
{
	struct mw_state *state = digest_nonce_new();
	struct nonce nonce, other;

	(void)unused;
	digest_nonce_make(state, nonce.text);
	assert_int_equal(digest_nonce_use(state, text_of(&nonce), 1), DIGEST_NONCE_FRESH);
	for (int i = 0; i < 10 * DIGEST_NONCE_USED; i++)
		digest_nonce_make(state, other.text);
	assert_int_equal(digest_nonce_use(state, text_of(&nonce), 2), DIGEST_NONCE_FRESH);
	done(state);
}

static void a_forgotten_nonce_is_stale_for_ever(void **unused)
{
	enum { N = 4 * DIGEST_NONCE_USED };
	struct mw_state *state = digest_nonce_new();
	struct nonce *nonces = calloc(N, sizeof(*nonces));
	size_t kept = 0;

	(void)unused;
	for (int i = 0; i < N; i++) {
		digest_nonce_make(state, nonces[i].text);
		assert_int_equal(digest_nonce_use(state, text_of(&nonces[i]), 1),
				 DIGEST_NONCE_FRESH);
	}
	/* No count is ever taken twice, whatever was pushed out. */
	for (int i = 0; i < N; i++) {
		assert_int_equal(digest_nonce_use(state, text_of(&nonces[i]), 1),
				 DIGEST_NONCE_STALE);
		kept += digest_nonce_use(state, text_of(&nonces[i]), 2) == DIGEST_NONCE_FRESH;
	}
	assert_true(kept >= DIGEST_NONCE_USED / 2 && kept <= DIGEST_NONCE_USED);
	free(nonces);
	done(state);
}

struct race {
	struct mw_state *state;
	struct nonce *nonces;
	atomic_int *fresh;
};

enum { RACERS = 4, RACED = 400 };

static void *race(void *arg)
{
	struct race *racing = arg;

	for (int i = 0; i < RACED; i++)
		if (digest_nonce_use(racing->state, text_of(&racing->nonces[i]), 7) ==
		    DIGEST_NONCE_FRESH)
			atomic_fetch_add(&racing->fresh[i], 1);
	return NULL;
}

static void of_many_at_once_one_passes(void **unused)
{
	struct nonce nonces[RACED];
	atomic_int fresh[RACED] = {0};
	struct race racing = {digest_nonce_new(), nonces, fresh};
	pthread_t threads[RACERS];

	(void)unused;
	for (int i = 0; i < RACED; i++)
		digest_nonce_make(racing.state, nonces[i].text);
	for (int i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racing), 0);
	for (int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < RACED; i++)
		assert_true(atomic_load(&fresh[i]) <= 1);
	done(racing.state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_must_rise),
		cmocka_unit_test(a_nonce_of_another_state_is_unknown),
		cmocka_unit_test(questions_push_nobody_out),
		cmocka_unit_test(a_forgotten_nonce_is_stale_for_ever),
		cmocka_unit_test(of_many_at_once_one_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
