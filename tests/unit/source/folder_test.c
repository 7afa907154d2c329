// SPDX-License-Identifier: Apache-2.0
/* folder_test: real folders, real inotify: what a folder of manifests says after it was changed in
 * many ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "model/ingress_route.h"
#include "source/folder.h"

struct scene {
	char root[64], path[96];
	struct folder *folder;
	struct store store;
	struct arena arena;
	struct diag_sink sink;
	int news; /* of the last read */
};

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static void read_now(struct scene *scene)
{
	arena_done(&scene->arena);
	arena_init(&scene->arena, 1 << 20, 0);
	diag_init(&scene->sink, &scene->arena);
	scene->news = folder_read(scene->folder, &scene->store, &scene->sink);
}

/* As control does it: waits for the descriptor, reads; until nothing came for a while. Returns the
 * news. */
static int settle(struct scene *scene)
{
	struct pollfd fd = {.fd = folder_fd(scene->folder), .events = POLLIN};
	int news = 0;

	while (poll(&fd, 1, 120) > 0) {
		read_now(scene);
		news += scene->news;
	}
	return news;
}

static void put(struct scene *scene, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", scene->path, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *route(const char *name, const char *match)
{
	static char text[4][512];
	static int turn;
	char *at = text[turn++ % 4];

	snprintf(at, sizeof(text[0]),
		 "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata:\n  name: %s\n"
		 "spec:\n  routes:\n  - match: %s\n    services:\n    - name: s\n      port: 80\n",
		 name, match);
	return at;
}

static struct str match_of(struct scene *scene, const char *name)
{
	struct object *object =
		store_find(&scene->store, KIND_INGRESS_ROUTE, STR("default"), str_of(name));
	const struct ingress_route *spec = object ? object->spec : NULL;

	return spec ? LIST_AT(spec->routes, struct ingress_route_rule, 0)->match : (struct str){0};
}

#define assert_match(scene, name, text) assert_true(str_eq(match_of(scene, name), STR(text)))

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	snprintf(scene->root, sizeof(scene->root), "/tmp/tidegate-folder-XXXXXX");
	if (!mkdtemp(scene->root))
		return -1;
	snprintf(scene->path, sizeof(scene->path), "%s/manifests", scene->root);
	mkdir(scene->path, 0755);
	store_init(&scene->store);
	arena_init(&scene->arena, 1 << 20, 0);
	*state = scene;
	return 0;
}

static void open_folder(struct scene *scene)
{
	int error;

	scene->folder = folder_open(&(struct folder_options){.path = scene->path}, &error);
	assert_non_null(scene->folder);
	read_now(scene);
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	folder_close(scene->folder);
	store_done(&scene->store);
	arena_done(&scene->arena);
	run("rm -rf %s", scene->root);
	free(scene);
	return 0;
}

static void files_are_read_and_others_are_not(void **state)
{
	struct scene *scene = *state;

	put(scene, "a.yaml", route("a", "Host(`a`)"));
	put(scene, "b.yml", route("b", "Host(`b`)"));
	put(scene, "c.json",
	    "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"}}\n"
	    "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"t\"}}\n");
	put(scene, ".hidden.yaml", route("h", "x"));
	put(scene, "a.yaml~", route("h", "x"));
	put(scene, "#a.yaml", route("h", "x"));
	put(scene, "README.md", "hello");
	run("mkdir %s/sub.yaml.d", scene->path);
	open_folder(scene);
	assert_int_equal(scene->news, 1);
	assert_int_equal(scene->sink.n, 0);
	assert_int_equal(folder_stats(scene->folder).n_objects, 4);
	assert_match(scene, "a", "Host(`a`)");
	assert_match(scene, "b", "Host(`b`)");
	assert_null(match_of(scene, "h").at);
}

static void a_missing_folder_is_an_error(void **state)
{
	int error;

	(void)state;
	assert_null(folder_open(&(struct folder_options){.path = "/tmp/tidegate-no-such-folder"},
				&error));
	assert_int_equal(error, -ENOENT);
	assert_null(folder_open(&(struct folder_options){.path = "/etc/passwd"}, &error));
	assert_int_equal(error, -ENOTDIR);
}

