// SPDX-License-Identifier: Apache-2.0
/* schema_test: the decoder on a table of its own that has every type of field. */
#include "model_help.h"

struct leaf {
	struct str name;
	int64_t size;
};

struct all {
	bool flag;
	int64_t count;
	double ratio;
	struct str text, choice, secret;
	struct strs list;
	struct str_map map;
	struct opt_bool opt_flag;
	struct opt_int opt_count;
	struct duration wait;
	struct quantity room;
	struct int_or_str port;
	struct raw_json raw;
	struct list_of leaves;
	struct map_of named;
	struct leaf *leaf;
	struct leaf inside, flat;
	bool refused, ignored;
};

static const struct field leaf_fields[] = {
	FIELD(struct leaf, name, .name = "name", .required = true, .doc = "Name."),
	FIELD(struct leaf, size, .name = "size", .preset = "7", .doc = "Size."),
};
static const struct schema schema_leaf = {
	.name = "leaf", .size = sizeof(struct leaf), SCHEMA_FIELDS(leaf_fields)};
static const struct field flat_fields[] = {
	FIELD(struct leaf, size, .name = "flatSize", .preset = "9", .doc = "Size."),
};
static const struct schema schema_flat = {
	.name = "flat", .size = sizeof(struct leaf), SCHEMA_FIELDS(flat_fields)};
static const struct field in_fields[] = {
	FIELD(struct leaf, size, .name = "size", .preset = "8", .doc = "Size."),
};
static const struct schema schema_in = {
	.name = "in", .size = sizeof(struct leaf), SCHEMA_FIELDS(in_fields)};

static const struct field all_fields[] = {
	FIELD(struct all, flag, .name = "flag", .preset = "true"),
	FIELD(struct all, count, .name = "count", .min = 1, .max = 9, .preset = "3"),
	FIELD(struct all, ratio, .name = "ratio", .preset = "0.5"),
	FIELD(struct all, text, .name = "text", .min = 0, .max = 5),
	FIELD(struct all, choice, .name = "choice", .choices = "red|green", .any_case = true),
	FIELD(struct all, secret, .name = "password", .secret = true),
	FIELD(struct all, list, .name = "list", .format = "cidr"),
	FIELD(struct all, map, .name = "map"),
	FIELD(struct all, opt_flag, .name = "optFlag"),
	FIELD(struct all, opt_count, .name = "optCount", .min = 0, .max = INT64_MAX),
	FIELD(struct all, wait, .name = "wait", .preset = "30s"),
	FIELD(struct all, room, .name = "room", .preset = "64Ki"),
	FIELD(struct all, port, .name = "port"),
	FIELD(struct all, raw, .name = "raw"),
	FIELD(struct all, leaves, .name = "leaves", .sub = &schema_leaf),
	FIELD(struct all, named, .name = "named", .sub = &schema_leaf),
	FIELD_SUB(struct all, leaf, &schema_leaf, .name = "leaf"),
	FIELD_IN(struct all, inside, &schema_in, .name = "inside"),
	FIELD_FLAT(struct all, flat, &schema_flat),
	FIELD(struct all, refused, .name = "refused", .support = REFUSED, .note = "not today"),
	FIELD(struct all, ignored, .name = "ignored", .support = IGNORED, .note = "why"),
};
static const struct schema schema_all = {
	.name = "all", .size = sizeof(struct all), SCHEMA_FIELDS(all_fields)};

static void an_empty_object_gets_the_defaults(void **state)
{
	struct decoded d;
	const struct all *all;

	(void)state;
	decode(&d, &schema_all, "{}");
	all = d.out;
	assert_int_equal(d.errors, 0);
	assert_true(all->flag);
	assert_int_equal(all->count, 3);
	assert_true(all->ratio == 0.5);
	assert_null(all->text.at);
	assert_null(all->list.at);
	assert_int_equal(all->wait.ns, 30000000000);
	assert_false(all->wait.set);
	assert_int_equal(all->room.bytes, 65536);
	assert_false(all->port.set);
	assert_null(all->leaf);
	assert_int_equal(all->inside.size, 8);
	assert_int_equal(all->flat.size, 9);
	decoded_done(&d);
}

