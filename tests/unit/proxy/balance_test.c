// SPDX-License-Identifier: Apache-2.0
/* balance_test: turns, cookies, levels, and servers that are out of order. */

#include "proxy/balance.h"

#include "plan/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/header.h"
#include "bare_worker.h"

enum { SERVERS = 3 };

static struct bare_worker *bare;
static struct worker *worker;
static struct balance_state turns, outer_turns;
static struct live_server lives[SERVERS];
static struct live_member members[SERVERS];
static struct server servers[SERVERS];
static uint16_t order[] = {0, 1, 2}, heavy_order[] = {0, 0, 0, 1};
static struct sticky sticky = {{"c", 1}, {"; Path=/", 8}}, outer_sticky = {{"c", 1}, {"", 0}};
static struct service service, empty, weighted;
static struct service_child children[2];
static const struct str values[SERVERS][NAMES_STICKY_VALUES] = {
	{{"zero", 4}}, {{"one", 3}, {0}, {"uno", 3}}, {{"two", 3}}};
static const struct str child_values[][NAMES_STICKY_VALUES] = {{{"a", 1}}, {{"b", 1}}};
static struct request request;
static struct header slots[4];

static int set_up(void **state)
{
	(void)state;
	bare = bare_worker_new();
	worker = &bare->worker;
	memset(servers, 0, sizeof(servers));
	memset(lives, 0, sizeof(lives));
	memset(members, 0, sizeof(members));
	atomic_store(&turns.next, 0);
	atomic_store(&outer_turns.next, 0);
	for (uint32_t i = 0; i < SERVERS; i++) {
		servers[i].id = i;
		servers[i].live = &lives[i];
		servers[i].sticky_values = values[i];
	}
	service = (struct service){.kind = SERVICE_SERVERS,
				   .state = &turns,
				   .turns = {order, SERVERS},
				   .servers = servers,
				   .n_servers = SERVERS};
	empty = (struct service){.kind = SERVICE_SERVERS, .state = &turns};
	children[0] = (struct service_child){
		.service = &service, .weight = 3, .sticky_values = child_values[0]};
	children[1] = (struct service_child){
		.service = &empty, .weight = 1, .sticky_values = child_values[1]};
	weighted = (struct service){.kind = SERVICE_WEIGHTED,
				    .state = &outer_turns,
				    .turns = {heavy_order, 4},
				    .children = children,
				    .n_children = 2};
	request = (struct request){.headers = {.at = slots, .cap = 4}};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bare_worker_free(bare);
	return 0;
}

static uint32_t pick_id(const struct service *from)
{
	struct balance_pick pick;

	assert_true(balance_pick(worker, from, &request, NULL, 0, &pick));
	return pick.server->id;
}

/* As if a connection to it had just been refused. */
static void put_aside(uint32_t id)
{
	live_server_dial_failed(&lives[id], worker->loop.now_ns);
}

static void servers_take_turns(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(pick_id(&service), i % 3);
}

static void one_that_refused_is_passed_over_while_others_are_there(void **state)
{
	(void)state;
	put_aside(1);
	for (int i = 0; i < 9; i++)
		assert_int_not_equal(pick_id(&service), 1);
	put_aside(0);
	put_aside(2);
	/* All are out of order: better a try than an error. */
	assert_int_equal(pick_id(&service), 0);
}

static void one_that_was_tried_is_asked_last(void **state)
{
	const struct server *tried[] = {&servers[0], &servers[1]};
	struct balance_pick pick;

	(void)state;
	for (int i = 0; i < 6; i++) {
		assert_true(balance_pick(worker, &service, &request, tried, 2, &pick));
		assert_int_equal(pick.server->id, 2);
	}
}