static void every_way_of_writing_is_seen(void **state)
{
	struct scene *scene = *state;

	put(scene, "a.yaml", route("a", "Host(`1`)"));
	open_folder(scene);
	/* in place */
	put(scene, "a.yaml", route("a", "Host(`2`)"));
	assert_int_equal(settle(scene), 1);
	assert_match(scene, "a", "Host(`2`)");
	/* atomically, as most editors and tools do */
	put(scene, ".a.yaml.tmp", route("a", "Host(`3`)"));
	run("mv %s/.a.yaml.tmp %s/a.yaml", scene->path, scene->path);
	assert_int_equal(settle(scene), 1);
	assert_match(scene, "a", "Host(`3`)");
	/* with the old file moved out of the way first */
	run("mv %s/a.yaml %s/a.yaml~", scene->path, scene->path);
	read_now(scene);
	assert_match(scene, "a", "Host(`3`)");
	put(scene, "a.yaml", route("a", "Host(`4`)"));
	settle(scene);
	assert_match(scene, "a", "Host(`4`)");
	/* a new one, a link to somewhere else, and none at all */
	put(scene, "../elsewhere.yaml", route("c", "Host(`c`)"));
	run("ln -s ../elsewhere.yaml %s/c.yaml", scene->path);
	settle(scene);
	assert_match(scene, "c", "Host(`c`)");
	run("rm %s/a.yaml", scene->path);
	settle(scene);
	assert_null(match_of(scene, "a").at);
	assert_match(scene, "c", "Host(`c`)");
}

static void what_is_written_again_as_it_was_is_no_news(void **state)
{
	struct scene *scene = *state;

	put(scene, "a.yaml", route("a", "Host(`1`)"));
	open_folder(scene);
	uint64_t revision = scene->store.revision;

	put(scene, "a.yaml", route("a", "Host(`1`)"));
	assert_int_equal(settle(scene), 0);
	assert_int_equal(scene->store.revision, revision);
	/* Comments and order of keys are no content either. */
	put(scene, "a.yaml",
	    "# a comment\nkind: IngressRoute\napiVersion: traefik.io/v1alpha1\nmetadata: {name: "
	    "a}\n"
	    "spec: {routes: [{match: Host(`1`), services: [{port: 80, name: s}]}]}\n");
	assert_int_equal(settle(scene), 0);
	assert_int_equal(scene->store.revision, revision);
}

static void a_config_map_swap_is_seen(void **state)
{
	struct scene *scene = *state;

	/* What kubelet makes: a folder per version, ..data leading to it, links to ..data's files.
	 */
	run("mkdir %s/..2024_1 && ln -s ..2024_1 %s/..data && ln -s ..data/a.yaml %s/a.yaml",
	    scene->path, scene->path, scene->path);
	put(scene, "..2024_1/a.yaml", route("a", "Host(`1`)"));
	open_folder(scene);
	assert_match(scene, "a", "Host(`1`)");
	for (int i = 2; i < 5; i++) {
		char match[32];

		snprintf(match, sizeof(match), "Host(`%d`)", i);
		run("mkdir %s/..2024_%d", scene->path, i);
		char name[64];

		snprintf(name, sizeof(name), "..2024_%d/a.yaml", i);
		put(scene, name, route("a", match));
		run("ln -s ..2024_%d %s/..data_tmp && mv -T %s/..data_tmp %s/..data && rm -r "
		    "%s/..2024_%d",
		    i, scene->path, scene->path, scene->path, scene->path, i - 1);
		settle(scene);
		assert_true(str_eq(match_of(scene, "a"), str_of(match)));
	}
	/* In place behind the link. */
	put(scene, "..data/a.yaml", route("a", "Host(`9`)"));
	settle(scene);
	assert_match(scene, "a", "Host(`9`)");
}

static void a_file_that_does_not_parse_keeps_its_objects(void **state)
{
	struct scene *scene = *state;

	put(scene, "a.yaml", route("a", "Host(`1`)"));
	put(scene, "b.yaml", route("b", "Host(`1`)"));
	open_folder(scene);
	put(scene, "a.yaml", "kind: [\n");
	put(scene, "b.yaml", route("b", "Host(`2`)"));
	assert_int_not_equal(settle(scene), 0);
	assert_match(scene, "a", "Host(`1`)");
	assert_match(scene, "b", "Host(`2`)");
	assert_int_equal(scene->sink.n_errors, 1);
	assert_true(str_starts(scene->sink.at[0].message, STR("cannot be parsed")));
	assert_true(str_ends(scene->sink.at[0].file, STR("/a.yaml")));
	assert_int_equal(scene->sink.at[0].line, 2);
	/* It is told until it is gone. */
	read_now(scene);
	assert_int_equal(scene->news, 0);
	assert_int_equal(scene->sink.n_errors, 1);
	put(scene, "a.yaml", route("a", "Host(`3`)"));
	settle(scene);
	assert_int_equal(scene->sink.n_errors, 0);
	assert_match(scene, "a", "Host(`3`)");
}

