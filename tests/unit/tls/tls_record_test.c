// SPDX-License-Identifier: Apache-2.0
/* tls_record_test: keys, sealing and opening of RFC 8446 5 and 7. */

#include "tls_lab.h"

#include "tls/tls_record.h"

static const unsigned char secret[TLS_RECORD_SECRET_MAX] =
	"a secret of forty-eight bytes, more or less ...";

static void keys_are_those_of_the_standards_example(void **state)
{
	/* RFC 8448 3: server_application_traffic_secret_0 and what is derived from it. */
	static const unsigned char example[32] = {0xa1, 0x1a, 0xf9, 0xf0, 0x55, 0x31, 0xf8, 0x56,
						  0xad, 0x47, 0x11, 0x6b, 0x45, 0xa9, 0x50, 0x32,
						  0x82, 0x04, 0xb4, 0xf4, 0x4b, 0xfb, 0x6b, 0x3a,
						  0x4b, 0x4f, 0x1f, 0x3f, 0xcb, 0x63, 0x16, 0x43};
	static const unsigned char key[16] = {0x9f, 0x02, 0x28, 0x3b, 0x6c, 0x9c, 0x07, 0xef,
					      0xc2, 0x6b, 0xb9, 0xf2, 0xac, 0x92, 0xe3, 0x56};
	static const unsigned char iv[12] = {0xcf, 0x78, 0x2b, 0x88, 0xdd, 0x83,
					     0x54, 0x9a, 0xad, 0xf1, 0xe9, 0x84};
	struct tls_record_keys keys;

	(void)state;
	assert_true(tls_record_keys_init(&keys, TLS_RECORD_AES128_GCM, example, 7));
	assert_int_equal(keys.seq, 7);
	assert_memory_equal(keys.key, key, sizeof(key));
	assert_memory_equal(keys.iv, iv, sizeof(iv));
	tls_record_keys_wipe(&keys);
	assert_int_equal(keys.key[0], 0);
}

struct ends {
	struct tls_record_keys seals, opens;
};

/* The client's direction, at both of its ends. */
static void ends(struct ends *ends, enum tls_record_suite suite)
{
	struct tls_record_keys other;

	if (!tls_record_is_tls12(suite)) {
		assert_true(tls_record_keys_init(&ends->seals, suite, secret, 0));
		assert_true(tls_record_keys_init(&ends->opens, suite, secret, 0));
		return;
	}
	assert_true(
		tls_record_keys_tls12(suite, secret, secret, secret + 16, &ends->seals, &other));
	assert_true(
		tls_record_keys_tls12(suite, secret, secret, secret + 16, &ends->opens, &other));
	assert_memory_not_equal(other.key, ends->seals.key, 16);
	ends->seals.seq = ends->opens.seq = 0;
}

/* What sealing adds to content. */
static size_t overhead(enum tls_record_suite suite)
{
	if (!tls_record_is_tls12(suite))
		return 5 + 1 + 16;
	return suite == TLS_RECORD_12_CHACHA20 ? 5 + 16 : 5 + 8 + 16;
}

static void ends_done(struct ends *ends)
{
	tls_record_keys_wipe(&ends->seals);
	tls_record_keys_wipe(&ends->opens);
}

static void what_is_sealed_opens_again(void **state)
{
	static const size_t lengths[] = {0, 1, 15, 16, 17, 1000, TLS_RECORD_PLAIN_MAX};
	static unsigned char data[TLS_RECORD_PLAIN_MAX], wire[TLS_RECORD_SEALED_MAX],
		out[TLS_RECORD_SEALED_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 31);
	for (int suite = 0; suite < TLS_RECORD__SUITES; suite++) {
		struct ends both;

		ends(&both, suite);
		for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
			size_t len = lengths[i];
			struct iovec parts[3] = {
				{data, len / 3}, {NULL, 0}, {data + len / 3, len - len / 3}};
			uint8_t type;
			ssize_t n = tls_record_seal(&both.seals, TLS_RECORD_DATA, parts, len, wire);

			assert_int_equal(n, len + overhead(suite));
			assert_int_equal(n - 5 - len, tls_record_least(suite));
			assert_int_equal(wire[0], 23);
			n = tls_record_open(&both.opens, wire, wire + 5, (size_t)n - 5, out, &type);
			assert_int_equal(n, len);
			assert_int_equal(type, TLS_RECORD_DATA);
			assert_memory_equal(out, data, len);
			/* And where it lies. */
			n = tls_record_seal(&both.seals, TLS_RECORD_DATA, parts, len, wire);
			assert_int_equal(tls_record_open(&both.opens, wire, wire + 5, (size_t)n - 5,
							 wire + 5, &type),
					 len);
			assert_memory_equal(wire + 5, data, len);
		}
		assert_int_equal(both.opens.seq, 2 * sizeof(lengths) / sizeof(*lengths));
		ends_done(&both);
	}
}

