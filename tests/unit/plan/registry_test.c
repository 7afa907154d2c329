// SPDX-License-Identifier: Apache-2.0
/* registry_test: what stays from snapshot to snapshot, and what is forgotten when. */

#include "plan/registry.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct part *begin(struct registry *registry)
{
	struct part *part = part_new(0);

	assert_non_null(part);
	assert_non_null(registry_begin(registry, part));
	return part;
}

static struct snapshot *ended(struct registry *registry)
{
	struct snapshot *snapshot = snapshot_new(1);

	registry_end(registry, snapshot);
	return snapshot;
}

static uint32_t service(struct registry *registry, const char *name)
{
	struct balance_state *state;
	uint32_t id;

	assert_int_equal(registry_service(registry, str_of(name), &id, &state), 0);
	return id;
}

static uint32_t server(struct registry *registry, const char *url)
{
	struct live_server *live;
	uint32_t id;

	assert_int_equal(registry_server(registry, str_of(url), false, &id, &live), 0);
	return id;
}

static void ids_and_positions_stay_with_the_name(void **state)
{
	struct registry *registry = registry_new();
	struct balance_state *first, *again;
	struct snapshot *snapshot;
	struct part *a, *b;
	uint32_t id, same;

	(void)state;
	a = begin(registry);
	assert_int_equal(registry_service(registry, STR("web"), &id, &first), 0);
	atomic_store(&first->next, 41);
	assert_int_equal(server(registry, "http://a"), 0);
	assert_int_equal(server(registry, "http://b"), 1);
	assert_int_equal(server(registry, "http://a"), 0);
	snapshot = ended(registry);
	assert_int_equal(snapshot->max_server_id, 2);
	snapshot_unref(snapshot);
	b = begin(registry);
	assert_int_equal(registry_service(registry, STR("web"), &same, &again), 0);
	assert_int_equal(server(registry, "http://b"), 1);
	part_free(a);
	assert_int_equal(id, same);
	assert_ptr_equal(first, again);
	assert_int_equal(atomic_load(&again->next), 41);
	part_free(b);
	registry_free(registry);
}

static void what_no_snapshot_uses_is_forgotten_but_its_number_rests(void **state)
{
	struct registry *registry = registry_new();
	struct balance_state *position;
	struct part *a, *b;
	uint32_t id;

	(void)state;
	a = begin(registry);
	assert_int_equal(registry_service(registry, STR("web"), &id, &position), 0);
	atomic_store(&position->next, 7);
	part_free(a);
	b = begin(registry);
	assert_int_equal(service(registry, "other"), 1);
	assert_int_equal(registry_service(registry, STR("web"), &id, &position), 0);
	assert_int_equal(id, 2);
	assert_int_equal(atomic_load(&position->next), 0);
	part_free(b);
	registry_free(registry);
}

static void numbers_come_back_after_a_long_rest(void **state)
{
	struct registry *registry = registry_new();
	uint32_t highest = 0;
	char name[32];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct part *part = begin(registry);

		snprintf(name, sizeof(name), "http://%d", i);
		uint32_t id = server(registry, name);

		highest = id > highest ? id : highest;
		part_free(part);
	}
	assert_in_range(highest, REGISTRY_ID_REST, REGISTRY_ID_REST + 2);
	registry_free(registry);
}

static void a_rule_is_parsed_once(void **state)
{
	struct registry *registry = registry_new();
	const struct rule *first, *again;
	struct rule_fault fault;
	struct part *a, *b;

	(void)state;
	a = begin(registry);
	assert_int_equal(registry_rule(registry, RULE_V3, STR("HostRegexp(`^a`)"), &first, &fault),
			 0);
	assert_int_equal(registry_rule(registry, RULE_V3, STR("Hots(`a`)"), &again, &fault),
			 -EINVAL);
	b = begin(registry);
	assert_int_equal(registry_rule(registry, RULE_V3, STR("HostRegexp(`^a`)"), &again, &fault),
			 0);
	assert_ptr_equal(first, again);
	part_free(b);
	part_free(a);
	registry_free(registry);
}

/* ------------------------------------------------------------------- states -- */

static int n_states;

static void state_free(struct mw_state *state)
{
	n_states--;
	free(state);
}

