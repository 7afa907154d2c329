// SPDX-License-Identifier: Apache-2.0
/* backend_rule_test: which addresses no backend may have (reference security.md A2.7). */

#include "compile_fixture.h"
#include "plan/backend_rule.h"

static void each_is_refused_for_its_reason(void **state)
{
	static const struct {
		const char *address, *why, *when_allowed;
	} rows[] = {
		{"10.0.0.1", NULL, NULL},
		{"127.1.2.3", "a loopback address", NULL},
		{"::1", "a loopback address", NULL},
		{"169.254.169.254", "a link-local or metadata address", NULL},
		{"fd00:ec2::254", "a link-local or metadata address", NULL},
		{"10.77.1.1", "an address that the proxy itself listens on", NULL},
		{"0.0.0.0", "the unspecified address", "the unspecified address"},
		{"239.0.0.1", "a multicast or reserved address", "a multicast or reserved address"},
	};
	struct fixture *f = *state;

	fixture_config(f, "{'entryPoints':{'web':{'address':'10.77.1.1:8080'}}}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct addr addr;
		const char *why;

		assert_int_equal(addr_parse(str_of(rows[i].address), &addr), 0);
		f->config.security.allow_loopback_backends = false;
		why = backend_rule_refuses(&f->config, &addr, 8080);
		assert_string_equal(why ? why : "", rows[i].why ? rows[i].why : "");
		f->config.security.allow_loopback_backends = true;
		why = backend_rule_refuses(&f->config, &addr, 8080);
		assert_string_equal(why ? why : "",
				    rows[i].when_allowed ? rows[i].when_allowed : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(each_is_refused_for_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