static void every_changed_bit_is_noticed(void **state)
{
	unsigned char data[8] = "12345678", wire[64], out[64];

	(void)state;
	for (int suite = 0; suite < TLS_RECORD__SUITES; suite++) {
		for (size_t at = 0; at < 8 + overhead(suite); at++) {
			/* The length is what tells how much there is to open; 1.2 does not protect
			 * it. */
			if (tls_record_is_tls12(suite) && (at == 3 || at == 4))
				continue;
			struct ends both;
			struct iovec part = {data, sizeof(data)};
			uint8_t type;

			ends(&both, suite);
			ssize_t n = tls_record_seal(&both.seals, TLS_RECORD_DATA, &part,
						    sizeof(data), wire);

			wire[at] ^= 0x10;
			assert_int_equal(tls_record_open(&both.opens, wire, wire + 5, (size_t)n - 5,
							 out, &type),
					 -EBADMSG);
			ends_done(&both);
		}
	}
}

static void order_and_number_count(void **state)
{
	unsigned char data[1] = "x", first[64], second[64], out[64];
	struct iovec part = {data, 1};
	struct ends both;
	uint8_t type;

	(void)state;
	ends(&both, TLS_RECORD_AES256_GCM);
	ssize_t n = tls_record_seal(&both.seals, TLS_RECORD_DATA, &part, 1, first);

	tls_record_seal(&both.seals, TLS_RECORD_DATA, &part, 1, second);
	assert_int_equal(tls_record_open(&both.opens, first, first + 5, (size_t)n - 5, out, &type),
			 1);
	/* The same one again. */
	assert_int_equal(tls_record_open(&both.opens, first, first + 5, (size_t)n - 5, out, &type),
			 -EBADMSG);
	ends_done(&both);
	ends(&both, TLS_RECORD_AES256_GCM);
	/* The second one first. */
	assert_int_equal(
		tls_record_open(&both.opens, second, second + 5, (size_t)n - 5, out, &type),
		-EBADMSG);
	ends_done(&both);
}

/* A record whose inner plaintext is given as it is: padding and all. */
static ssize_t open_inner(const unsigned char *inner, size_t len, uint8_t *type)
{
	static unsigned char wire[TLS_RECORD_SEALED_MAX + 300], out[TLS_RECORD_SEALED_MAX + 300];
	struct ends both;
	unsigned char nonce[12];
	EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
	int n;

	ends(&both, TLS_RECORD_AES128_GCM);
	memcpy(nonce, both.opens.iv, 12);
	wire[0] = 23;
	wire[1] = wire[2] = 3;
	wire[3] = (unsigned char)((len + 16) >> 8);
	wire[4] = (unsigned char)(len + 16);
	EVP_EncryptInit_ex(evp, EVP_aes_128_gcm(), NULL, both.opens.key, nonce);
	EVP_EncryptUpdate(evp, NULL, &n, wire, 5);
	EVP_EncryptUpdate(evp, wire + 5, &n, inner, (int)len);
	EVP_EncryptFinal_ex(evp, wire + 5 + len, &n);
	EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, 16, wire + 5 + len);
	EVP_CIPHER_CTX_free(evp);
	ssize_t got = tls_record_open(&both.opens, wire, wire + 5, len + 16, out, type);

	ends_done(&both);
	return got;
}