static void a_cookie_binds_and_is_written_only_when_it_is_new(void **state)
{
	struct balance_pick pick;

	(void)state;
	service.sticky = &sticky;
	assert_true(balance_pick(worker, &service, &request, NULL, 0, &pick));
	assert_int_equal(pick.n_cookies, 1);
	assert_true(str_eq(pick.cookies[0].value, STR("zero")));
	header_add_id(&request.headers, HEADER_COOKIE, STR("x=1; c=two"));
	for (int i = 0; i < 4; i++) {
		assert_true(balance_pick(worker, &service, &request, NULL, 0, &pick));
		assert_int_equal(pick.server->id, 2);
		assert_int_equal(pick.n_cookies, 0);
	}
	/* An older spelling is accepted and replaced (reference a.1). */
	request.headers.at[0].value = STR("c=uno");
	assert_true(balance_pick(worker, &service, &request, NULL, 0, &pick));
	assert_int_equal(pick.server->id, 1);
	assert_int_equal(pick.n_cookies, 1);
	assert_true(str_eq(pick.cookies[0].value, STR("one")));
	/* A server that is down: another one, and a new cookie. */
	put_aside(1);
	assert_true(balance_pick(worker, &service, &request, NULL, 0, &pick));
	assert_int_not_equal(pick.server->id, 1);
	assert_int_equal(pick.n_cookies, 1);
	request.headers.at[0].value = STR("c=nobody");
	assert_true(balance_pick(worker, &service, &request, NULL, 0, &pick));
	assert_int_equal(pick.n_cookies, 1);
}

static void a_fenced_server_keeps_its_clients_and_gets_no_new_ones(void **state)
{
	static uint16_t rest[] = {0, 1};
	struct balance_pick pick;

	(void)state;
	service.sticky = &sticky;
	service.turns = (struct turn_order){rest, 2};
	servers[2].fenced = true;
	for (int i = 0; i < 6; i++)
		assert_int_not_equal(pick_id(&service), 2);
	header_add_id(&request.headers, HEADER_COOKIE, STR("c=two"));
	assert_true(balance_pick(worker, &service, &request, NULL, 0, &pick));
	assert_int_equal(pick.server->id, 2);
}

static void levels_choose_each_for_itself(void **state)
{
	struct balance_pick pick;
	unsigned int n_first = 0;

	(void)state;
	children[1].service = &empty;
	/* A child without servers is passed over. */
	for (int i = 0; i < 8; i++) {
		assert_true(balance_pick(worker, &weighted, &request, NULL, 0, &pick));
		n_first += pick.service == &service;
	}
	assert_int_equal(n_first, 8);
	weighted.sticky = &outer_sticky;
	service.sticky = &sticky;
	assert_true(balance_pick(worker, &weighted, &request, NULL, 0, &pick));
	assert_int_equal(pick.n_cookies, 2);
	assert_true(str_eq(pick.cookies[0].value, STR("a")));
	header_add_id(&request.headers, HEADER_COOKIE, STR("c=a"));
	assert_true(balance_pick(worker, &weighted, &request, NULL, 0, &pick));
	assert_int_equal(pick.n_cookies, 1);
	weighted.n_children = 0;
	weighted.turns.n_order = 0;
	assert_false(balance_pick(worker, &weighted, &request, NULL, 0, &pick));
}

static void weights_hold_exactly(void **state)
{
	struct balance_pick pick;
	struct service second = service;
	unsigned int n_first = 0;

	(void)state;
	children[1].service = &second;
	for (int i = 0; i < 400; i++) {
		assert_true(balance_pick(worker, &weighted, &request, NULL, 0, &pick));
		n_first += pick.service == &service;
	}
	assert_int_equal(n_first, 300);
}

static void a_child_without_weight_loses_its_sticky_clients_too(void **state)
{
	struct service second = service;
	struct balance_pick pick;

	(void)state;
	weighted.sticky = &sticky;
	children[1].service = &second;
	header_add_id(&request.headers, HEADER_COOKIE, STR("c=b"));
	assert_true(balance_pick(worker, &weighted, &request, NULL, 0, &pick));
	assert_ptr_equal(pick.service, &second);
	children[1].weight = 0;
	assert_true(balance_pick(worker, &weighted, &request, NULL, 0, &pick));
	assert_ptr_equal(pick.service, &service);
	assert_int_equal(pick.n_cookies, 1);
	/* A parent whose only child with servers has no weight has none either (reference d.2). */
	children[0].weight = 0;
	children[1].weight = 0;

	struct service_child above = {.service = &weighted, .weight = 1};
	struct service outer = {.kind = SERVICE_WEIGHTED,
				.state = &turns,
				.turns = {order, 1},
				.children = &above,
				.n_children = 1};

	assert_false(balance_pick(worker, &outer, &request, NULL, 0, &pick));
}

