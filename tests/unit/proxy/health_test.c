// SPDX-License-Identifier: Apache-2.0
/* health_test: rounds of probes, and that they go on over updates (reference d.3). */

#include "proxy/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "bare_worker.h"
#include "plan/transport.h"
#include "proxy/loopback.h"
#include "proxy/upstream.h"

enum { SERVERS = 2 };

static struct bare_worker *bare;
static struct worker *worker;
static struct live_member members[SERVERS];
static struct server servers[SERVERS], targets[SERVERS];
static struct service target_services[SERVERS], service;
static const struct service *target_list[SERVERS];
static struct health_probe conf;
static struct loopback_server backends[SERVERS];
static const char *answers[SERVERS][1];

static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
static const char bad[] = "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n";

static int set_up(void **state)
{
	(void)state;
	bare = bare_worker_new();
	worker = &bare->worker;
	memset(members, 0, sizeof(members));
	for (uint32_t i = 0; i < SERVERS; i++) {
		answers[i][0] = good;
		loopback_serve(&backends[i], answers[i], 1);
		servers[i] =
			(struct server){.id = i, .member = &members[i], .url = STR("http://x")};
		targets[i] = (struct server){.id = i,
					     .transport = &transport_plain,
					     .port = backends[i].port,
					     .url = STR("a.test")};
		addr_parse(STR("127.0.0.1"), &targets[i].addr);
		target_services[i] = (struct service){.servers = &targets[i], .n_servers = 1};
		target_list[i] = &target_services[i];
	}
	conf = (struct health_probe){.method = STR("GET"),
				     .path = STR("/"),
				     .interval_ns = 30 * NS_PER_MS,
				     .unhealthy_interval_ns = 10 * NS_PER_MS,
				     .timeout_ns = NS_PER_SEC,
				     .targets = target_list};
	service = (struct service){.kind = SERVICE_SERVERS,
				   .id = 3,
				   .probe = &conf,
				   .servers = servers,
				   .n_servers = SERVERS,
				   .name = STR("shop-ext@kubernetescrd")};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bare_worker_free(bare);
	for (uint32_t i = 0; i < SERVERS; i++)
		loopback_serve_done(&backends[i]);
	return 0;
}

static void adopt(bool with_service)
{
	static const struct service *probed[] = {&service};

	worker->use->snapshot->probed = probed;
	worker->use->snapshot->n_probed = with_service;
	health_adopt(worker);
}

static void turn(uint64_t ms)
{
	uint64_t until = clock_mono_ns() + ms * NS_PER_MS;

	while (clock_mono_ns() < until)
		loop_round(&worker->loop, 2 * NS_PER_MS);
}

static bool is_up(uint32_t i)
{
	return live_member_is_up(&members[i], worker->loop.now_ns);
}

static bool comes_true(uint32_t i, bool up)
{
	for (int n = 0; n < 500 && is_up(i) != up; n++)
		turn(5);
	return is_up(i) == up;
}

static void nothing_is_asked_at_once_and_all_in_time(void **state)
{
	(void)state;
	conf.interval_ns = 100 * NS_PER_MS;
	adopt(true);
	turn(40);
	assert_int_equal(backends[0].n_requests, 0);
	turn(300);
	for (uint32_t i = 0; i < SERVERS; i++)
		assert_in_range(backends[i].n_requests, 1, 4);
	assert_true(is_up(0) && is_up(1));
}

static void one_that_fails_goes_down_and_comes_back(void **state)
{
	(void)state;
	adopt(true);
	__atomic_store_n(&answers[1][0], bad, __ATOMIC_RELEASE);
	assert_true(comes_true(1, false));
	assert_true(is_up(0));
	__atomic_store_n(&answers[1][0], good, __ATOMIC_RELEASE);
	assert_true(comes_true(1, true));
}

static void updates_change_nothing_of_it(void **state)
{
	unsigned int before;

	(void)state;
	adopt(true);
	__atomic_store_n(&answers[0][0], bad, __ATOMIC_RELEASE);
	assert_true(comes_true(0, false));
	before = backends[1].n_requests;
	/* Far more often than the interval: rounds still come. */
	for (int i = 0; i < 200; i++) {
		adopt(true);
		turn(1);
		assert_false(is_up(0));
	}
	assert_true(backends[1].n_requests > before);
}

static void a_service_that_is_gone_is_asked_no_more(void **state)
{
	unsigned int before;

	(void)state;
	adopt(true);
	turn(100);
	adopt(false);
	turn(20);
	before = backends[0].n_requests;
	assert_true(before > 0);
	turn(100);
	assert_int_equal(backends[0].n_requests, before);
	adopt(true);
	turn(100);
	assert_true(backends[0].n_requests > before);
}

static void a_shorter_interval_holds_at_once(void **state)
{
	(void)state;
	conf.interval_ns = 3600 * NS_PER_SEC;
	adopt(true);
	turn(20);
	conf.interval_ns = 10 * NS_PER_MS;
	adopt(true);
	turn(200);
	assert_true(backends[0].n_requests > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_asked_at_once_and_all_in_time),
		TEST(one_that_fails_goes_down_and_comes_back),
		TEST(updates_change_nothing_of_it),
		TEST(a_service_that_is_gone_is_asked_no_more),
		TEST(a_shorter_interval_holds_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