static void a_file_that_is_being_written_loses_nothing(void **state)
{
	struct scene *scene = *state;
	char path[256], both[2048];

	snprintf(both, sizeof(both), "%s---\n%s", route("a", "Host(`1`)"), route("b", "Host(`1`)"));
	put(scene, "a.yaml", both);
	open_folder(scene);
	snprintf(path, sizeof(path), "%s/a.yaml", scene->path);
	/* Truncated, and closed by another writer: the text is empty for a moment. */
	int fd = open(path, O_WRONLY | O_TRUNC);

	close(open(path, O_WRONLY));
	read_now(scene);
	assert_match(scene, "a", "Host(`1`)");
	/* Half of it: a whole document, but one is missing. */
	const char *half = route("a", "Host(`2`)");

	assert_int_equal(write(fd, half, strlen(half)), (ssize_t)strlen(half));
	close(open(path, O_WRONLY));
	read_now(scene);
	assert_match(scene, "b", "Host(`1`)");
	const char *rest = route("b", "Host(`2`)");

	assert_int_equal(write(fd, "---\n", 4), 4);
	assert_int_equal(write(fd, rest, strlen(rest)), (ssize_t)strlen(rest));
	close(fd);
	settle(scene);
	assert_match(scene, "a", "Host(`2`)");
	assert_match(scene, "b", "Host(`2`)");
	/* Emptied for good. */
	put(scene, "a.yaml", "");
	settle(scene);
	assert_null(match_of(scene, "a").at);
}

static void of_duplicates_the_first_file_counts(void **state)
{
	struct scene *scene = *state;

	put(scene, "2.yaml", route("a", "Host(`second`)"));
	put(scene, "1.yaml", route("a", "Host(`first`)"));
	open_folder(scene);
	assert_match(scene, "a", "Host(`first`)");
	assert_int_equal(scene->sink.n_errors, 1);
	assert_true(str_ends(scene->sink.at[0].file, STR("/2.yaml")));
	assert_true(str_search(scene->sink.at[0].suggestion, STR("1.yaml")) > 0);
	run("rm %s/1.yaml", scene->path);
	settle(scene);
	assert_match(scene, "a", "Host(`second`)");
	assert_int_equal(scene->sink.n_errors, 0);
}

static void a_broken_object_harms_only_itself(void **state)
{
	struct scene *scene = *state;
	struct object *object;
	char text[2048];

	snprintf(text, sizeof(text), "%s---\n%s", route("a", "Host(`1`)"), route("b", "[1]"));
	put(scene, "a.yaml", text);
	open_folder(scene);
	assert_match(scene, "a", "Host(`1`)");
	object = store_find(&scene->store, KIND_INGRESS_ROUTE, STR("default"), STR("b"));
	assert_false(object->valid);
	assert_int_equal(object->diags.n_errors, 1);
	assert_true(str_eq(object->diags.at[0].field, STR("spec.routes[0].match")));
	/* The line of the field, not of the document: the second one begins at line 11. */
	assert_int_equal(object->diags.at[0].line, 18);
}

static void a_replaced_folder_is_found_again(void **state)
{
	struct scene *scene = *state;

	put(scene, "a.yaml", route("a", "Host(`1`)"));
	open_folder(scene);
	run("mv %s %s.old", scene->path, scene->path);
	settle(scene);
	assert_match(scene, "a", "Host(`1`)");
	assert_int_equal(scene->sink.n_errors, 1);
	run("mkdir %s", scene->path);
	put(scene, "a.yaml", route("a", "Host(`2`)"));
	settle(scene);
	assert_match(scene, "a", "Host(`2`)");
	put(scene, "a.yaml", route("a", "Host(`3`)"));
	settle(scene);
	assert_match(scene, "a", "Host(`3`)");
	assert_int_equal(scene->sink.n_errors, 0);
}

