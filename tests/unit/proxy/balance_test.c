// SPDX-License-Identifier: Apache-2.0
/* balance_test: turns, cookies, levels, and servers that are out of order. */

#include "proxy/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/header.h"
#include "bare_worker.h"
#include "proxy/upstream.h"

enum { SERVERS = 3 };

static struct bare_worker *bare;
static struct worker *worker;
static struct balance_state turns, outer_turns;
static struct server servers[SERVERS];
static uint16_t order[] = {0, 1, 2}, heavy_order[] = {0, 0, 0, 1};
static struct sticky sticky = {{"c", 1}, {"; Path=/", 8}};
static struct service service, empty, weighted;
static struct service_child children[2];
static struct request request;
static struct header slots[4];

static int set_up(void **state)
{
	(void)state;
	bare = bare_worker_new();
	worker = &bare->worker;
	memset(servers, 0, sizeof(servers));
	atomic_store(&turns.next, 0);
	atomic_store(&outer_turns.next, 0);
	for (uint32_t i = 0; i < SERVERS; i++) {
		servers[i].id = i;
		servers[i].sticky_values[0] = i == 0   ? STR("zero")
					      : i == 1 ? STR("one")
						       : STR("two");
	}
	servers[1].sticky_values[2] = STR("uno");
	service = (struct service){.kind = SERVICE_SERVERS,
				   .state = &turns,
				   .turns = {order, SERVERS},
				   .servers = servers,
				   .n_servers = SERVERS};
	empty = (struct service){.kind = SERVICE_SERVERS, .state = &turns};
	children[0] = (struct service_child){
		.service = &service, .weight = 3, .sticky_values = {STR("a")}};
	children[1] =
		(struct service_child){.service = &empty, .weight = 1, .sticky_values = {STR("b")}};
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
	worker->servers[id] = calloc(1, sizeof(struct server_pool));
	list_init(&worker->servers[id]->idle);
	worker->servers[id]->set_aside_until_ns = worker->loop.now_ns + 1000;
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
	weighted.sticky = &sticky;
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
		TEST(a_cookie_is_written_with_its_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
