// SPDX-License-Identifier: Apache-2.0
/* kube_intake_test: a list takes the place of what was known only when it is whole. */
#include "source/kube_intake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void nothing_seen(void *context, struct kube_watch *watch, const struct object *object,
			 const json_t *document)
{
	(void)context;
	(void)watch;
	(void)object;
	(void)document;
}

static void nothing(void *context, struct kube_watch *watch, struct object *object)
{
	(void)context;
	(void)watch;
	(void)object;
}

static struct kube_hub hub = {
	.on_seen = nothing_seen, .on_put = nothing, .on_remove = nothing, .no_streaming = true};

#define ITEM "{\"metadata\":{\"name\":\"a\",\"namespace\":\"shop\"},\"spec\":{}}"

static size_t take(const char *namespace_, const char *text, bool *ret_whole)
{
	struct kube_watch_options options = {.kind = KIND_SERVICE,
					     .namespace_ = str_of(namespace_)};
	struct kube_watch *watch = kube_watch_new(&options, &hub, 1);
	struct kube_ask ask;
	bool more;

	assert_true(kube_watch_next(watch, 1, &ask));
	kube_intake_take(watch, str_of(text), 1);
	*ret_whole = kube_intake_end_list(watch, &more);
	size_t n = watch->objects.n;

	kube_watch_free(watch);
	return n;
}

static void only_a_whole_list_counts(void **state)
{
	static const struct {
		const char *text;
		bool is_whole;
		size_t n;
	} rows[] = {
		{"{\"items\":[" ITEM "],\"metadata\":{\"resourceVersion\":\"1\"}}", true, 1},
		{"{\"items\":[" ITEM "],\"metadata\":{\"resourceVersion\":\"\"}}", false, 0},
		{"{\"items\":[" ITEM "],\"metadata\":{}}", false, 0},
		{"{\"items\":[" ITEM "],\"metadata\":{\"resourceVersion\":\"1\"", false, 0},
		{"{\"items\":[" ITEM ",{\"a\":tru}],\"metadata\":{\"resourceVersion\":\"1\"}}",
		 false, 0},
		{"{\"items\":[" ITEM ",{}],\"metadata\":{\"resourceVersion\":\"1\"}}", true, 1},
		{"<html>", false, 0},
		{"", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool is_whole;

		assert_int_equal(take(NULL, rows[i].text, &is_whole), rows[i].n);
		assert_int_equal(is_whole, rows[i].is_whole);
	}
}

static void what_was_not_asked_for_is_left_out(void **state)
{
	bool is_whole;

	(void)state;
	assert_int_equal(take("other",
			      "{\"items\":[" ITEM "],\"metadata\":{\"resourceVersion\":\"1\"}}",
			      &is_whole),
			 0);
	assert_true(is_whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_whole_list_counts),
		cmocka_unit_test(what_was_not_asked_for_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