static void a_link_to_a_folder_may_be_turned(void **state)
{
	struct scene *scene = *state;

	run("mkdir %s/v1 %s/v2 && rmdir %s && ln -s v1 %s", scene->root, scene->root, scene->path,
	    scene->path);
	put(scene, "a.yaml", route("a", "Host(`1`)"));
	open_folder(scene);
	put(scene, "../v2/a.yaml", route("a", "Host(`2`)"));
	run("ln -s v2 %s/new && mv -T %s/new %s", scene->root, scene->root, scene->path);
	settle(scene);
	assert_match(scene, "a", "Host(`2`)");
	put(scene, "a.yaml", route("a", "Host(`3`)"));
	settle(scene);
	assert_match(scene, "a", "Host(`3`)");
}

static void a_burst_of_changes_ends_in_what_was_written_last(void **state)
{
	struct scene *scene = *state;
	char name[32], match[32], tmp[48];

	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "r%02d.yaml", i);
		name[3] = '\0';
		snprintf(match, sizeof(match), "Host(`0`)");
		const char *text = route(name, match);

		name[3] = '.';
		put(scene, name, text);
	}
	open_folder(scene);
	for (int round = 1; round <= 5; round++) {
		for (int i = 0; i < 40; i++) {
			snprintf(name, sizeof(name), "r%02d", i);
			snprintf(match, sizeof(match), "Host(`%d`)", round);
			const char *text = route(name, match);

			if (i % 2) {
				strcat(name, ".yaml");
				put(scene, name, text);
			} else {
				char from[160], to[160];

				snprintf(tmp, sizeof(tmp), ".%s.tmp", name);
				put(scene, tmp, text);
				snprintf(from, sizeof(from), "%s/%s", scene->path, tmp);
				snprintf(to, sizeof(to), "%s/%s.yaml", scene->path, name);
				assert_int_equal(rename(from, to), 0);
			}
		}
		read_now(scene);
		assert_int_equal(folder_stats(scene->folder).n_objects, 40);
	}
	settle(scene);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "r%02d", i);
		assert_match(scene, name, "Host(`5`)");
	}
}

static void one_change_among_many_costs_one_decode(void **state)
{
	enum { N = 5000 };
	struct scene *scene = *state;
	char path[256], name[32];
	uint64_t start, all_ns = 0, one_ns = 0;

	for (int version = 1; version <= 2; version++) {
		snprintf(path, sizeof(path), "%s/all.yaml", scene->path);
		FILE *file = fopen(path, "w");

		for (int i = 0; i < N; i++) {
			snprintf(name, sizeof(name), "r%d", i);
			fprintf(file, "---\n%s",
				route(name,
				      i == N / 2 && version == 2 ? "Host(`2`)" : "Host(`1`)"));
		}
		fclose(file);
		start = clock_mono_ns();
		if (version == 1) {
			open_folder(scene);
			all_ns = clock_mono_ns() - start;
		} else {
			uint64_t revision = scene->store.revision;

			read_now(scene);
			one_ns = clock_mono_ns() - start;
			assert_int_equal(scene->store.revision, revision + 1);
		}
	}
	assert_int_equal(folder_stats(scene->folder).n_objects, N);
	assert_match(scene, "r2500", "Host(`2`)");
	print_message("all: %d ms, one of them: %d ms\n", (int)(all_ns / 1000000),
		      (int)(one_ns / 1000000));
	assert_true(one_ns * 4 < all_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(files_are_read_and_others_are_not),
		cmocka_unit_test(a_missing_folder_is_an_error),
		TEST(every_way_of_writing_is_seen),
		TEST(what_is_written_again_as_it_was_is_no_news),
		TEST(a_config_map_swap_is_seen),
		TEST(a_file_that_does_not_parse_keeps_its_objects),
		TEST(a_file_that_is_being_written_loses_nothing),
		TEST(of_duplicates_the_first_file_counts),
		TEST(a_broken_object_harms_only_itself),
		TEST(a_replaced_folder_is_found_again),
		TEST(a_link_to_a_folder_may_be_turned),
		TEST(a_burst_of_changes_ends_in_what_was_written_last),
		TEST(one_change_among_many_costs_one_decode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