static struct mw_state *state_new(const void *conf)
{
	struct mw_state *state = calloc(1, sizeof(*state));

	(void)conf;
	n_states++;
	ref_init(&state->ref);
	state->free = state_free;
	return state;
}

static const struct mw counting = {.name = "counting", .state_new = state_new};
static const struct mw stateless = {.name = "stateless"};

static struct mw_state *state_of(struct registry *registry, const char *router, const char *name,
				 uint64_t hash, const struct mw *mw)
{
	struct mw_state *state;

	assert_int_equal(
		registry_mw_state(registry, str_of(router), str_of(name), hash, mw, NULL, &state),
		0);
	return state;
}

/* reference c.5 */
static void state_belongs_to_router_middleware_and_configuration(void **state)
{
	struct registry *registry = registry_new();
	struct part *a = begin(registry), *b;
	struct mw_state *first = state_of(registry, "r", "m", 1, &counting);

	(void)state;
	assert_ptr_equal(first, state_of(registry, "r", "m", 1, &counting));
	assert_ptr_not_equal(first, state_of(registry, "r2", "m", 1, &counting));
	assert_ptr_not_equal(first, state_of(registry, "r", "m2", 1, &counting));
	assert_ptr_not_equal(first, state_of(registry, "r", "m", 2, &counting));
	assert_null(state_of(registry, "r", "m", 1, &stateless));
	assert_int_equal(n_states, 4);
	b = begin(registry);
	assert_ptr_equal(first, state_of(registry, "r", "m", 1, &counting));
	part_free(a);
	a = begin(registry);
	assert_int_equal(n_states, 1);
	part_free(a);
	/* The registry goes, what snapshots use stays until the last of them. */
	registry_free(registry);
	assert_int_equal(n_states, 1);
	part_free(b);
	assert_int_equal(n_states, 0);
}

static void what_is_known_of_servers_stays_over_hundreds_of_updates(void **state)
{
	struct registry *registry = registry_new();
	struct part *before = begin(registry);
	struct live_server *first, *live;
	struct live_member *first_member, *member, *other;
	uint32_t first_id, id;

	(void)state;
	assert_int_equal(registry_server(registry, STR("http://a 1"), true, &first_id, &first), 0);
	assert_non_null(first->addrs);
	assert_int_equal(registry_member(registry, STR("web"), STR("http://a"), &first_member), 0);
	assert_int_equal(registry_member(registry, STR("api"), STR("http://a"), &other), 0);
	assert_ptr_not_equal(first_member, other);
	atomic_store(&first_member->in_flight, 3);
	live_member_probed(first_member, false, 1);
	live_server_dial_failed(first, 1);
	for (uint64_t i = 0; i < 300; i++) {
		struct part *part = begin(registry);

		assert_int_equal(registry_server(registry, STR("http://a 1"), true, &id, &live), 0);
		/* Another transport is another server. */
		assert_int_equal(registry_server(registry, STR("http://a 2"), true, &id, &live), 0);
		assert_ptr_not_equal(live, first);
		assert_int_equal(registry_server(registry, STR("http://a 1"), true, &id, &live), 0);
		assert_int_equal(registry_member(registry, STR("web"), STR("http://a"), &member),
				 0);
		assert_int_equal(id, first_id);
		assert_ptr_equal(live, first);
		assert_ptr_equal(member, first_member);
		part_free(before);
		before = part;
	}
	assert_int_equal(member->in_flight, 3);
	assert_false(live_member_is_up(member, 1000));
	assert_true(live_server_is_set_aside(live, 1000));
	part_free(before);
	/* Nobody has used it in two compiles: it is forgotten, and begins anew. */
	before = begin(registry);
	assert_int_equal(registry_member(registry, STR("web"), STR("http://a"), &member), 0);
	assert_true(live_member_is_up(member, 1000));
	part_free(before);
	registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_of_servers_stays_over_hundreds_of_updates),
		cmocka_unit_test(ids_and_positions_stay_with_the_name),
		cmocka_unit_test(what_no_snapshot_uses_is_forgotten_but_its_number_rests),
		cmocka_unit_test(numbers_come_back_after_a_long_rest),
		cmocka_unit_test(a_rule_is_parsed_once),
		cmocka_unit_test(state_belongs_to_router_middleware_and_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
