// SPDX-License-Identifier: Apache-2.0
/* path_trie_test: what a walk finds, row by row, and against the plain definition at random. */

#include "plan/path_trie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	const char *path;
	bool exact;
} filed[] = {
	{"/", false},	  {"/api", false},	{"/api/v1", false}, {"/api/v1", true},
	{"/apple", true}, {"/apples", true},	{"/b", true},	    {"", false},
	{"/api", true},	  {"/api/v1/x", false},
};

static const struct path_node *trie_of_table(struct arena *arena)
{
	struct path_entry entries[10];

	for (size_t i = 0; i < 10; i++)
		entries[i] =
			(struct path_entry){str_of(filed[i].path), filed[i].exact, (uint32_t)i};
	return path_trie_new(entries, 10, (struct str){0}, arena);
}

static bool is_prefix(const struct path_node *node, uint32_t rank)
{
	struct path_list prefixes = path_node_prefixes(node);

	return path_list_next(&prefixes, rank) == rank;
}

/* The ranks found, smallest first, as text. */
static const char *found(const struct path_node *root, const char *path, char *text, size_t size)
{
	const struct path_node *prefix;
	struct path_list exact;
	size_t len = 0;

	text[0] = 0;
	path_trie_find(root, str_of(path), &prefix, &exact);
	for (uint32_t rank = 0; rank < 100; rank++) {
		bool is_in = path_list_next(&exact, rank) == rank;

		for (const struct path_node *node = prefix; node; node = node->up)
			is_in = is_in || is_prefix(node, rank);
		if (is_in)
			len += (size_t)snprintf(text + len, size - len, "%s%u", len ? " " : "",
						rank);
	}
	return text;
}

static void a_walk_finds_every_prefix_and_the_exact_path(void **state)
{
	static const struct {
		const char *path, *ranks;
	} rows[] = {
		{"", "7"},
		{"/", "0 7"},
		{"/b", "0 6 7"},
		{"/bb", "0 7"},
		{"/ap", "0 7"},
		{"/api", "0 1 7 8"},
		{"/apis", "0 1 7"},
		{"/api/v1", "0 1 2 3 7"},
		{"/api/v1/x/y", "0 1 2 7 9"},
		{"/apple", "0 4 7"},
		{"/apples", "0 5 7"},
		{"/applesauce", "0 7"},
		{"x", "7"},
	};
	struct arena arena;
	char text[256];

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	const struct path_node *root = trie_of_table(&arena);

	assert_non_null(root);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(found(root, rows[i].path, text, sizeof(text)), rows[i].ranks);
	arena_done(&arena);
}

static void an_empty_trie_finds_nothing(void **state)
{
	struct arena arena;
	const struct path_node *prefix;
	struct path_list exact;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	const struct path_node *root = path_trie_new(NULL, 0, (struct str){0}, &arena);

	assert_non_null(root);
	path_trie_find(root, STR("/x"), &prefix, &exact);
	assert_null(prefix);
	assert_int_equal(exact.n, 0);
	arena_done(&arena);
}

static void one_rank_filed_twice_is_listed_once(void **state)
{
	struct path_entry entries[] = {
		{STR("/a"), false, 3}, {STR("/a"), false, 3}, {STR("/a"), false, 1}};
	struct arena arena;
	const struct path_node *prefix;
	struct path_list exact;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	path_trie_find(path_trie_new(entries, 3, (struct str){0}, &arena), STR("/ab"), &prefix,
		       &exact);
	struct path_list prefixes = path_node_prefixes(prefix);

	assert_int_equal(prefixes.n, 2);
	assert_int_equal(path_list_next(&prefixes, 0), 1);
	assert_int_equal(path_list_next(&prefixes, 2), 3);
	assert_int_equal(path_list_next(&prefixes, 4), UINT32_MAX);
	arena_done(&arena);
}

static void random_path(char *text, unsigned int *seed)
{
	size_t n = (size_t)rand_r(seed) % 7;

	for (size_t i = 0; i < n; i++)
		text[i] = "/ab\xff"[rand_r(seed) % 4];
	text[n] = 0;
}

static void random_tries_agree_with_the_definition(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		char paths[40][8], path[8], text[512], want[512];
		bool exact[40];
		struct path_entry entries[40];
		struct arena arena;

		arena_init(&arena, 1 << 20, 0);
		for (uint32_t i = 0; i < 40; i++) {
			random_path(paths[i], &seed);
			exact[i] = rand_r(&seed) % 2;
			entries[i] = (struct path_entry){str_of(paths[i]), exact[i], i};
		}
		const struct path_node *root = path_trie_new(entries, 40, (struct str){0}, &arena);

		for (int probe = 0; probe < 40; probe++) {
			size_t len = 0;

			random_path(path, &seed);
			want[0] = 0;
			for (uint32_t i = 0; i < 40; i++)
				if (exact[i] ? !strcmp(paths[i], path)
					     : !strncmp(paths[i], path, strlen(paths[i])))
					len += (size_t)snprintf(want + len, sizeof(want) - len,
								"%s%u", len ? " " : "", i);
			assert_string_equal(found(root, path, text, sizeof(text)), want);
		}
		arena_done(&arena);
	}
}

static void a_host_with_one_path_is_one_cache_line(void **state)
{
	const struct str host = STR("shop.example.com");
	struct path_entry entries[] = {{STR("/api/v1"), false, 7}};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	const struct path_node *root = path_trie_new(entries, 1, host, &arena);

	assert_int_equal((uintptr_t)root % 64, 0);
	assert_memory_equal(path_trie_tail(root), host.at, host.len);
	assert_true(path_trie_tail(root) + host.len - (const char *)root <= 64);
	arena_done(&arena);
}

static void ten_thousand_nested_prefixes_need_no_stack(void **state)
{
	enum { N = 10000 };
	struct path_entry *entries = calloc(N, sizeof(*entries));
	char *text = malloc(N);
	const struct path_node *prefix;
	struct path_list exact;
	struct arena arena;
	size_t n = 0;

	(void)state;
	memset(text, 'a', N);
	arena_init(&arena, 1 << 26, 0);
	for (uint32_t i = 0; i < N; i++)
		entries[i] = (struct path_entry){str_n(text, i + 1), false, i};
	path_trie_find(path_trie_new(entries, N, (struct str){0}, &arena), str_n(text, N), &prefix,
		       &exact);
	for (; prefix; prefix = prefix->up)
		n++;
	assert_int_equal(n, N);
	arena_done(&arena);
	free(entries);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_finds_every_prefix_and_the_exact_path),
		cmocka_unit_test(an_empty_trie_finds_nothing),
		cmocka_unit_test(one_rank_filed_twice_is_listed_once),
		cmocka_unit_test(random_tries_agree_with_the_definition),
		cmocka_unit_test(a_host_with_one_path_is_one_cache_line),
		cmocka_unit_test(ten_thousand_nested_prefixes_need_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