static void padding_is_taken_off(void **state)
{
	static unsigned char inner[TLS_RECORD_PLAIN_MAX + 200];
	uint8_t type = 0;

	(void)state;
	memcpy(inner, "ab\x17\0\0\0", 6);
	assert_int_equal(open_inner(inner, 6, &type), 2);
	assert_int_equal(type, TLS_RECORD_DATA);
	memcpy(inner, "\x01\x00\x15\0", 4);
	assert_int_equal(open_inner(inner, 4, &type), 2);
	assert_int_equal(type, TLS_RECORD_ALERT);
	/* RFC 8446 5.4: nothing but zeros. */
	assert_int_equal(open_inner((const unsigned char *)"\0\0\0", 3, &type), -EPROTO);
	/* RFC 8446 5.2: content above 2^14. */
	memset(inner, 'x', sizeof(inner));
	assert_int_equal(open_inner(inner, TLS_RECORD_PLAIN_MAX + 2, &type), -EMSGSIZE);
	assert_int_equal(open_inner(inner, TLS_RECORD_PLAIN_MAX + 1, &type), TLS_RECORD_PLAIN_MAX);
}

static void more_connections_than_contexts_work(void **state)
{
	enum { N = TLS_RECORD_CONTEXTS + 300 };
	struct ends *all = calloc(N, sizeof(*all));
	unsigned char data[4] = "data", wire[64], out[64];
	struct iovec part = {data, 4};
	uint8_t type;

	(void)state;
	for (int i = 0; i < N; i++)
		ends(&all[i], i % TLS_RECORD__SUITES);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < N; i++) {
			ssize_t n = tls_record_seal(&all[i].seals, TLS_RECORD_DATA, &part, 4, wire);

			assert_int_equal(tls_record_open(&all[i].opens, wire, wire + 5,
							 (size_t)n - 5, out, &type),
					 4);
		}
	for (int i = 0; i < N; i++)
		ends_done(&all[i]);
	free(all);
}

static void an_update_changes_the_key_on_both_sides(void **state)
{
	unsigned char data[1] = "x", wire[64], out[64], before[32];
	struct iovec part = {data, 1};
	uint8_t type;

	(void)state;
	for (int suite = 0; suite <= TLS_RECORD_CHACHA20; suite++) {
		struct ends both;

		ends(&both, suite);
		ssize_t n = tls_record_seal(&both.seals, TLS_RECORD_DATA, &part, 1, wire);

		memcpy(before, both.seals.key, sizeof(before));
		assert_true(tls_record_keys_update(&both.seals));
		assert_memory_not_equal(before, both.seals.key, 16);
		assert_int_equal(both.seals.seq, 0);
		assert_int_equal(
			tls_record_open(&both.opens, wire, wire + 5, (size_t)n - 5, out, &type), 1);
		assert_true(tls_record_keys_update(&both.opens));
		tls_record_seal(&both.seals, TLS_RECORD_DATA, &part, 1, wire);
		assert_int_equal(
			tls_record_open(&both.opens, wire, wire + 5, (size_t)n - 5, out, &type), 1);
		ends_done(&both);
	}
}

static void suites_have_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(tls_record_suite_of(0x1301), TLS_RECORD_AES128_GCM);
	assert_int_equal(tls_record_suite_of(0x1303), TLS_RECORD_CHACHA20);
	assert_int_equal(tls_record_suite_of(0x1304), -1);
	assert_int_equal(tls_record_suite_of(0xc02f), TLS_RECORD_12_AES128_GCM);
	assert_int_equal(tls_record_suite_of(0xcca9), TLS_RECORD_12_CHACHA20);
	assert_int_equal(tls_record_suite_of(0xc009), -1); /* CBC */
	assert_int_equal(tls_record_secret_bytes(TLS_RECORD_AES256_GCM), 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_the_standards_example),
		cmocka_unit_test(what_is_sealed_opens_again),
		cmocka_unit_test(every_changed_bit_is_noticed),
		cmocka_unit_test(order_and_number_count),
		cmocka_unit_test(padding_is_taken_off),
		cmocka_unit_test(more_connections_than_contexts_work),
		cmocka_unit_test(an_update_changes_the_key_on_both_sides),
		cmocka_unit_test(suites_have_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
