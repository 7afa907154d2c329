// SPDX-License-Identifier: Apache-2.0
/* tls_facts_test: HTTP over TLS, and what is counted of it. */

#include "proxy/tls_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "proxy_fixture.h"

static SSL *open_tls(SSL_CTX *ctx, int *ret_fd)
{
	SSL *ssl = SSL_new(ctx);

	*ret_fd = loopback_connect(fixture.port);
	SSL_set_fd(ssl, *ret_fd);
	assert_int_equal(SSL_connect(ssl), 1);
	return ssl;
}

static void ask_tls(SSL *ssl, const char *text)
{
	char got[4096];
	int n;

	assert_int_equal(SSL_write(ssl, text, (int)strlen(text)), strlen(text));
	n = SSL_read(ssl, got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = 0;
	/* Head and body in one record. */
	assert_begins(got, "HTTP/1.1 200 OK\r\n");
	assert_has(got, "\r\n\r\nok");
}

static void requests_are_served_over_tls_and_counted(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	(void)state;
	fixture_prepare((const char *const[]){OK_ANSWER, NULL});
	fixture.tls = true;
	fixture_run();
	for (size_t i = 0; i < 2; i++) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
		int fd;

		SSL_CTX_set_max_proto_version(ctx, versions[i]);
		SSL *ssl = open_tls(ctx, &fd);

		for (int j = 0; j < 3; j++)
			ask_tls(ssl, GET);
		assert_has(fixture_server.last, "X-Forwarded-Proto: https\r\n");
		SSL_shutdown(ssl);
		SSL_free(ssl);
		SSL_CTX_free(ctx);
		close(fd);
	}
	/* The same port serves plain HTTP (reference b.5). */
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 200 ");
	/* What begins like TLS and is none. */
	assert_lacks(fixture_ask("\x16nonsense nonsense nonsense"), "HTTP");
	struct proxy_status status = loopback_settled(&fixture);

	assert_int_equal(status.tls_handshakes, 2);
	assert_int_equal(status.tls_handshakes_failed, 1);
	assert_int_equal(status.requests, 7);
	assert_true(status.ktls_none + status.ktls_tx + status.ktls_rx >= 2);
	fixture_end();
}

static void a_large_body_passes_over_tls(void **state)
{
	static char answer[700000];
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	size_t got = 0;
	char buf[16384];
	int fd, n;

	(void)state;
	strcpy(answer, "HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n");
	memset(answer + strlen(answer), 'b', 600000);
	fixture_prepare((const char *const[]){answer, NULL});
	fixture.tls = true;
	fixture_run();
	SSL *ssl = open_tls(ctx, &fd);

	assert_true(SSL_write(ssl, GET_CLOSE, (int)strlen(GET_CLOSE)) > 0);
	while ((n = SSL_read(ssl, buf, sizeof(buf))) > 0) {
		got += (size_t)n;
		/* Now and then the client is slow. */
		if (got % 7 == 0)
			poll(NULL, 0, 2);
	}
	assert_int_equal(SSL_get_error(ssl, n), SSL_ERROR_ZERO_RETURN);
	assert_true(got > 600000 && got < 601000);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	fixture_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_served_over_tls_and_counted),
		cmocka_unit_test(a_large_body_passes_over_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
