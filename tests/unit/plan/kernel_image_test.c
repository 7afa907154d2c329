// SPDX-License-Identifier: Apache-2.0
/* kernel_image: limits become costs, names keep their slots, and a packet's entry is found as the
 * kernel finds it. */

#include "plan/kernel_image.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "plan/cuckoo.h"
#include "vip_key.h"

static const struct kernel_scale scale = {.tick_ns = 4000000, .seed = {1, 2}, .acl_lines = 1 << 14};

static struct arena arena;

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 512 << 20, 1 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void add_entry(struct kernel_config *config, const char *name, const char *addr,
		      uint16_t port, const struct kernel_policy *policy)
{
	struct addr parsed = {0};

	if (addr)
		CHECK_INT(addr, addr_parse(str_of(addr), &parsed), 0);
	assert_true(kernel_config_add(config, str_of(name), &parsed, port, IPPROTO_TCP, policy));
}

static struct kernel_image *image_of(const struct kernel_config *config,
				     const struct kernel_image *old)
{
	struct kernel_image *image = NULL;

	CHECK_INT("image", kernel_image(config, old, &scale, &arena, &image), 0);
	return image;
}

static uint32_t slot_of(const struct kernel_image *image, const char *policy)
{
	for (uint32_t i = 1; i < ABI_POLICIES; i++)
		if (!strcmp(image->policies[i].name, policy))
			return i;
	return 0;
}

static void limits_become_costs(void **state)
{
	static const struct {
		const char *name;
		struct kernel_limit limit;
		bool is_bytes;
		uint64_t cost_fp, ahead_ns;
	} rows[] = {
		{"off", {0, 0}, false, 0, 0},
		{"negative is off", {-1, 5}, false, 0, 0},
		{"10 a second, 3 at once", {10, 3}, false, 100000000ULL << 16, 200000000},
		{"burst unset is a second's worth", {10, 0}, false, 100000000ULL << 16, 900000000},
		{"one at once is stretched to two ticks",
		 {1000, 1},
		 false,
		 1000000ULL << 16,
		 8000000},
		{"a million a second", {1e6, 100000}, false, 1000ULL << 16, 99999000},
		{"three million a second keep their fraction",
		 {3e6, 3000000},
		 false,
		 21845333,
		 999999667},
		{"one a minute", {1 / 60.0, 2}, false, 60000000000ULL << 16, 60000000000},
		{"10 kB a second, 3 kB at once", {10000, 3000}, true, 100000ULL << 16, 300000000},
		{"10 GB a second", {1e10, 1000000000}, true, 6554, 100000000},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct kernel_config *config = kernel_config_new(&arena);
		struct kernel_policy *policy = kernel_config_policy(config, STR("p"));
		enum abi_limit_kind kind = rows[i].is_bytes ? ABI_LIMIT_BYTES : ABI_LIMIT_PACKETS;

		*(rows[i].is_bytes ? &policy->bytes : &policy->packets) = rows[i].limit;
		struct abi_policy *got = &image_of(config, NULL)->policies[1];

		CHECK_INT(rows[i].name, got->limit[kind].cost_fp, rows[i].cost_fp);
		/* Doubles: to the nanosecond. */
		assert_in_range(got->limit[kind].ahead_ns + 1, rows[i].ahead_ns,
				rows[i].ahead_ns + 2);
		CHECK_INT(rows[i].name, !!(got->flags & ABI_POLICY_LIMITS), rows[i].cost_fp != 0);
	}
}

