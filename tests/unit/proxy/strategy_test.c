// SPDX-License-Identifier: Apache-2.0
/* strategy_test: p2c, hrw, leasttime and turns, with servers that are out of order (reference d.1).
 */

#include "proxy/strategy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

enum { SERVERS = 5 };

static struct balance_state turns;
static struct live_server lives[SERVERS];
static struct live_member members[SERVERS];
static struct server servers[SERVERS];
static uint16_t order[] = {0, 1, 2, 3, 4};
static struct service service;
static struct addr client;
static struct strategy_ask ask;
static unsigned int counts[SERVERS];

static int set_up(void **state)
{
	static const char *const urls[SERVERS] = {"http://10.0.0.1:80", "http://10.0.0.2:80",
						  "http://10.0.0.3:80", "http://10.0.0.4:80",
						  "http://10.0.0.5:80"};

	(void)state;
	memset(lives, 0, sizeof(lives));
	memset(members, 0, sizeof(members));
	atomic_store(&turns.next, 0);
	for (uint32_t i = 0; i < SERVERS; i++)
		servers[i] = (struct server){.id = i,
					     .weight = 1,
					     .url = str_of(urls[i]),
					     .live = &lives[i],
					     .member = &members[i]};
	service = (struct service){.kind = SERVICE_SERVERS,
				   .state = &turns,
				   .turns = {order, SERVERS},
				   .servers = servers,
				   .n_servers = SERVERS};
	addr_parse(STR("192.0.2.7"), &client);
	ask = (struct strategy_ask){.client = &client, .now_ns = 1000 * NS_PER_SEC};
	return 0;
}

static void choose(enum service_strategy strategy, unsigned int n)
{
	service.strategy = (uint8_t)strategy;
	memset(counts, 0, sizeof(counts));
	for (unsigned int i = 0; i < n; i++)
		counts[strategy_choose(&service, &ask)->id]++;
}

static void take_down(uint32_t id)
{
	live_member_probed(&members[id], false, ask.now_ns);
}

static const enum service_strategy all[] = {STRATEGY_WRR, STRATEGY_P2C, STRATEGY_HRW,
					    STRATEGY_LEASTTIME};

static void who_is_down_or_fenced_is_never_chosen(void **state)
{
	(void)state;
	take_down(0);
	servers[1].fenced = true;
	/* The compiler gives fenced ones no turns. */
	service.turns = (struct turn_order){(uint16_t[]){0, 2, 3, 4}, 4};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		choose(all[i], 200);
		assert_int_equal(counts[0] + counts[1], 0);
		assert_int_equal(counts[2] + counts[3] + counts[4], 200);
	}
	for (uint32_t i = 2; i < SERVERS; i++)
		take_down(i);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		service.strategy = (uint8_t)all[i];
		assert_null(strategy_choose(&service, &ask));
	}
}

static void who_refused_or_was_tried_comes_last(void **state)
{
	const struct server *tried[] = {&servers[1], &servers[2]};

	(void)state;
	ask.tried = tried;
	ask.n_tried = 2;
	live_server_dial_failed(&lives[0], ask.now_ns);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		choose(all[i], 100);
		assert_int_equal(counts[0] + counts[1] + counts[2], 0);
	}
	take_down(3);
	take_down(4);
	/* Refused a moment ago is better than failed for this request. */
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		choose(all[i], 20);
		assert_int_equal(counts[0], 20);
	}
	take_down(0);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		choose(all[i], 20);
		assert_int_equal(counts[1] + counts[2], 20);
	}
}

static void two_choices_spread_evenly_and_avoid_the_loaded(void **state)
{
	(void)state;
	choose(STRATEGY_P2C, 10000);
	for (size_t i = 0; i < SERVERS; i++)
		assert_in_range(counts[i], 1700, 2300);
	/* The busiest of all loses every comparison. */
	atomic_store(&members[2].in_flight, 10);
	choose(STRATEGY_P2C, 10000);
	assert_int_equal(counts[2], 0);
	/* The idlest wins whenever it is one of the two: 2 of 5. */
	for (size_t i = 0; i < SERVERS; i++)
		atomic_store(&members[i].in_flight, i == 4 ? 0 : 3);
	choose(STRATEGY_P2C, 10000);
	assert_in_range(counts[4], 3700, 4300);
}

