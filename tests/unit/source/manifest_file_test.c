// SPDX-License-Identifier: Apache-2.0
/* manifest_file_test: a text is cut into documents; what did not change keeps its objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "source/manifest_file.h"

#define SECRET(name) "apiVersion: v1\nkind: Secret\nmetadata: {name: " name "}\n"
#define BAD(name)                                                                      \
	"apiVersion: tidegate.io/v1alpha1\nkind: SourcePolicy\nmetadata: {name: " name \
	"}\nspec:\n  dney: []\n"

static int take(struct manifest_file *file, const char *text, bool keep, bool *ret_lost)
{
	return manifest_file_take(file, str_of(text), keep, ret_lost);
}

static struct object *object_at(const struct manifest_file *file, size_t chunk)
{
	return file->chunks[chunk]->objects[0];
}

static void only_manifests_are_manifests(void **state)
{
	static const struct {
		const char *name;
		bool yes;
	} rows[] = {
		{"a.yaml", true},      {"a.yml", true},	   {"a.json", true},   {"a.b.yaml", true},
		{".a.yaml", false},    {"a.yaml~", false}, {"#a.yaml", false}, {"~a.yaml", false},
		{"a.yaml.swp", false}, {"a.txt", false},   {"..data", false},  {"", false},
		{"4913", false},       {".yaml", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (manifest_file_is_name(rows[i].name, MANIFEST_OBJECTS) != rows[i].yes)
			fail_msg("%s", rows[i].name);
}

static void unchanged_documents_keep_their_objects(void **state)
{
	struct manifest_file file;
	struct object *a, *b, *c;
	bool lost;

	(void)state;
	manifest_file_init(&file, MANIFEST_OBJECTS, "dir", "f.yaml");
	assert_int_equal(
		take(&file, SECRET("a") "---\n" SECRET("b") "---\n" SECRET("c"), false, &lost), 0);
	assert_int_equal(file.n_chunks, 3);
	a = object_at(&file, 0);
	b = object_at(&file, 1);
	c = object_at(&file, 2);
	/* One changed, one moved, one new. */
	assert_int_equal(take(&file,
			      SECRET("a") "---\n" SECRET("b") "type: x\n---\n" SECRET(
				      "n") "---\n" SECRET("c"),
			      false, &lost),
			 0);
	assert_false(lost);
	assert_ptr_equal(object_at(&file, 0), a);
	assert_ptr_not_equal(object_at(&file, 1), b);
	assert_ptr_equal(object_at(&file, 3), c);
	assert_true(str_eq(a->file, STR("dir/f.yaml")));
	manifest_file_done(&file);
}

static void a_text_that_loses_objects_may_be_left_for_later(void **state)
{
	struct manifest_file file;
	struct object *b;
	bool lost;

	(void)state;
	manifest_file_init(&file, MANIFEST_OBJECTS, "dir", "f.yaml");
	take(&file, SECRET("a") "---\n" SECRET("b"), false, &lost);
	b = object_at(&file, 1);
	assert_int_equal(take(&file, SECRET("a"), true, &lost), -EAGAIN);
	assert_true(lost);
	assert_int_equal(file.n_chunks, 2);
	assert_ptr_equal(object_at(&file, 1), b);
	assert_int_equal(take(&file, "", true, &lost), -EAGAIN);
	assert_int_equal(take(&file, SECRET("a"), false, &lost), 0);
	assert_true(lost);
	assert_int_equal(file.n_chunks, 1);
	assert_int_equal(take(&file, "", false, &lost), 0);
	assert_int_equal(file.n_chunks, 0);
	manifest_file_done(&file);
}

static void a_text_that_does_not_parse_changes_nothing(void **state)
{
	struct manifest_file file;
	struct object *a;
	bool lost;

	(void)state;
	manifest_file_init(&file, MANIFEST_OBJECTS, "dir", "f.yaml");
	take(&file, SECRET("a"), false, &lost);
	a = object_at(&file, 0);
	assert_int_equal(take(&file, SECRET("a") "---\n" SECRET("b") "---\nx: [\n", false, &lost),
			 -EINVAL);
	assert_int_equal(file.n_chunks, 1);
	assert_ptr_equal(object_at(&file, 0), a);
	/* Where the list should have ended: behind the last line. */
	assert_int_equal(file.fault_line, 10);
	assert_int_equal(take(&file, SECRET("a"), false, &lost), 0);
	assert_int_equal(file.fault[0], '\0');
	manifest_file_done(&file);
}

static void faults_know_their_line_even_when_it_moves(void **state)
{
	struct manifest_file file;
	bool lost;

	(void)state;
	manifest_file_init(&file, MANIFEST_OBJECTS, "dir", "f.yaml");
	take(&file, SECRET("a") "---\n" BAD("p"), false, &lost);
	assert_int_equal(object_at(&file, 1)->diags.n, 1);
	assert_int_equal(object_at(&file, 1)->diags.at[0].line, 9);
	take(&file, "# one more line\n" SECRET("a") "---\n" BAD("p"), false, &lost);
	assert_int_equal(object_at(&file, 1)->diags.at[0].line, 10);
	manifest_file_done(&file);
}

static void preambles_belong_to_the_document_after_them(void **state)
{
	struct manifest_file file;
	bool lost;

	(void)state;
	manifest_file_init(&file, MANIFEST_OBJECTS, "dir", "f.yaml");
	assert_int_equal(take(&file,
			      "# a licence\n%YAML 1.1\n---\n" SECRET("a") "---\n---\n# end\n",
			      false, &lost),
			 0);
	assert_true(str_eq(object_at(&file, 0)->id, STR("Secret/default/a")));
	/* "---" inside a block scalar is indented, and no mark. */
	assert_int_equal(take(&file, SECRET("a") "stringData:\n  x: |\n    a\n    ---\n    b\n",
			      false, &lost),
			 0);
	assert_int_equal(file.n_chunks, 1);
	assert_true(object_at(&file, 0)->valid);
	manifest_file_done(&file);
}

static void the_same_document_twice_is_two_objects(void **state)
{
	struct manifest_file file;
	bool lost;

	(void)state;
	manifest_file_init(&file, MANIFEST_OBJECTS, "dir", "f.yaml");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(take(&file,
				      "---\n" SECRET("a") "---\n" SECRET("a") "---\n" SECRET("a"),
				      false, &lost),
				 0);
		assert_int_equal(file.n_chunks, 3);
	}
	manifest_file_done(&file);
}

static void json_is_taken_whole(void **state)
{
	struct manifest_file file;
	bool lost;

	(void)state;
	manifest_file_init(&file, MANIFEST_OBJECTS, "dir", "f.json");
	assert_int_equal(
		take(&file,
		     "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
		     "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"a\"}},"
		     "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"b\"}}]}",
		     false, &lost),
		0);
	assert_int_equal(file.n_chunks, 1);
	assert_int_equal(file.chunks[0]->n_objects, 2);
	assert_int_equal(take(&file, "{", false, &lost), -EINVAL);
	assert_int_equal(file.chunks[0]->n_objects, 2);
	manifest_file_done(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_manifests_are_manifests),
		cmocka_unit_test(unchanged_documents_keep_their_objects),
		cmocka_unit_test(a_text_that_loses_objects_may_be_left_for_later),
		cmocka_unit_test(a_text_that_does_not_parse_changes_nothing),
		cmocka_unit_test(faults_know_their_line_even_when_it_moves),
		cmocka_unit_test(preambles_belong_to_the_document_after_them),
		cmocka_unit_test(the_same_document_twice_is_two_objects),
		cmocka_unit_test(json_is_taken_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