static void names_keep_their_slots(void **state)
{
	struct kernel_config *first = kernel_config_new(&arena),
			     *second = kernel_config_new(&arena);

	(void)state;
	add_entry(first, "a", NULL, 1, kernel_config_policy(first, STR("a")));
	add_entry(first, "b", NULL, 2, kernel_config_policy(first, STR("b")));
	add_entry(first, "c", NULL, 3, kernel_config_policy(first, STR("c")));
	add_entry(second, "new", NULL, 9, kernel_config_policy(second, STR("new")));
	add_entry(second, "c", NULL, 3, kernel_config_policy(second, STR("c")));
	add_entry(second, "b", NULL, 4, kernel_config_policy(second, STR("b")));
	struct kernel_image *old = image_of(first, NULL), *new = image_of(second, old);

	CHECK_INT("b", slot_of(new, "b"), slot_of(old, "b"));
	CHECK_INT("c", slot_of(new, "c"), slot_of(old, "c"));
	CHECK_INT("a is gone", slot_of(new, "a"), 0);
	/* The buckets of "a" must not become those of "new". */
	assert_int_not_equal(slot_of(new, "new"), slot_of(old, "a"));
	uint32_t at = new->ports[4 / 32].first[4 % 32];

	assert_string_equal(new->entries[at].name, "b");
	CHECK_INT("b's old port", new->ports[0].first[2], 0);
}

/* What steer.h does with a packet; "" when there is no entry. */
static const char *entry_at(const struct kernel_image *image, const char *addr, uint16_t port,
			    uint8_t proto)
{
	uint16_t cell = image->ports[(proto == IPPROTO_UDP) * (ABI_PORT_LINES / 2) + port / 32]
				.first[port % 32];
	struct addr parsed;
	struct abi_addr want;

	CHECK_INT(addr, addr_parse(str_of(addr), &parsed), 0);
	memcpy(&want, parsed.byte, sizeof(want));
	for (int range = 0; cell && range < 2; range++) {
		__be16 key = range ? 0 : htons(port);
		__u64 hash = vip_hash(&want, key, proto, scale.seed);

		if (!(cell & (range ? ABI_PORT_RANGE : ABI_PORT_VIP)))
			continue;
		for (int i = 0; i < 2; i++) {
			uint32_t where = vip_cell(hash, i);
			uint16_t at = image->vips[where / 32].entry[where % 32];

			for (; at; at = image->entries[at].next) {
				const struct abi_entry *entry = &image->entries[at];

				if (memcmp(&entry->addr, &want, sizeof(want)) ||
				    entry->proto != proto)
					break;
				if (port >= ntohs(entry->port) && port <= ntohs(entry->port_last) &&
				    (range || entry->port == entry->port_last))
					return entry->name;
			}
		}
	}
	return image->entries[cell & ABI_PORT_ANY].name;
}

static void the_narrowest_entry_of_the_address_counts(void **state)
{
	static const struct {
		const char *name, *addr;
		uint16_t port, last;
	} entries[] = {
		{"any80", NULL, 80, 0},
		{"one80", "192.0.2.1", 80, 0},
		{"six80", "2001:db8::1", 80, 0},
		{"all", NULL, 1000, 2000},
		{"some", NULL, 1500, 1600},
		{"any1550", NULL, 1550, 0},
		{"wide", "192.0.2.1", 1, 65535},
		{"narrow", "192.0.2.1", 1500, 1599},
		{"one1550", "192.0.2.1", 1550, 0},
		{"again80", "192.0.2.1", 80, 0},
	};
	static const struct {
		const char *addr;
		uint16_t port;
		const char *want;
	} rows[] = {
		{"192.0.2.9", 80, "any80"},	{"192.0.2.1", 80, "one80"},
		{"2001:db8::1", 80, "six80"},	{"2001:db8::2", 80, "any80"},
		{"192.0.2.9", 999, ""},		{"192.0.2.9", 1000, "all"},
		{"192.0.2.9", 2000, "all"},	{"192.0.2.9", 2001, ""},
		{"192.0.2.9", 1500, "some"},	{"192.0.2.9", 1600, "some"},
		{"192.0.2.9", 1550, "any1550"}, {"192.0.2.1", 1550, "one1550"},
		{"192.0.2.1", 1551, "narrow"},	{"192.0.2.1", 1600, "wide"},
		{"192.0.2.1", 65535, "wide"},	{"2001:db8::1", 1550, "any1550"},
	};
	struct kernel_config *config = kernel_config_new(&arena);

	(void)state;
	for (size_t i = 0; i < ROWS(entries); i++) {
		add_entry(config, entries[i].name, entries[i].addr, entries[i].port, NULL);
		config->entries[i].port_last = entries[i].last;
	}
	struct kernel_image *image = image_of(config, NULL);

	for (size_t i = 0; i < ROWS(rows); i++)
		if (strcmp(entry_at(image, rows[i].addr, rows[i].port, IPPROTO_TCP), rows[i].want))
			fail_msg("%s:%u is %s", rows[i].addr, rows[i].port,
				 entry_at(image, rows[i].addr, rows[i].port, IPPROTO_TCP));
	assert_string_equal(entry_at(image, "192.0.2.1", 80, IPPROTO_UDP), "");
}

