// SPDX-License-Identifier: Apache-2.0
/* tls_ticket_test: keys change, the one before is still accepted, older ones are not. */

#include "tls_lab.h"

#include "base/clock.h"
#include "tls/tls_ticket.h"

enum { PERIOD_S = TLS_TICKET_ROTATE_HOURS * 3600 };

static int apply(struct tls_ticket_ring *ring, uint64_t now_s, unsigned char name[16], int seal)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
	unsigned char iv[16] = {0};
	int result = tls_ticket_apply(ring, now_s * NS_PER_SEC, name, iv, cipher, mac, seal);

	EVP_CIPHER_CTX_free(cipher);
	EVP_MAC_CTX_free(mac);
	EVP_MAC_free(hmac);
	return result;
}

static void a_key_lives_two_periods(void **state)
{
	static const struct {
		uint64_t at_s;
		int result; /* 0: unknown, 1: opened, 2: opened, make a new one */
	} rows[] = {
		{0, 1},
		{PERIOD_S - 1, 1},
		{PERIOD_S, 2},
		{2 * PERIOD_S - 1, 2},
		{2 * PERIOD_S + PERIOD_S, 0},
	};
	struct tls_ticket_ring *ring = tls_ticket_ring_new(0);
	unsigned char name[16];

	(void)state;
	assert_int_equal(apply(ring, 0, name, 1), 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(apply(ring, rows[i].at_s, name, 0), rows[i].result);
	tls_ticket_ring_free(ring);
}

static void a_long_silence_forgets_both_keys(void **state)
{
	struct tls_ticket_ring *ring = tls_ticket_ring_new(0);
	unsigned char name[16];

	(void)state;
	assert_int_equal(apply(ring, 0, name, 1), 1);
	assert_int_equal(apply(ring, 10 * PERIOD_S, name, 0), 0);
	tls_ticket_ring_free(ring);
}

static void rotation_by_hand_keeps_the_one_before(void **state)
{
	struct tls_ticket_ring *ring = tls_ticket_ring_new(0);
	unsigned char first[16], second[16];

	(void)state;
	assert_int_equal(apply(ring, 0, first, 1), 1);
	tls_ticket_ring_rotate(ring, 0);
	assert_int_equal(apply(ring, 0, second, 1), 1);
	assert_memory_not_equal(first, second, 16);
	assert_int_equal(apply(ring, 0, first, 0), 2);
	assert_int_equal(apply(ring, 0, second, 0), 1);
	tls_ticket_ring_rotate(ring, 0);
	assert_int_equal(apply(ring, 0, first, 0), 0);
	assert_int_equal(apply(ring, 0, second, 0), 2);
	tls_ticket_ring_free(ring);
	tls_ticket_ring_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_lives_two_periods),
		cmocka_unit_test(a_long_silence_forgets_both_keys),
		cmocka_unit_test(rotation_by_hand_keeps_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
