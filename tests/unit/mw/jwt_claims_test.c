// SPDX-License-Identifier: Apache-2.0
/* jwt_claims_test: RFC 7519 4.1. */

#include "mw_lab.h"

#include "mw/jwt_claims.h"

#define CLAIMS                                                                                \
	"{'iss':'https://i','aud':['a','b'],'sub':'ann','exp':1000,'nbf':500,'iat':500,"      \
	"'scope':'read write','n':7,'yes':true,'roles':['admin','dev',3],'o':{'roles':['x']," \
	"'deep':{'name':'y'}},'https://c.test/role':'z','bad':'a\\nb','empty':'','nul':null}"

static json_t *load(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;

	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json_t *json = json_loads(copy, JSON_DECODE_ANY, &error);

	free(copy);
	assert_non_null(json);
	return json;
}

static void claims_become_texts(void **state)
{
	static const char *const rows[][2] = {
		{"sub", "ann"},
		{"n", "7"},
		{"yes", "true"},
		{"roles", "admin,dev,3"},
		{"o.roles", "x"},
		{"o.deep.name", "y"},
		{"https://c.test/role", "z"},
		{"o", NULL},
		{"bad", NULL},
		{"empty", NULL},
		{"nul", NULL},
		{"missing", NULL},
		{"sub.x", NULL},
		{"o..roles", NULL},
		{"", NULL},
		{"o.missing.x", NULL},
	};
	json_t *claims = load(CLAIMS);
	struct lab lab;

	(void)state;
	lab_init(&lab);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		print_message("  %s\n", rows[i][0]);
		struct str text = jwt_claims_text(claims, str_of(rows[i][0]), &lab.arena);

		if (rows[i][1])
			lab_assert_str(text, rows[i][1]);
		else
			assert_null(text.at);
	}
	json_decref(claims);
	lab_done(&lab);
}

static void issuer_audience_and_times_are_checked(void **state)
{
	static const struct {
		const char *name, *config, *claims;
		uint64_t wall_s;
		const char *fault;
	} rows[] = {
		{"right", "'issuers':['x','https://i'],'audiences':['b']", CLAIMS, 600, NULL},
		{"another issuer", "'issuers':['x']", CLAIMS, 600, "the issuer is another one"},
		{"no issuer", "'issuers':['x']", "{'exp':1000}", 600, "the issuer is another one"},
		{"issuer in a list", "'issuers':['x']", "{'exp':1000,'iss':['x']}", 600,
		 "the issuer is another one"},
		{"another audience", "'audiences':['c']", CLAIMS, 600,
		 "the token is for somebody else"},
		{"one audience", "'audiences':['c']", "{'exp':1000,'aud':'c'}", 600, NULL},
		{"no audience", "'audiences':['c']", "{'exp':1000}", 600,
		 "the token is for somebody else"},
		{"within the leeway", "'leeway':'10s'", CLAIMS, 1009, NULL},
		{"expired, at the very second", "'leeway':'10s'", CLAIMS, 1010,
		 "the token has expired"},
		{"no expiry", "'leeway':'10s'", "{}", 600, "the token has no expiry"},
		{"no expiry, allowed", "'allowWithoutExpiry':true", "{}", 600, NULL},
		{"expired all the same", "'allowWithoutExpiry':true", "{'exp':1}", 600,
		 "the token has expired"},
		{"not valid yet", "'leeway':'10s'", CLAIMS, 489, "the token is not valid yet"},
		{"nearly", "'leeway':'10s'", CLAIMS, 490, NULL},
		{"from the future", "'leeway':'0s'", "{'exp':1000,'iat':601}", 600,
		 "the token comes from the future"},
		{"fractions", "'leeway':'0s'", "{'exp':600.5}", 600, NULL},
		{"a text for a time", "'leeway':'0s'", "{'exp':'1000'}", 600,
		 "a time is not a number"},
		{"null for a time", "'leeway':'0s'", "{'exp':null}", 600, "a time is not a number"},
		{"negative", "'leeway':'0s'", "{'exp':-5}", 600, "the token has expired"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *claims = load(rows[i].claims);
		struct mwc_jwt conf = {0};
		char config[256];
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		snprintf(config, sizeof(config), "{'signingSecret':'s',%s}", rows[i].config);
		json_t *json = load(config);

		assert_int_equal(
			schema_decode(&schema_mw_jwt, json, &lab.arena, &conf, &lab.sink, NULL), 0);
		const char *fault = jwt_claims_fault(claims, &conf, rows[i].wall_s * NS_PER_SEC);

		if (rows[i].fault)
			assert_string_equal(fault, rows[i].fault);
		else
			assert_null(fault);
		json_decref(json);
		json_decref(claims);
		lab_done(&lab);
	}
}

static void required_claims_must_be_there(void **state)
{
	static struct str one_of[] = {STR("ops"), STR("dev"), STR("7")};
	static const struct {
		const char *name;
		struct required_claim claim;
		bool is_met;
	} rows[] = {
		{"equals", {.claim = STR("sub"), .equals = STR("ann")}, true},
		{"equals a number", {.claim = STR("n"), .equals = STR("7")}, true},
		{"equals true", {.claim = STR("yes"), .equals = STR("true")}, true},
		{"differs", {.claim = STR("sub"), .equals = STR("bob")}, false},
		{"missing", {.claim = STR("x"), .equals = STR("")}, false},
		{"empty text", {.claim = STR("empty"), .equals = STR("")}, true},
		{"a list equals nothing", {.claim = STR("roles"), .equals = STR("admin")}, false},
		{"list contains", {.claim = STR("roles"), .contains = STR("dev")}, true},
		{"nested list contains", {.claim = STR("o.roles"), .contains = STR("x")}, true},
		{"list lacks", {.claim = STR("roles"), .contains = STR("de")}, false},
		{"a word of a text", {.claim = STR("scope"), .contains = STR("write")}, true},
		{"part of a word", {.claim = STR("scope"), .contains = STR("writ")}, false},
		{"one of, list", {.claim = STR("roles"), .one_of = {one_of, 3}}, true},
		{"one of, number", {.claim = STR("n"), .one_of = {one_of, 3}}, true},
		{"none of", {.claim = STR("sub"), .one_of = {one_of, 3}}, false},
		{"null", {.claim = STR("nul"), .equals = STR("null")}, false},
	};
	json_t *claims = load(CLAIMS);
	struct str missing;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct list_of list = {(void *)(uintptr_t)&rows[i].claim, 1};

		print_message("  %s\n", rows[i].name);
		assert_int_equal(jwt_claims_suffice(claims, &list, &missing), rows[i].is_met);
		if (!rows[i].is_met)
			assert_true(str_eq(missing, rows[i].claim.claim));
	}
	assert_true(jwt_claims_suffice(claims, &(struct list_of){0}, &missing));
	json_decref(claims);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_become_texts),
		cmocka_unit_test(issuer_audience_and_times_are_checked),
		cmocka_unit_test(required_claims_must_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