static void four_thousand_addresses_of_one_port_are_all_found(void **state)
{
	struct kernel_config *config = kernel_config_new(&arena);
	char text[32];

	(void)state;
	for (uint32_t i = 0; i < KERNEL_ENTRIES_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
		add_entry(config, text, text, 443, NULL);
	}
	struct kernel_image *image = image_of(config, NULL);

	for (uint32_t i = 0; i < KERNEL_ENTRIES_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
		assert_string_equal(entry_at(image, text, 443, IPPROTO_TCP), text);
	}
	assert_string_equal(entry_at(image, "10.1.0.0", 443, IPPROTO_TCP), "");
}

static void an_address_has_a_few_ranges(void **state)
{
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_image *image;
	char text[32];

	(void)state;
	for (int i = 0; i <= ABI_CHAIN_MAX; i++) {
		snprintf(text, sizeof(text), "range%d", i);
		add_entry(config, text, "192.0.2.1", (uint16_t)(100 * i + 1), NULL);
		config->entries[i].port_last = (uint16_t)(100 * i + 50);
		if (i < ABI_CHAIN_MAX)
			assert_string_equal(entry_at(image_of(config, NULL), "192.0.2.1",
						     (uint16_t)(100 * i + 50), IPPROTO_TCP),
					    text);
	}
	CHECK_INT("one more", kernel_image(config, NULL, &scale, &arena, &image), -ENOSPC);
}

static void tunnels_are_entries(void **state)
{
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_node nodes[2] = {{.is_self = true}, {.is_self = false}};

	(void)state;
	assert_int_equal(addr_parse(STR("192.0.2.10"), &config->self4), 0);
	assert_int_equal(addr_parse(STR("192.0.2.11"), &nodes[1].addr), 0);
	config->nodes = nodes;
	config->n_nodes = 2;
	assert_string_equal(
		entry_at(image_of(config, NULL), "192.0.2.10", ABI_GUE_PORT, IPPROTO_UDP), "");
	config->opens_tunnels = true;
	struct kernel_image *image = image_of(config, NULL);

	assert_string_equal(entry_at(image, "192.0.2.10", ABI_GUE_PORT, IPPROTO_UDP), "tunnel");
	CHECK_INT("flags", image->here.flags, ABI_HERE_DECAP);
	CHECK_INT("peer", image->entries[ABI_ENTRIES - 4].target, ABI_TARGET_PEER);
}

static void builders_say_when_a_table_is_full(void **state)
{
	struct kernel_config *config = kernel_config_new(&arena);
	char name[16];

	(void)state;
	for (int i = 0; i < KERNEL_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		if (i < KERNEL_POLICIES_MAX)
			assert_non_null(kernel_config_policy(config, str_of(name)));
		add_entry(config, name, NULL, (uint16_t)(i + 1), NULL);
	}
	assert_non_null(kernel_config_policy(config, STR("p3")));
	assert_null(kernel_config_policy(config, STR("one more")));
	assert_false(kernel_config_add(config, STR("one more"), &(struct addr){0}, 1, IPPROTO_TCP,
				       NULL));
	image_of(config, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(limits_become_costs),
		TEST(names_keep_their_slots),
		TEST(the_narrowest_entry_of_the_address_counts),
		TEST(four_thousand_addresses_of_one_port_are_all_found),
		TEST(an_address_has_a_few_ranges),
		TEST(tunnels_are_entries),
		TEST(builders_say_when_a_table_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