static void a_client_keeps_its_server(void **state)
{
	unsigned int before[SERVERS] = {0}, moved = 0;
	uint32_t was[1000];

	(void)state;
	service.strategy = STRATEGY_HRW;
	for (int i = 0; i < 1000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.1.%d.%d", i / 250, i % 250);
		addr_parse(str_of(text), &client);
		was[i] = strategy_choose(&service, &ask)->id;
		assert_int_equal(strategy_choose(&service, &ask)->id, was[i]);
		before[was[i]]++;
	}
	for (size_t i = 0; i < SERVERS; i++)
		assert_in_range(before[i], 100, 300);
	/* Only the clients of the one that goes move. */
	take_down(2);
	for (int i = 0; i < 1000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.1.%d.%d", i / 250, i % 250);
		addr_parse(str_of(text), &client);
		moved += strategy_choose(&service, &ask)->id != was[i];
	}
	assert_int_equal(moved, before[2]);
}

static void scores_are_the_references(void **state)
{
	(void)state;
	assert_true(strategy_score(STR("a"), STR("b"), 2) ==
		    2 * strategy_score(STR("a"), STR("b"), 1));
	assert_true(strategy_score(STR("a"), STR("bc"), 1) ==
		    strategy_score(STR("ab"), STR("c"), 1));
	/* FNV-1a-64("foobar") is 0x85944171f73967e8. */
	double score = strategy_score(STR("foo"), STR("bar"), 1);

	assert_true(score > 1.53731 && score < 1.53732);
}

static bool yes(void *context, const struct service *child)
{
	return context == NULL && child == &service;
}

static void weights_of_children_count(void **state)
{
	struct service_child children[2] = {
		{.service = &service, .weight = 3, .name = STR("shop-a-80")},
		{.service = &service, .weight = 1, .name = STR("shop-b-80")},
	};
	struct service highest = {
		.kind = SERVICE_HIGHEST_RANDOM_WEIGHT, .children = children, .n_children = 2};
	unsigned int first = 0;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.2.%d.%d", i / 250, i % 250);
		addr_parse(str_of(text), &client);
		first += strategy_highest(&highest, &client, yes, NULL) == &children[0];
	}
	/* FNV mixes names that differ by one character badly; so it is there. */
	assert_in_range(first, 2300, 3300);
	children[0].weight = 0;
	assert_ptr_equal(strategy_highest(&highest, &client, yes, NULL), &children[1]);
	assert_null(strategy_highest(&highest, &client, yes, &first));
}

static void the_fastest_by_load_is_chosen(void **state)
{
	(void)state;
	/* None is measured: by turns. */
	choose(STRATEGY_LEASTTIME, 100);
	for (size_t i = 0; i < SERVERS; i++)
		assert_int_equal(counts[i], 20);
	for (size_t i = 0; i < SERVERS; i++)
		live_member_ttfb(&members[i], (10 + i) * NS_PER_MS);
	choose(STRATEGY_LEASTTIME, 10);
	assert_int_equal(counts[0], 10);
	/* 10 ms with one in flight is 20: the next has 11. */
	atomic_store(&members[0].in_flight, 1);
	choose(STRATEGY_LEASTTIME, 10);
	assert_int_equal(counts[1], 10);
	/* Who was never measured comes first. */
	memset(&members[3], 0, sizeof(members[3]));
	choose(STRATEGY_LEASTTIME, 10);
	assert_int_equal(counts[3], 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(who_is_down_or_fenced_is_never_chosen, set_up),
		cmocka_unit_test_setup(who_refused_or_was_tried_comes_last, set_up),
		cmocka_unit_test_setup(two_choices_spread_evenly_and_avoid_the_loaded, set_up),
		cmocka_unit_test_setup(a_client_keeps_its_server, set_up),
		cmocka_unit_test_setup(scores_are_the_references, set_up),
		cmocka_unit_test_setup(weights_of_children_count, set_up),
		cmocka_unit_test_setup(the_fastest_by_load_is_chosen, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