static void nobody_is_an_answer_too(void **state)
{
	struct balance_pick pick;
	struct service noop = {.kind = SERVICE_NOOP};

	(void)state;
	assert_false(balance_pick(worker, &empty, &request, NULL, 0, &pick));
	assert_true(balance_pick(worker, &noop, &request, NULL, 0, &pick));
	assert_ptr_equal(pick.noop, &noop);
}

static void join(void)
{
	for (size_t i = 0; i < SERVERS; i++)
		servers[i].member = &members[i];
}

static void one_that_is_down_gets_nothing(void **state)
{
	static const struct live_passive passive = {.window_ns = NS_PER_SEC, .max_failures = 1};
	struct balance_pick pick;
	struct balance_load load = {0};

	(void)state;
	join();
	service.passive = &passive;
	service.sticky = &sticky;
	header_add_id(&request.headers, HEADER_COOKIE, STR("c=two"));
	assert_int_equal(balance_pick(worker, &service, &request, NULL, 0, &pick), BALANCE_SERVER);
	assert_int_equal(pick.server->id, 2);
	balance_begin(&load, &pick);
	assert_int_equal(members[2].in_flight, 1);
	balance_end(&load, 500, worker);
	balance_end(&load, 500, worker);
	assert_int_equal(members[2].in_flight, 0);
	/* Its sticky clients go elsewhere, and stay there. */
	for (int i = 0; i < 6; i++) {
		assert_true(balance_pick(worker, &service, &request, NULL, 0, &pick));
		assert_int_not_equal(pick.server->id, 2);
		assert_int_equal(pick.n_cookies, 1);
	}
	for (uint32_t i = 0; i < 2; i++) {
		pick.server = &servers[i];
		balance_begin(&load, &pick);
		balance_end(&load, 502, worker);
	}
	/* reference d.1: no available server is an answer, not a try. */
	assert_int_equal(balance_pick(worker, &service, &request, NULL, 0, &pick), BALANCE_NONE);
	assert_int_equal(balance_pick(worker, &weighted, &request, NULL, 0, &pick), BALANCE_NONE);
	worker->loop.now_ns += NS_PER_SEC;
	assert_int_equal(balance_pick(worker, &service, &request, NULL, 0, &pick), BALANCE_SERVER);
}

static void success_and_silence_of_the_client_are_no_failures(void **state)
{
	static const struct live_passive passive = {.window_ns = NS_PER_SEC, .max_failures = 2};
	static const uint16_t rows[] = {500, 0, 0, 499, 599, 200, 503, 404, 502, 101};
	struct balance_pick pick;
	struct balance_load load = {0};

	(void)state;
	join();
	service.passive = &passive;
	assert_true(balance_pick(worker, &service, &request, NULL, 0, &pick));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		balance_begin(&load, &pick);
		balance_end(&load, rows[i], worker);
		assert_true(live_member_is_up(pick.server->member, worker->loop.now_ns));
	}
	balance_begin(&load, &pick);
	balance_end(&load, 500, worker);
	balance_begin(&load, &pick);
	balance_end(&load, 500, worker);
	assert_false(live_member_is_up(pick.server->member, worker->loop.now_ns));
}

static void the_first_answers_and_mirrors_are_remembered(void **state)
{
	struct balance_pick pick;
	struct service mirroring = {.kind = SERVICE_MIRRORING,
				    .state = &outer_turns,
				    .children = children,
				    .n_children = 2};

	(void)state;
	assert_int_equal(balance_pick(worker, &mirroring, &request, NULL, 0, &pick),
			 BALANCE_SERVER);
	assert_ptr_equal(pick.mirroring, &mirroring);
	assert_ptr_equal(pick.service, &service);
	assert_null(pick.failover);
}

static void copies_are_spread_by_percent(void **state)
{
	static const struct {
		uint8_t percent;
		uint64_t of_1000;
	} rows[] = {{0, 0}, {1, 10}, {10, 100}, {33, 330}, {50, 500}, {99, 990}, {100, 1000}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t count = 0;

		for (uint64_t total = 1; total <= 1000; total++) {
			/* The reference's own words (d.2). */
			bool want = count * 100 < total * rows[i].percent;

			assert_int_equal(balance_is_mirrored(total, rows[i].percent), want);
			count += want;
		}
		assert_int_equal(count, rows[i].of_1000);
	}
}

