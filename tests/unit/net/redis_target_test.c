// SPDX-License-Identifier: Apache-2.0
/* redis_target_test: endpoints and what is wrong with options. */

#include "net/redis_target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct redis_target *make(struct str endpoint, struct redis_options *options,
				 char message[128])
{
	options->endpoints = (struct strs){&endpoint, 1};
	return redis_target_new(options, message, 128);
}

static void endpoints_are_hosts_and_ports(void **state)
{
	static const struct {
		const char *text, *host; /* NULL: wrong */
		uint16_t port;
		bool is_addr;
	} rows[] = {
		{"redis:6380", "redis", 6380, false},
		{"10.0.0.1:1", "10.0.0.1", 1, true},
		{"[::1]:7", "::1", 7, true},
		{"redis", "redis", 6379, false},
		{" redis.svc ", "redis.svc", 6379, false},
		{"", NULL, 0, false},
		{":6379", NULL, 0, false},
		{"a:b", NULL, 0, false},
		{"[::1]7", NULL, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct redis_options options = {0};
		char message[128];
		struct redis_target *target = make(str_of(rows[i].text), &options, message);

		print_message("  \"%s\"\n", rows[i].text);
		assert_int_equal(target != NULL, rows[i].host != NULL);
		if (!target) {
			assert_true(strlen(message) > 0);
			continue;
		}
		assert_string_equal(target->endpoints[0].host, rows[i].host);
		assert_int_equal(target->endpoints[0].port, rows[i].port);
		assert_int_equal(target->endpoints[0].is_addr, rows[i].is_addr);
		assert_ptr_equal(redis_target_ref(target), target);
		redis_target_unref(target);
		redis_target_unref(target);
	}
	redis_target_unref(NULL);
}

static void tls_needs_what_can_be_read(void **state)
{
	struct redis_options options = {.tls = true, .ca_pem = STR("no certificate")};
	char message[128];

	(void)state;
	assert_null(make(STR("a:1"), &options, message));
	assert_non_null(strstr(message, "authority"));
	options = (struct redis_options){
		.tls = true, .cert_pem = STR("none"), .key_pem = STR("none")};
	assert_null(make(STR("a:1"), &options, message));
	assert_non_null(strstr(message, "client certificate"));
	options = (struct redis_options){
		.tls = true, .insecure_skip_verify = true, .password = STR("p")};
	struct redis_target *target = make(STR("a:1"), &options, message);

	assert_non_null(target);
	SSL *ssl = redis_target_tls(target, &target->endpoints[0], 0);

	assert_non_null(ssl);
	SSL_free(ssl);
	redis_target_unref(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_are_hosts_and_ports),
		cmocka_unit_test(tls_needs_what_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
