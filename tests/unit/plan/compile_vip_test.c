// SPDX-License-Identifier: Apache-2.0
/* compile_vip_test: endpoints of a VirtualAddress follow theirs, others are not lost. */

#include "stream_fixture.h"

#define VIP(address, service)                                          \
	"'spec':{'addresses':['" address "'],'ports':[{'port':5432}]," \
	"'backendRefs':[{'name':'" service "','port':5432}]}"

static const char *backends(struct fixture *f, const char *entry)
{
	const struct kernel_entry *found;

	/* Compares it with everything compiled anew as well. */
	fixture_compile(f);
	found = stream_entry(f, entry);
	assert_non_null(found);
	return stream_backends(found->service);
}

static void one_that_changes_is_read_again_and_others_are_not_lost(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	stream_backend(f, "my", "'10.0.1.1'");
	fixture_add(f, "VirtualAddress", "a", VIP("192.0.2.1", "pg"));
	fixture_add(f, "VirtualAddress", "b", VIP("192.0.2.2", "my"));
	fixture_add(f, "VirtualAddress", "c", VIP("192.0.2.3", "pg"));
	assert_string_equal(backends(f, "shop/a 192.0.2.1:5432"), "10.0.0.1:15432x1");
	stream_backend(f, "pg", "'10.0.0.2','10.0.0.3'");
	assert_string_equal(backends(f, "shop/a 192.0.2.1:5432"),
			    "10.0.0.2:15432x1 10.0.0.3:15432x1");
	assert_string_equal(backends(f, "shop/b 192.0.2.2:5432"), "10.0.1.1:15432x1");
	assert_string_equal(backends(f, "shop/c 192.0.2.3:5432"),
			    "10.0.0.2:15432x1 10.0.0.3:15432x1");
	/* Another Service, and back: what nobody asked for in between was forgotten. */
	fixture_add(f, "VirtualAddress", "b", VIP("192.0.2.2", "pg"));
	assert_string_equal(backends(f, "shop/b 192.0.2.2:5432"),
			    "10.0.0.2:15432x1 10.0.0.3:15432x1");
	fixture_add(f, "VirtualAddress", "b", VIP("192.0.2.2", "my"));
	assert_string_equal(backends(f, "shop/b 192.0.2.2:5432"), "10.0.1.1:15432x1");
}

static void the_service_counts_as_well(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "VirtualAddress", "a", VIP("192.0.2.1", "pg"));
	assert_string_equal(backends(f, "shop/a 192.0.2.1:5432"), "10.0.0.1:15432x1");
	/* The slice's port has the name that is now another port's. */
	fixture_add(f, "Service", "pg",
		    "'spec':{'clusterIP':'10.96.0.1','ports':[{'name':'web','port':5432}]}");
	assert_string_equal(backends(f, "shop/a 192.0.2.1:5432"), "");
}

static void what_was_told_is_told_again(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'127.0.0.9'");
	stream_backend(f, "my", "'10.0.1.1'");
	fixture_add(f, "VirtualAddress", "a", VIP("192.0.2.1", "pg"));
	fixture_add(f, "VirtualAddress", "b", VIP("192.0.2.2", "my"));
	fixture_compile(f);
	assert_told(f, "VirtualAddress/shop/a", "127.0.0.9:15432 is refused");
	stream_backend(f, "my", "'10.0.1.2'");
	fixture_compile(f);
	assert_told(f, "VirtualAddress/shop/a", "127.0.0.9:15432 is refused");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(one_that_changes_is_read_again_and_others_are_not_lost),
		STREAM_TEST(the_service_counts_as_well),
		STREAM_TEST(what_was_told_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
