// SPDX-License-Identifier: Apache-2.0
/* folder_merge_test: random changes of a folder's files lead to the store that reading it anew
 * gives. */

#include "source/folder_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILES = 5, NAMES = 4, ROUNDS = 120 };

struct scene {
	char folder[32];
	struct folder *live;
	struct store store;
};

/* The low bits of rand_r follow each other. */
static int draw(unsigned int *seed, int n)
{
	return (rand_r(seed) >> 8) % n;
}

static void file_path(const struct scene *s, int file, char path[64])
{
	snprintf(path, 64, "%s/f%d.yaml", s->folder, file);
}

/* Some Services; now and then a broken text, two of one name, or nothing. */
static void write_file(const struct scene *s, int file, unsigned int *seed)
{
	char path[64], temporary[80];
	int n = draw(seed, 3);
	FILE *out;

	file_path(s, file, path);
	snprintf(temporary, sizeof(temporary), "%s/.t", s->folder);
	out = fopen(temporary, "w");
	assert_non_null(out);
	for (int i = 0; i < n; i++) {
		bool is_own = draw(seed, 16);

		fprintf(out,
			"---\napiVersion: v1\nkind: Service\nmetadata: {name: s%d}\nspec: {ports: "
			"[{port: %d}]}\n",
			is_own ? file * 10 + i : draw(seed, NAMES), 1 + draw(seed, 1000));
	}
	if (draw(seed, 24) == 0)
		fputs("---\nkind: [\n", out);
	fclose(out);
	assert_int_equal(rename(temporary, path), 0);
}

static void read_into(struct folder *folder, struct store *store)
{
	struct arena arena;
	struct diag_sink sink;

	arena_init(&arena, 4 << 20, 0);
	diag_init(&sink, &arena);
	folder_read(folder, store, &sink);
	arena_done(&arena);
}

static bool same_services(const struct store *a, const struct store *b)
{
	if (a->objects[KIND_SERVICE].n != b->objects[KIND_SERVICE].n)
		return false;
	TABLE_EACH (&a->objects[KIND_SERVICE], slot) {
		const struct object *object = slot->value;
		const struct object *other = table_find(&b->objects[KIND_SERVICE], object->id);

		if (!other || other->content_hash != object->content_hash)
			return false;
	}
	return true;
}

/* What the same files give to somebody who reads them for the first time. */
static bool is_as_read_anew(const struct scene *s)
{
	struct store store;
	struct folder *folder;
	bool same;
	int error;

	store_init(&store);
	folder = folder_open(&(struct folder_options){.path = s->folder}, &error);
	assert_non_null(folder);
	read_into(folder, &store);
	same = same_services(&s->store, &store);
	folder_close(folder);
	store_done(&store);
	return same;
}

static void random_changes_lead_to_what_reading_anew_gives(void **state)
{
	struct scene s = {.folder = "/tmp/merge-XXXXXX"};
	unsigned int seed = 9;
	char path[64];
	int error, n_compared = 0;

	(void)state;
	assert_non_null(mkdtemp(s.folder));
	store_init(&s.store);
	s.live = folder_open(&(struct folder_options){.path = s.folder}, &error);
	assert_non_null(s.live);
	for (int round = 0; round < ROUNDS; round++) {
		int file = draw(&seed, FILES);
		bool has_fault = false;

		write_file(&s, file, &seed);
		/* Young texts that lose objects are looked at again. */
		for (int i = 0; i < 200; i++) {
			read_into(s.live, &s.store);
			has_fault = !s.live->is_quiet;
			if (has_fault || is_as_read_anew(&s))
				break;
			poll(&(struct pollfd){.fd = folder_fd(s.live), .events = POLLIN}, 1, 20);
		}
		/* A broken text keeps what it last said, which who reads it anew cannot know. */
		if (has_fault)
			continue;
		assert_true(is_as_read_anew(&s));
		n_compared++;
	}
	if (n_compared <= 10)
		fail_msg("only %d rounds were without faults", n_compared);
	folder_close(s.live);
	for (int file = 0; file < FILES; file++) {
		file_path(&s, file, path);
		unlink(path);
	}
	rmdir(s.folder);
	store_done(&s.store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes_lead_to_what_reading_anew_gives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
