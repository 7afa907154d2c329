// SPDX-License-Identifier: Apache-2.0
/* cidr_index_test: the index agrees with the sorted list, whatever is in it. */

#include "mw_lab.h"

#include "mw/cidr_index.h"

/* xorshift: the same numbers in every run. */
static uint64_t seed = 88172645463325252ULL;

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* An address of a small world, so that networks and addresses meet. */
static struct addr any_addr(void)
{
	char text[64];
	struct addr addr;
	uint64_t word = next();

	if (word & 1)
		snprintf(text, sizeof(text), "%d.%d.%d.%d", (int)(word >> 8 & 3) + 9,
			 (int)(word >> 16 & 15), (int)(word >> 24 & 255), (int)(word >> 32 & 255));
	else
		snprintf(text, sizeof(text), "2001:db8:%x:%x::%x", (int)(word >> 8 & 7),
			 (int)(word >> 16 & 255), (int)(word >> 24 & 255));
	assert_int_equal(addr_parse(str_of(text), &addr), 0);
	return addr;
}

static struct cidr any_cidr(void)
{
	struct addr addr = any_addr();
	char text[ADDR_TEXT_MAX], full[ADDR_TEXT_MAX + 8];
	struct cidr cidr;

	addr_print(&addr, text);
	snprintf(full, sizeof(full), "%s/%d", text,
		 addr_is_v4(&addr) ? 32 - (int)(next() & 7) : 128 - (int)(next() & 15));
	assert_int_equal(cidr_parse(str_of(full), &cidr), 0);
	return cidr;
}

static void the_index_says_what_the_list_says(void **state)
{
	static const size_t sizes[] = {0, 1, 63, 64, 65, 200, 20000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct cidr_set set = {calloc(sizes[i] + 1, sizeof(*set.at)), sizes[i]};
		size_t n_in = 0;

		for (size_t j = 0; j < sizes[i]; j++)
			set.at[j] = any_cidr();
		cidr_set_sort(&set);
		struct cidr_index *index = cidr_index_new(&set);

		assert_non_null(index);
		assert_int_equal(cidr_index_count(index), set.n);
		assert_true(cidr_index_memory(index) > 0);
		for (int j = 0; j < 20000; j++) {
			struct addr addr = any_addr();
			bool in = cidr_set_contains(&set, &addr);

			n_in += in;
			assert_int_equal(cidr_index_contains(index, &addr), in);
		}
		print_message("  %zu networks hold %zu of 20000 addresses\n", set.n, n_in);
		cidr_index_free(index);
		free(set.at);
	}
}

static void everything_and_the_edges_are_found(void **state)
{
	enum { N = 70 };
	static const struct {
		const char *network, *in, *out;
	} rows[] = {
		{"0.0.0.0/0", "255.255.255.255", "::1"},
		{"128.0.0.0/1", "191.255.255.255", "127.255.255.255"},
		{"255.255.255.255", "255.255.255.255", "255.255.255.254"},
		{"::/0", "10.1.2.3", NULL},
		{"::/96", "::1", "10.1.2.3"},
		{"::ffff:0:0/95", "10.1.2.3", "1::"},
		{"2001:db8::/127", "2001:db8::1", "2001:db8::2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cidr_set set = {calloc(N, sizeof(*set.at)), N};
		struct addr addr;
		char text[64];

		print_message("  %s\n", rows[i].network);
		for (int j = 0; j < N; j++) {
			snprintf(text, sizeof(text), "172.16.%d.1", j);
			cidr_parse(str_of(j ? text : rows[i].network), &set.at[j]);
		}
		cidr_set_sort(&set);
		struct cidr_index *index = cidr_index_new(&set);

		addr_parse(str_of(rows[i].in), &addr);
		assert_true(cidr_index_contains(index, &addr));
		if (rows[i].out) {
			addr_parse(str_of(rows[i].out), &addr);
			assert_false(cidr_index_contains(index, &addr));
		}
		cidr_index_free(index);
		free(set.at);
	}
	cidr_index_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_index_says_what_the_list_says),
		cmocka_unit_test(everything_and_the_edges_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
