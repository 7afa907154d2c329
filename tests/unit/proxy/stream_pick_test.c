// SPDX-License-Identifier: Apache-2.0
/* stream_pick_test: whose turn it is, level by level. */

#include "proxy/stream_pick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { N = 3, NOW_NS = 1000 };

static struct balance_state states[4];
static struct live_server lives[2 * N];
static struct live_member members[2 * N];
static struct stream_server servers[2 * N];
static uint16_t order[] = {0, 1, 2}, weighted[] = {0, 0, 0, 1};
static struct stream_service left, right, both;
static const struct stream_service *children[] = {&left, &right};

static int setup(void **state)
{
	(void)state;
	memset(states, 0, sizeof(states));
	memset(lives, 0, sizeof(lives));
	memset(members, 0, sizeof(members));
	for (uint32_t i = 0; i < 2 * N; i++)
		servers[i] = (struct stream_server){
			.id = i + 1, .live = &lives[i], .member = &members[i]};
	left = (struct stream_service){
		.state = &states[0], .turns = {order, N}, .servers = servers, .n_servers = N};
	right = (struct stream_service){
		.state = &states[1], .turns = {order, N}, .servers = servers + N, .n_servers = N};
	both = (struct stream_service){
		.state = &states[2], .turns = {weighted, 4}, .children = children, .n_children = 2};
	return 0;
}

static uint32_t id_of(const struct stream_service *service)
{
	struct stream_pick pick = {0};

	return stream_pick_next(&pick, service, NOW_NS) ? pick.server->id : 0;
}

static void servers_take_turns(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2 * N; i++)
		assert_int_equal(id_of(&left), i % N + 1);
}

static void children_take_turns_by_weight(void **state)
{
	unsigned int n_right = 0;

	(void)state;
	for (int i = 0; i < 8; i++)
		n_right += id_of(&both) > N;
	assert_int_equal(n_right, 2);
}

static void one_that_refused_is_asked_when_no_other_is_left(void **state)
{
	(void)state;
	live_server_dial_failed(&lives[0], NOW_NS);
	for (int i = 0; i < 6; i++)
		assert_int_not_equal(id_of(&left), 1);
	live_server_dial_failed(&lives[1], NOW_NS);
	live_server_dial_failed(&lives[2], NOW_NS);
	assert_int_not_equal(id_of(&left), 0);
}

static void one_that_is_down_is_never_asked(void **state)
{
	(void)state;
	for (int i = 0; i < N; i++)
		members[i].down_until_ns = LIVE_DOWN;
	assert_int_equal(id_of(&left), 0);
	/* Another child has servers. */
	for (int i = 0; i < 4; i++)
		assert_true(id_of(&both) > N);
}

static void none_is_asked_twice_for_one_connection(void **state)
{
	struct stream_pick pick = {0};
	uint32_t seen = 0;

	(void)state;
	for (int i = 0; i < N; i++) {
		assert_true(stream_pick_next(&pick, &left, NOW_NS));
		assert_false(seen & 1u << pick.server->id);
		seen |= 1u << pick.server->id;
	}
	assert_false(stream_pick_next(&pick, &left, NOW_NS));
	assert_null(pick.server);
}

static void without_servers_there_is_none(void **state)
{
	struct stream_pick pick = {0};

	(void)state;
	left.turns.n_order = 0;
	assert_int_equal(id_of(&left), 0);
	assert_false(stream_pick_next(&pick, NULL, NOW_NS));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(servers_take_turns),
		TEST(children_take_turns_by_weight),
		TEST(one_that_refused_is_asked_when_no_other_is_left),
		TEST(one_that_is_down_is_never_asked),
		TEST(none_is_asked_twice_for_one_connection),
		TEST(without_servers_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
