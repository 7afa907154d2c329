// SPDX-License-Identifier: Apache-2.0
/* part_test: what was replaced goes when the last snapshot that had it and all older ones are gone.
 */

#include "plan/part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static char said[32];

static void say(void *word)
{
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s", (const char *)word);
}

static struct part *part_of(const char *word)
{
	struct part *part = part_new(0);

	assert_non_null(part);
	part_own(part, (void *)(uintptr_t)word, say);
	return part;
}

static void parts_go_with_the_last_that_has_them(void **state)
{
	struct part_grave *first = part_grave_new(), *second, *third;

	(void)state;
	said[0] = '\0';
	part_grave_bury(first, part_of("a"));
	second = part_grave_next(first);
	part_grave_bury(second, part_of("b"));
	third = part_grave_next(second);
	part_grave_bury(third, part_of("c"));
	/* The second snapshot is gone, but the first may still use what it had. */
	part_grave_unref(second);
	assert_string_equal(said, "");
	part_grave_unref(first);
	assert_string_equal(said, "ab");
	part_grave_unref(third);
	assert_string_equal(said, "abc");
}

static void what_a_part_owns_goes_newest_first_and_before_its_memory(void **state)
{
	struct part *whole = part_new(0), *within = part_within(whole);

	(void)state;
	said[0] = '\0';
	part_own(within, (void *)(uintptr_t) "1", say);
	part_own(within, (void *)(uintptr_t) "2", say);
	part_own(whole, (void *)(uintptr_t) "3", say);
	assert_ptr_equal(within->arena, whole->arena);
	part_free(within);
	assert_string_equal(said, "21");
	part_free(whole);
	assert_string_equal(said, "213");
	part_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_go_with_the_last_that_has_them),
		cmocka_unit_test(what_a_part_owns_goes_newest_first_and_before_its_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
