// SPDX-License-Identifier: Apache-2.0
/* kube_split_test: pieces are the same wherever the chunks end. */
#include "source/kube_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct seen {
	char text[1024];
	size_t n, stop_after;
};

static bool see(void *context, struct str piece)
{
	struct seen *seen = context;
	size_t used = strlen(seen->text);

	snprintf(seen->text + used, sizeof(seen->text) - used, STR_FMT "|", STR_ARG(piece));
	return ++seen->n != seen->stop_after;
}

static void lines_are_the_same_wherever_chunks_end(void **state)
{
	struct str text = STR("{\"type\":\"ADDED\"}\n\n{\"a\":\"\\n\"}\r\n{\"b\":2}\n{\"cut");

	(void)state;
	for (size_t cut = 1; cut < text.len; cut++) {
		struct seen seen = {0};
		struct kube_lines lines;

		kube_lines_init(&lines, 100);
		for (size_t at = 0; at < text.len; at += cut)
			assert_true(kube_lines_push(&lines, str_take(str_from(text, at), cut), see,
						    &seen));
		assert_string_equal(seen.text, "{\"type\":\"ADDED\"}|{\"a\":\"\\n\"}\r|{\"b\":2}|");
		assert_true(str_eq(kube_lines_rest(&lines), STR("{\"cut")));
		kube_lines_done(&lines);
	}
}

static void a_line_that_is_too_long_is_dropped_alone(void **state)
{
	struct str text = STR("short\n0123456789\nnext\n0123456789abcdefghij\nlast\n");

	(void)state;
	for (size_t cut = 1; cut < text.len; cut++) {
		struct seen seen = {0};
		struct kube_lines lines;

		kube_lines_init(&lines, 8);
		for (size_t at = 0; at < text.len; at += cut)
			kube_lines_push(&lines, str_take(str_from(text, at), cut), see, &seen);
		assert_string_equal(seen.text, "short|next|last|");
		assert_int_equal(lines.n_dropped, 2);
		kube_lines_done(&lines);
	}
}

static void splitting_ends_when_told(void **state)
{
	struct seen seen = {.stop_after = 2};
	struct kube_lines lines;

	(void)state;
	kube_lines_init(&lines, 100);
	assert_false(kube_lines_push(&lines, STR("a\nb\nc\n"), see, &seen));
	assert_string_equal(seen.text, "a|b|");
	kube_lines_done(&lines);
}

struct list_row {
	const char *name, *text, *items, *rest;
	bool complete;
	uint64_t n_dropped;
};

static const struct list_row list_rows[] = {
	{"metadata after the items",
	 "{\"apiVersion\":\"v1\",\"items\":[{\"a\":[1,{\"items\":[{}]}]},{\"b\":\"]}\\\"{\"}],"
	 "\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"7\"}}",
	 "{\"a\":[1,{\"items\":[{}]}]}|{\"b\":\"]}\\\"{\"}|",
	 "{\"apiVersion\":\"v1\",\"items\":[],\"kind\":\"L\",\"metadata\":{\"resourceVersion\":"
	 "\"7\"}}",
	 true, 0},
	{"metadata before them, and other lists",
	 "{\"metadata\":{\"items\":[{\"x\":1}]},\"other\":[{\"y\":2}],\"items\":[ {\"z\":3} ]}\n",
	 "{\"z\":3}|",
	 "{\"metadata\":{\"items\":[{\"x\":1}]},\"other\":[{\"y\":2}],\"items\":[]}\n", true, 0},
	{"indented", "{\n  \"items\": [\n    {\n      \"a\": 1\n    },\n    {}\n  ]\n}\n",
	 "{\n      \"a\": 1\n    }|{}|", "{\n  \"items\": []\n}\n", true, 0},
	{"none", "{\"items\":[],\"kind\":\"L\"}", "", "{\"items\":[],\"kind\":\"L\"}", true, 0},
	{"null", "{\"items\":null}", "", "{\"items\":null}", true, 0},
	{"items is only a value", "{\"kind\":\"items\",\"a\":[{}]}", "",
	 "{\"kind\":\"items\",\"a\":[{}]}", true, 0},
	{"one too long", "{\"items\":[{\"a\":\"01234567890123456789012345678901234567890\"},{}]}",
	 "{}|", "{\"items\":[]}", true, 1},
	{"cut", "{\"items\":[{\"a\":1},{\"b\"", "{\"a\":1}|", NULL, false, 0},
	{"items that are no objects", "{\"items\":[1,2]}", "", NULL, false, 0},
	{"items that are texts", "{\"items\":[\"a\"]}", "", NULL, false, 0},
	{"items that are arrays", "{\"items\":[[]]}", NULL, NULL, false, 0},
	{"no list", "<html>busy</html>", "", NULL, false, 0},
	{"an array", "[{}]", "", NULL, false, 0},
	{"more after the end", "{\"items\":[]}{\"items\":[]}", "", NULL, false, 0},
	{"closing too much", "{\"items\":[]}}", "", NULL, false, 0},
};

static void items_are_the_same_wherever_chunks_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(list_rows) / sizeof(*list_rows); i++) {
		const struct list_row *row = &list_rows[i];
		struct str text = str_of(row->text);

		for (size_t cut = 1; cut <= text.len; cut++) {
			struct seen seen = {0};
			struct kube_items items;

			kube_items_init(&items, 40);
			for (size_t at = 0; at < text.len; at += cut)
				kube_items_push(&items, str_take(str_from(text, at), cut), see,
						&seen);
			if (kube_items_complete(&items) != row->complete ||
			    items.n_dropped != row->n_dropped ||
			    (row->items && strcmp(seen.text, row->items)))
				fail_msg("%s, cut at %zu: %s", row->name, cut, seen.text);
			if (row->rest)
				assert_string_equal(items.rest.at, row->rest);
			kube_items_done(&items);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_the_same_wherever_chunks_end),
		cmocka_unit_test(a_line_that_is_too_long_is_dropped_alone),
		cmocka_unit_test(splitting_ends_when_told),
		cmocka_unit_test(items_are_the_same_wherever_chunks_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