static void every_type_is_decoded(void **state)
{
	struct decoded d;
	const struct all *all;

	(void)state;
	decode(&d, &schema_all,
	       "{'flag':false,'count':4,'ratio':2,'text':'','choice':'GREEN','list':['10.0.0.0/8'],"
	       "'map':{'b':'2','a':'1'},'optFlag':false,'optCount':0,'wait':5,'room':'1Mi',"
	       "'port':'web','raw':{'x':[1]},'leaves':[{'name':'l','size':1},{'name':'m'}],"
	       "'named':{'z':{'name':'n'}},'leaf':{'name':'o'},'inside':{'size':2},'flatSize':5}");
	all = d.out;
	print_diags(&d.sink);
	assert_int_equal(d.errors, 0);
	assert_false(all->flag);
	assert_int_equal(all->count, 4);
	assert_true(all->ratio == 2);
	assert_non_null(all->text.at);
	assert_int_equal(all->text.len, 0);
	assert_str(all->choice, "green");
	assert_int_equal(all->list.n, 1);
	assert_int_equal(all->map.n, 2);
	assert_str(all->map.at[0].key, "a");
	assert_true(all->opt_flag.set && !all->opt_flag.value);
	assert_true(all->opt_count.set && all->opt_count.value == 0);
	assert_int_equal(all->wait.ns, 5000000000);
	assert_int_equal(all->room.bytes, 1 << 20);
	assert_false(all->port.is_number);
	assert_int_equal(json_object_size(all->raw.json), 1);
	assert_int_equal(all->leaves.n, 2);
	assert_int_equal(LIST_AT(all->leaves, struct leaf, 1)->size, 7);
	assert_str(all->named.keys[0], "z");
	assert_str(all->leaf->name, "o");
	assert_int_equal(all->inside.size, 2);
	assert_int_equal(all->flat.size, 5);
	decoded_done(&d);
}

static void a_null_is_an_absent_field(void **state)
{
	struct decoded d;

	(void)state;
	decode(&d, &schema_all, "{'count':null,'leaf':null,'list':null,'refused':null}");
	assert_int_equal(d.sink.n, 0);
	assert_int_equal(((struct all *)d.out)->count, 3);
	assert_null(((struct all *)d.out)->list.at);
	decoded_done(&d);
}

static void an_empty_list_differs_from_an_absent_one(void **state)
{
	struct decoded d;

	(void)state;
	decode(&d, &schema_all, "{'list':[],'leaves':[]}");
	assert_int_equal(d.errors, 0);
	assert_non_null(((struct all *)d.out)->list.at);
	assert_int_equal(((struct all *)d.out)->list.n, 0);
	assert_non_null(((struct all *)d.out)->leaves.at);
	decoded_done(&d);
}

static void every_fault_is_found_and_placed(void **state)
{
	static const struct fault_row rows[] = {
		{"unknown", "{'flagg':true}", "flagg", "unknown field"},
		{"case counts", "{'Flag':true}", "Flag", "unknown field"},
		{"bool", "{'flag':'true'}", "flag", "wrong type"},
		{"int", "{'count':'1'}", "count", "wrong type"},
		{"real for int", "{'count':1.5}", "count", "wrong type"},
		{"too small", "{'count':0}", "count", "out of range"},
		{"too large", "{'count':10}", "count", "out of range"},
		{"long string", "{'text':'123456'}", "text", "wrong length"},
		{"number for string", "{'text':80}", "text", "wrong type"},
		{"choice", "{'choice':'grean'}", "choice", "wrong value"},
		{"list", "{'list':'10.0.0.1'}", "list", "wrong type"},
		{"list item type", "{'list':['10.0.0.1',5]}", "list[1]", "wrong type"},
		{"list item format", "{'list':['10.0.0.300']}", "list[0]", "wrong value"},
		{"map value", "{'map':{'a':1}}", "map.a", "wrong type"},
		{"duration", "{'wait':'5 s'}", "wait", "wrong value"},
		{"duration type", "{'wait':true}", "wait", "wrong type"},
		{"duration overflow", "{'wait':9223372036854775807}", "wait", "wrong value"},
		{"quantity", "{'room':'5 apples'}", "room", "wrong value"},
		{"port", "{'port':true}", "port", "wrong type"},
		{"missing", "{'leaf':{}}", "leaf.name", "missing"},
		{"missing in list", "{'leaves':[{'name':'a'},{}]}", "leaves[1].name", "missing"},
		{"missing in map", "{'named':{'k':{}}}", "named.k.name", "missing"},
		{"list of wrong", "{'leaves':[5]}", "leaves[0]", "wrong type"},
		{"refused", "{'refused':true}", "refused", "not supported yet: not today"},
		{"ignored", "{'ignored':true}", "ignored", "has no effect: why"},
		{"refused but default", "{'refused':false,'ignored':false}", NULL, NULL},
		{"not an object", "[]", "", "wrong type"},
		{"optional", "{'optCount':-1}", "optCount", "out of range"},
	};

	(void)state;
	CHECK_ROWS(&schema_all, rows);
}

