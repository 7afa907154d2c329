// SPDX-License-Identifier: Apache-2.0
/* kube_lease_test: two replicas and one Lease, on a clock of the test's own. */
#include "source/kube_lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"

#define SEC  ((uint64_t)NS_PER_SEC)
#define WALL (1795374301ULL * SEC + 129081000ULL)

static struct kube_lease lease;
static uint64_t now;
static struct kube_lease_ask ask;

static const char *lease_text(const char *holder, const char *version)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "{\"metadata\":{\"resourceVersion\":\"%s\"},\"spec\":{\"holderIdentity\":\"%s\","
		 "\"leaseDurationSeconds\":15,\"acquireTime\":\"2026-11-22T19:06:29.129081Z\","
		 "\"leaseTransitions\":3}}",
		 version, holder);
	return text;
}

static const char *next(void)
{
	if (lease.due_ns > now)
		now = lease.due_ns;
	kube_lease_ask_done(&ask);
	assert_true(kube_lease_next(&lease, now, WALL, &ask));
	assert_false(kube_lease_next(&lease, now, WALL, &ask));
	return ask.method;
}

static void done(int status, const char *body)
{
	kube_lease_done(&lease, status, str_of(body), now);
}

static int begin(void **state)
{
	(void)state;
	ask = (struct kube_lease_ask){0};
	now = 100 * SEC;
	kube_lease_init(&lease, STR("edge"), STR("l"), STR("me"));
	return 0;
}

static int end(void **state)
{
	(void)state;
	kube_lease_ask_done(&ask);
	return 0;
}

static void a_lease_that_is_not_there_is_made_and_renewed(void **state)
{
	(void)state;
	assert_string_equal(next(), "GET");
	assert_string_equal(ask.path.at, "/apis/coordination.k8s.io/v1/namespaces/edge/leases/l");
	done(404, "{}");
	assert_string_equal(next(), "POST");
	assert_string_equal(ask.path.at, "/apis/coordination.k8s.io/v1/namespaces/edge/leases");
	assert_non_null(strstr(ask.body.at, "\"renewTime\":\"2026-11-22T19:05:01.129081Z\""));
	assert_non_null(strstr(ask.body.at, "\"leaseTransitions\":0"));
	assert_null(strstr(ask.body.at, "resourceVersion"));
	assert_false(kube_lease_is_ours(&lease, now));
	done(201, lease_text("me", "7"));
	assert_true(kube_lease_is_ours(&lease, now));
	assert_string_equal(next(), "PUT");
	assert_non_null(strstr(ask.body.at, "\"resourceVersion\":\"7\""));
	assert_non_null(strstr(ask.body.at, "\"leaseTransitions\":3"));
	assert_non_null(strstr(ask.body.at, "\"acquireTime\":\"2026-11-22T19:06:29.129081Z\""));
	/* Nothing comes: it is not ours for long. */
	done(0, "");
	assert_true(kube_lease_is_ours(&lease, now));
	assert_false(kube_lease_is_ours(&lease, now + KUBE_LEASE_GIVE_UP_S * SEC));
	assert_string_equal(next(), "GET");
}

static void of_very_many_replicas_each_looks_seldom(void **state)
{
	const struct {
		size_t n;
		uint32_t look_s;
	} rows[] = {{0, 5}, {3, 5}, {200, 10}, {1000, 30}, {100000, 30}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t began_ns;

		kube_lease_expect(&lease, rows[i].n);
		assert_string_equal(next(), "GET");
		began_ns = now;
		done(200, lease_text("other", "1"));
		next();
		assert_int_equal((now - began_ns) / (uint64_t)NS_PER_SEC, rows[i].look_s);
		done(200, lease_text("other", "2"));
	}
}

static void a_lease_of_another_is_left_alone_while_it_is_renewed(void **state)
{
	char version[16];

	(void)state;
	for (int i = 0; i < 6; i++) {
		assert_string_equal(next(), "GET");
		snprintf(version, sizeof(version), "%d", i);
		done(200, lease_text("other", version));
	}
	uint64_t last = now;

	while (strcmp(next(), "GET") == 0)
		done(200, lease_text("other", "5"));
	assert_in_range(now - last, 15 * SEC, 21 * SEC);
	assert_string_equal(ask.method, "PUT");
	assert_non_null(strstr(ask.body.at, "\"leaseTransitions\":4"));
	done(409, "{\"reason\":\"Conflict\"}");
	assert_string_equal(next(), "GET");
	done(200, lease_text("", "9"));
	assert_string_equal(next(), "PUT");
}

static void a_lease_that_is_forbidden_is_asked_for_rarely(void **state)
{
	(void)state;
	/* A server that starts refuses everything for a moment. */
	next();
	done(403, "");
	assert_false(lease.is_forbidden);
	assert_int_equal(lease.due_ns - now, 2 * SEC);
	for (int i = 0; i < 5; i++) {
		assert_string_equal(next(), "GET");
		done(403, "");
	}
	assert_true(lease.is_forbidden);
	assert_int_equal(lease.due_ns - now, KUBE_LEASE_FORBIDDEN_S * SEC);
	next();
	done(404, "");
	assert_false(lease.is_forbidden);
}

static void a_lease_is_given_back(void **state)
{
	(void)state;
	assert_false(kube_lease_release(&lease, now, WALL, &ask));
	next();
	done(200, lease_text("me", "1"));
	next();
	done(200, lease_text("me", "2"));
	kube_lease_ask_done(&ask);
	assert_true(kube_lease_release(&lease, now, WALL, &ask));
	assert_non_null(strstr(ask.body.at, "\"holderIdentity\":\"\",\"leaseDurationSeconds\":1"));
	assert_false(kube_lease_is_ours(&lease, now));
}

static void nonsense_is_not_ours(void **state)
{
	(void)state;
	next();
	done(200, "<html>");
	assert_false(kube_lease_is_ours(&lease, now));
	assert_string_equal(next(), "GET");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(of_very_many_replicas_each_looks_seldom, begin,
						end),
		cmocka_unit_test_setup_teardown(a_lease_that_is_not_there_is_made_and_renewed,
						begin, end),
		cmocka_unit_test_setup_teardown(
			a_lease_of_another_is_left_alone_while_it_is_renewed, begin, end),
		cmocka_unit_test_setup_teardown(a_lease_that_is_forbidden_is_asked_for_rarely,
						begin, end),
		cmocka_unit_test_setup_teardown(a_lease_is_given_back, begin, end),
		cmocka_unit_test_setup_teardown(nonsense_is_not_ours, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
