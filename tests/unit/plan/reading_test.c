// SPDX-License-Identifier: Apache-2.0
/* reading_test: options of an entry point in the form in which requests are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plan/reading.h"

struct world {
	struct arena arena;
	struct diag_sink sink;
	struct static_config config;
	struct reading reading;
};

/* Options of entry point "web", as JSON. */
static void read_options(struct world *world, const char *options)
{
	json_t *web = json_loads(options, 0, NULL);
	json_t *document = json_pack("{s:{s:o}}", "entryPoints", "web", web);

	assert_non_null(web);
	json_object_set_new(web, "address", json_string(":80"));
	arena_init(&world->arena, 16 << 20, 0);
	diag_init(&world->sink, &world->arena);
	assert_int_equal(
		static_config_from_json(document, &world->arena, &world->sink, &world->config), 0);
	assert_int_equal(reading_init(&world->reading, static_entry_point(&world->config, 0),
				      &world->config, STR("node-1"), &world->arena),
			 0);
	json_decref(document);
}

static void without_options_the_safe_defaults_hold(void **state)
{
	struct world world;

	(void)state;
	read_options(&world, "{}");
	assert_int_equal(world.reading.limits.max_head_bytes, 1048576);
	assert_false(world.reading.canon.keep_path);
	assert_int_equal(world.reading.denied_escapes, 0);
	assert_int_equal(world.reading.forwarded.underscores, FORWARDED_UNDERSCORES_DELETE);
	assert_false(world.reading.forwarded.insecure);
	assert_int_equal(world.reading.forwarded.n_trusted, 0);
	assert_true(str_eq(world.reading.forwarded.server, STR("node-1")));
	arena_done(&world.arena);
}

static void every_option_arrives(void **state)
{
	struct world world;
	struct addr peer;

	(void)state;
	read_options(&world, "{\"forwardedHeaders\": {\"trustedIPs\": [\"10.0.0.0/8\"], "
			     "\"connection\": [\"X-Keep\"],"
			     " \"notAppendXForwardedFor\": true},"
			     " \"http\": {\"sanitizePath\": false, \"encodeQuerySemicolons\": true,"
			     " \"maxHeaderBytes\": 2000, \"underscoreHeadersStrategy\": \"reject\","
			     " \"encodedCharacters\": {\"allowEncodedSlash\": false}}}");
	assert_int_equal(world.reading.limits.max_head_bytes, 2000);
	assert_true(world.reading.canon.keep_path);
	assert_true(world.reading.canon.encode_query_semicolons);
	assert_int_equal(world.reading.denied_escapes, CANON_ENCODED_SLASH);
	assert_int_equal(world.reading.forwarded.underscores, FORWARDED_UNDERSCORES_REJECT);
	assert_true(world.reading.forwarded.not_append_for);
	assert_int_equal(world.reading.forwarded.n_connection, 1);
	addr_parse(STR("10.9.8.7"), &peer);
	assert_true(forwarded_trusts(&world.reading.forwarded, &peer));
	addr_parse(STR("11.9.8.7"), &peer);
	assert_false(forwarded_trusts(&world.reading.forwarded, &peer));
	arena_done(&world.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_options_the_safe_defaults_hold),
		cmocka_unit_test(every_option_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
