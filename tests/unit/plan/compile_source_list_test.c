// SPDX-License-Identifier: Apache-2.0
/* compile_source_list_test: denyFrom and allowFrom. */

#include "compile_fixture.h"
#include "source/list_folder.h"

static enum kernel_action action(struct fixture *f, const char *address)
{
	const struct kernel_acl *acl;
	struct addr addr;

	addr_parse(str_of(address), &addr);
	return kernel_policy_match(f->snapshot->kernel->entries[0].policy, &addr, &acl);
}

static void put_list(struct fixture *f, const char *name, const char *text)
{
	json_t *content = json_pack("{s:{s:s}}", "data", LIST_FOLDER_KEY, text);
	struct object *object = object_make(KIND_CONFIG_MAP, STR(LIST_FOLDER_NAMESPACE),
					    str_of(name), content, STR("lists"), 1);

	store_put(&f->store, object);
	object_unref(object);
	json_decref(content);
}

static void lists_of_config_maps_are_united_with_those_of_the_policy(void **state)
{
	struct fixture *f = *state;

	fixture_add(
		f, "ConfigMap", "feed",
		"'data':{'bad':'10.1.0.0/16 # one\\n; none\\n2001:db8::/32','good':'10.1.2.3'}");
	fixture_expect_valid(
		f, fixture_add(f, "SourcePolicy", "a",
			       "'spec':{'deny':['10.2.0.0/16'],'denyFrom':[{'configMap':{'name':"
			       "'feed','key':'bad'}}],'allowFrom':[{'configMap':{'name':'feed',"
			       "'key':'good'}}]}"));
	fixture_compile(f);
	assert_int_equal(action(f, "10.1.1.1"), KERNEL_DENY);
	assert_int_equal(action(f, "10.1.2.3"), KERNEL_ALLOW);
	assert_int_equal(action(f, "10.2.1.1"), KERNEL_DENY);
	assert_int_equal(action(f, "2001:db8::1"), KERNEL_DENY);
	assert_int_equal(action(f, "10.3.1.1"), KERNEL_NONE);
	/* Both entry points have the very same list. */
	assert_ptr_equal(f->snapshot->kernel->policies[0]->lists[0],
			 f->snapshot->kernel->policies[1]->lists[0]);
}

static void a_bad_line_is_told_and_the_list_before_stays(void **state)
{
	struct fixture *f = *state;

	fixture_add(f, "ConfigMap", "feed", "'data':{'list':'10.1.0.0/16'}");
	fixture_add(f, "SourcePolicy", "a",
		    "'spec':{'denyFrom':[{'configMap':{'name':'feed','key':'list'}}]}");
	fixture_compile(f);
	assert_int_equal(action(f, "10.1.1.1"), KERNEL_DENY);
	fixture_add(f, "ConfigMap", "feed", "'data':{'list':'10.3.0.0/16\\n10.4.0.0/99'}");
	fixture_compile(f);
	assert_told(f, "SourcePolicy/shop/a", "line 2 of ConfigMap feed, key list");
	assert_told(f, "SourcePolicy/shop/a", "the list before stays in force");
	assert_int_equal(action(f, "10.1.1.1"), KERNEL_DENY);
	assert_int_equal(action(f, "10.3.1.1"), KERNEL_NONE);
	/* And it is told as long as it is so. */
	fixture_compile(f);
	assert_told(f, "SourcePolicy/shop/a", "line 2 of ConfigMap feed, key list");
	fixture_add(f, "ConfigMap", "feed", "'data':{'list':'10.3.0.0/16'}");
	fixture_compile(f);
	assert_int_equal(action(f, "10.1.1.1"), KERNEL_NONE);
	assert_int_equal(action(f, "10.3.1.1"), KERNEL_DENY);
}

static void a_list_that_was_never_good_is_left_out(void **state)
{
	struct fixture *f = *state;

	fixture_add(f, "ConfigMap", "feed", "'data':{'list':'10.1.0.0/16\\nnonsense'}");
	fixture_add(f, "SourcePolicy", "a",
		    "'spec':{'denyFrom':[{'configMap':{'name':'feed','key':'list'}},"
		    "{'configMap':{'name':'feed','key':'other'}},"
		    "{'configMap':{'name':'gone','key':'x'}}]}");
	fixture_compile(f);
	assert_told(f, "SourcePolicy/shop/a", "the list is left out");
	assert_told(f, "SourcePolicy/shop/a", "ConfigMap feed has no key other");
	assert_told(f, "SourcePolicy/shop/a", "there is no ConfigMap gone");
	assert_int_equal(action(f, "10.1.1.1"), KERNEL_NONE);
}

static void files_are_those_of_one_folder(void **state)
{
	static const char *const names[] = {"/etc/passwd", "../feed.txt", "sub/feed.txt",
					    "/srv/listsfeed.txt"};
	struct fixture *f = *state;

	fixture_config(f, "{" FIXTURE_EPS ",'listsDirectory':'/srv/lists/'}");
	put_list(f, "feed.txt", "10.1.0.0/16\n");
	put_list(f, "more.txt", "10.2.0.0/16\n");
	fixture_add(f, "SourcePolicy", "a",
		    "'spec':{'denyFrom':[{'file':'feed.txt'},{'file':'/srv/lists/more.txt'}]}");
	fixture_compile(f);
	assert_int_equal(action(f, "10.1.1.1"), KERNEL_DENY);
	assert_int_equal(action(f, "10.2.1.1"), KERNEL_DENY);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		fixture_add(f, "SourcePolicy", "a", "'spec':{'denyFrom':[{'file':'%s'}]}",
			    names[i]);
		fixture_compile(f);
		assert_told(f, "SourcePolicy/shop/a", "there is no such file in /srv/lists/");
	}
}

static void without_a_folder_there_are_no_files(void **state)
{
	struct fixture *f = *state;

	put_list(f, "feed.txt", "10.1.0.0/16\n");
	fixture_add(f, "SourcePolicy", "a", "'spec':{'denyFrom':[{'file':'other.txt'}]}");
	fixture_compile(f);
	assert_told(f, "SourcePolicy/shop/a", "the option listsDirectory names it");
}

static void a_list_is_one_thing(void **state)
{
	struct fixture *f = *state;
	struct object *object = fixture_add(f, "SourcePolicy", "a", "'spec':{'denyFrom':[{}]}");

	assert_false(object->valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(lists_of_config_maps_are_united_with_those_of_the_policy),
		FIXTURE_TEST(a_bad_line_is_told_and_the_list_before_stays),
		FIXTURE_TEST(a_list_that_was_never_good_is_left_out),
		FIXTURE_TEST(files_are_those_of_one_folder),
		FIXTURE_TEST(without_a_folder_there_are_no_files),
		FIXTURE_TEST(a_list_is_one_thing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
