// SPDX-License-Identifier: Apache-2.0
/* tls_offer_test: what real and odd hellos offer. */

#include "tls/tls_offer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ssl.h>

static char room[TLS_OFFER_ROOM];

/* The first flight of OpenSSL's client. */
static size_t real_hello(const char *name, const char *alpn, size_t alpn_len, char *wire,
			 size_t cap)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *out = BIO_new(BIO_s_mem());
	int n;

	if (name)
		SSL_set_tlsext_host_name(ssl, name);
	if (alpn)
		SSL_set_alpn_protos(ssl, (const unsigned char *)alpn, (unsigned int)alpn_len);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	SSL_set_connect_state(ssl);
	SSL_do_handshake(ssl);
	n = BIO_read(out, wire, (int)cap);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	assert_true(n > 0);
	return (size_t)n;
}

static void a_real_hello_says_name_and_protocols(void **state)
{
	char wire[4096];
	struct tls_offer offer;
	size_t n = real_hello("Shop.Example.COM.", "\2h2\3foo", 7, wire, sizeof(wire));

	(void)state;
	assert_int_equal(tls_offer_read(str_n(wire, n), room, &offer), TLS_HELLO_READY);
	assert_true(str_eq(offer.sni, STR("shop.example.com")));
	assert_int_equal(offer.n_alpn, 2);
	assert_true(str_eq(offer.alpn[0], STR("h2")) && str_eq(offer.alpn[1], STR("foo")));
	n = real_hello(NULL, NULL, 0, wire, sizeof(wire));
	assert_int_equal(tls_offer_read(str_n(wire, n), room, &offer), TLS_HELLO_READY);
	assert_int_equal(offer.sni.len, 0);
	assert_int_equal(offer.n_alpn, 0);
}

/* The same message in records of `piece` bytes. */
static size_t fragment(const char *wire, size_t n, size_t piece, char *out)
{
	size_t len = 0;

	for (size_t at = 5; at < n; at += piece) {
		size_t take = n - at < piece ? n - at : piece;

		memcpy(out + len, wire, 3);
		out[len + 3] = (char)(take >> 8);
		out[len + 4] = (char)take;
		memcpy(out + len + 5, wire + at, take);
		len += 5 + take;
	}
	return len;
}

static void fragments_are_put_together(void **state)
{
	static const size_t pieces[] = {1, 3, 4, 5, 100, 200};
	char wire[4096], cut[32768];
	struct tls_offer offer;
	size_t n = real_hello("a.test", NULL, 0, wire, sizeof(wire));

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		size_t len = fragment(wire, n, pieces[i], cut);

		assert_int_equal(tls_offer_read(str_n(cut, len), room, &offer), TLS_HELLO_READY);
		assert_true(str_eq(offer.sni, STR("a.test")));
		/* Not a byte too early. */
		assert_int_equal(tls_offer_read(str_n(cut, len - 1), room, &offer), TLS_HELLO_MORE);
		assert_int_equal(offer.sni.len, 0);
	}
}

/* Every length in it changed by one: it must be refused, or be waited for, or say the same. */
static void lengths_that_disagree_are_refused(void **state)
{
	char wire[4096], bad[4096];
	struct tls_offer offer;
	size_t n = real_hello("a.test", "\2h2", 3, wire, sizeof(wire)), refused = 0;

	(void)state;
	for (size_t i = 5 + 4 + 34; i < n; i++) {
		memcpy(bad, wire, n);
		bad[i]++;
		refused += tls_offer_read(str_n(bad, n), room, &offer) == TLS_HELLO_BAD;
	}
	assert_true(refused > 20);
}

static void odd_hellos_are_refused(void **state)
{
	static const char head[] = "\3\3"
				   "0123456789012345678901234567890123456789";
	struct tls_offer offer;
	char wire[256];

	(void)state;
	/* A body that ends after the random, and one whose version is none of TLS's. */
	for (int i = 0; i < 2; i++) {
		memcpy(wire, "\26\3\1\0\46\1\0\0\42", 9);
		memcpy(wire + 9, head, 34);
		if (i)
			wire[9] = 4;
		assert_int_equal(tls_offer_read(str_n(wire, 43), room, &offer), TLS_HELLO_BAD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_hello_says_name_and_protocols),
		cmocka_unit_test(fragments_are_put_together),
		cmocka_unit_test(lengths_that_disagree_are_refused),
		cmocka_unit_test(odd_hellos_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