static void a_typing_error_gets_a_suggestion(void **state)
{
	struct decoded d;

	(void)state;
	decode(&d, &schema_all, "{'cuont':1,'choice':'grean','flatSiez':1}");
	assert_int_equal(d.errors, 3);
	assert_str(find_diag(&d.sink, "cuont")->suggestion, "did you mean count?");
	assert_str(find_diag(&d.sink, "choice")->suggestion, "did you mean green?");
	assert_str(find_diag(&d.sink, "choice")->expected, "one of red, green");
	assert_str(find_diag(&d.sink, "choice")->found, "grean");
	assert_str(find_diag(&d.sink, "flatSiez")->suggestion, "did you mean flatSize?");
	decoded_done(&d);
}

static void a_secret_is_never_repeated(void **state)
{
	struct decoded d;

	(void)state;
	decode(&d, &schema_all, "{'password':12345}");
	assert_int_equal(d.errors, 1);
	assert_int_equal(d.sink.at[0].found.len, 0);
	decoded_done(&d);
}

static void options_may_be_texts_in_any_case(void **state)
{
	static const struct field fields[] = {
		FIELD(struct all, flag, .name = "flag"),
		FIELD(struct all, count, .name = "count"),
		FIELD(struct all, list, .name = "list"),
		FIELD_SUB(struct all, leaf, &schema_in, .name = "group"),
	};
	struct schema group = schema_in;
	struct schema schema = {.name = "options",
				.size = sizeof(struct all),
				SCHEMA_FIELDS(fields),
				.flags = SCHEMA_ANY_CASE | SCHEMA_BOOL_IS_EMPTY | SCHEMA_FROM_TEXT};
	struct field with_group[4];
	struct decoded d;

	(void)state;
	memcpy(with_group, fields, sizeof(fields));
	group.flags = schema.flags;
	with_group[3].sub = &group;
	schema.fields = with_group;
	decode(&d, &schema, "{'FLAG':'','Count':'12','list':'a, b','group':'true'}");
	const struct all *all = d.out;

	print_diags(&d.sink);
	assert_int_equal(d.errors, 0);
	assert_true(all->flag);
	assert_int_equal(all->count, 12);
	assert_int_equal(all->list.n, 2);
	assert_str(all->list.at[1], "b");
	assert_non_null(all->leaf);
	assert_int_equal(all->leaf->size, 8);
	decoded_done(&d);

	decode(&d, &schema, "{'group':false,'flag':'false'}");
	assert_int_equal(d.errors, 0);
	assert_null(((struct all *)d.out)->leaf);
	assert_false(((struct all *)d.out)->flag);
	decoded_done(&d);
}

static void a_document_beyond_the_memory_limit_is_a_fault(void **state)
{
	struct arena arena;
	struct arena messages;
	struct diag_sink sink;
	struct all all;
	json_t *json = json_pack("{s:o}", "map", json_object());
	char key[64];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "some-long-key-that-needs-memory-%d", i);
		json_object_set_new(json_object_get(json, "map"), key, json_string(key));
	}
	arena_init(&arena, 32768, 0);
	arena_init(&messages, 1 << 20, 0);
	diag_init(&sink, &messages);
	assert_int_not_equal(schema_decode(&schema_all, json, &arena, &all, &sink, NULL), 0);
	json_decref(json);
	arena_done(&arena);
	arena_done(&messages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_object_gets_the_defaults),
		cmocka_unit_test(every_type_is_decoded),
		cmocka_unit_test(a_null_is_an_absent_field),
		cmocka_unit_test(an_empty_list_differs_from_an_absent_one),
		cmocka_unit_test(every_fault_is_found_and_placed),
		cmocka_unit_test(a_typing_error_gets_a_suggestion),
		cmocka_unit_test(a_secret_is_never_repeated),
		cmocka_unit_test(options_may_be_texts_in_any_case),
		cmocka_unit_test(a_document_beyond_the_memory_limit_is_a_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