static void the_fallback_answers_when_the_first_is_down(void **state)
{
	static const struct health_probe probe;
	static const struct status_range statuses = {500, 599};
	struct balance_pick pick;
	struct server other = {.id = 9, .live = &lives[0]};
	struct service fallback = {.kind = SERVICE_SERVERS,
				   .state = &turns,
				   .turns = {order, 1},
				   .servers = &other,
				   .n_servers = 1};
	struct service failover = {.kind = SERVICE_FAILOVER,
				   .state = &outer_turns,
				   .children = children,
				   .n_children = 2,
				   .statuses = &statuses,
				   .n_statuses = 1};

	(void)state;
	join();
	service.probe = &probe;
	children[1].service = &fallback;
	assert_true(balance_pick(worker, &failover, &request, NULL, 0, &pick));
	assert_ptr_equal(pick.failover, &failover);
	assert_int_not_equal(pick.server->id, 9);
	for (size_t i = 0; i < SERVERS; i++)
		live_member_probed(&members[i], false, 1);
	assert_true(balance_pick(worker, &failover, &request, NULL, 0, &pick));
	assert_null(pick.failover);
	assert_int_equal(pick.server->id, 9);
	live_member_probed(&members[1], true, 2);
	assert_true(balance_pick(worker, &failover, &request, NULL, 0, &pick));
	assert_int_equal(pick.server->id, 1);
	failover.n_statuses = 0;
	assert_true(balance_pick(worker, &failover, &request, NULL, 0, &pick));
	assert_null(pick.failover);
}

static void middlewares_of_a_service_come_before_its_servers(void **state)
{
	struct mw_chain chain = {0};
	struct balance_pick pick;

	(void)state;
	service.chain = &chain;
	weighted.chain = &chain;
	assert_int_equal(balance_pick(worker, &weighted, &request, NULL, 0, &pick), BALANCE_CHAIN);
	assert_ptr_equal(pick.service, &weighted);
	assert_int_equal(balance_go_on(worker, &request, NULL, 0, &pick), BALANCE_CHAIN);
	assert_ptr_equal(pick.service, &service);
	assert_int_equal(balance_go_on(worker, &request, NULL, 0, &pick), BALANCE_SERVER);
}

static void a_level_that_chooses_again_has_one_cookie(void **state)
{
	struct balance_pick pick;

	(void)state;
	service.sticky = &sticky;
	assert_true(balance_pick(worker, &service, &request, NULL, 0, &pick));
	for (int i = 0; i < 3; i++) {
		pick.service = &service;
		pick.depth = 0;
		assert_true(balance_go_on(worker, &request, NULL, 0, &pick));
		assert_int_equal(pick.n_cookies, 1);
		assert_true(str_eq(pick.cookies[0].value, pick.server->sticky_values[0]));
	}
}

static void a_cookie_is_written_with_its_attributes(void **state)
{
	struct balance_cookie cookie = {&sticky, STR("two")};
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096, 0);
	assert_true(str_eq(balance_cookie_text(&cookie, &arena), STR("c=two; Path=/")));
	arena_done(&arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(servers_take_turns),
		TEST(one_that_refused_is_passed_over_while_others_are_there),
		TEST(one_that_was_tried_is_asked_last),
		TEST(a_cookie_binds_and_is_written_only_when_it_is_new),
		TEST(a_fenced_server_keeps_its_clients_and_gets_no_new_ones),
		TEST(levels_choose_each_for_itself),
		TEST(weights_hold_exactly),
		TEST(a_child_without_weight_loses_its_sticky_clients_too),
		TEST(nobody_is_an_answer_too),
		TEST(one_that_is_down_gets_nothing),
		TEST(success_and_silence_of_the_client_are_no_failures),
		TEST(the_first_answers_and_mirrors_are_remembered),
		TEST(copies_are_spread_by_percent),
		TEST(the_fallback_answers_when_the_first_is_down),
		TEST(middlewares_of_a_service_come_before_its_servers),
		TEST(a_level_that_chooses_again_has_one_cookie),
		TEST(a_cookie_is_written_with_its_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
