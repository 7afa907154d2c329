// SPDX-License-Identifier: Apache-2.0
/* compile_url_test: services that a URL names. */

#include "compile_fixture.h"
#include "plan/compile_services.h"

/* A compile that has begun, as parts see it. */
static void begin(struct fixture *f, struct compile *c)
{
	*c = (struct compile){.store = &f->store, .config = &f->config, .registry = f->registry};
	c->snapshot = snapshot_new(1);
	c->part = part_new(0);
	c->arena = c->part->arena;
	c->sink = &c->snapshot->diags;
	arena_init(&c->scratch, 1 << 20, 0);
	arena_init(&c->lasting, 1 << 20, 0);
	assert_non_null(registry_begin(f->registry, c->part));
}

static void end(struct compile *c)
{
	registry_end(c->registry, c->snapshot);
	arena_done(&c->scratch);
	arena_done(&c->lasting);
	part_free(c->part);
	snapshot_unref(c->snapshot);
}

static void urls_become_servers(void **state)
{
	static const struct {
		const char *url, *want;
	} rows[] = {
		{"http://10.0.0.1/auth?x=1", "http://10.0.0.1:80"},
		{"https://auth.example", "https://auth.example:443"},
		{"https://auth.example:8443/", "https://auth.example:8443"},
		{"http://[fd00::1]:81", "http://[fd00::1]:81"},
		{"h2c://10.0.0.1:9", "! not a URL"},
		{"ftp://10.0.0.1", "! not a URL"},
		{"10.0.0.1:80", "! not a URL"},
		{"/auth", "! not a URL"},
		{"http://", "! "},
		{"http://user:x@h/", "! "},
		{"http://h:0/", "! a URL with a port"},
		{"http://h:65536/", "! "},
		{"http://127.0.0.1/", "! backend 127.0.0.1:80 is refused"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct compile c;
		const struct service *service;
		char text[256];

		begin(f, &c);
		service = compile_url(&c, str_of(rows[i].url), NULL, NULL);
		if (service)
			snprintf(text, sizeof(text), STR_FMT, STR_ARG(service->servers[0].url));
		else
			snprintf(text, sizeof(text), "! " STR_FMT, STR_ARG(compile_problem(&c)));
		if (rows[i].want[0] == '!' ? strncmp(text, rows[i].want, strlen(rows[i].want)) != 0
					   : strcmp(text, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].url, text);
		if (service) {
			assert_int_equal(service->turns.n_order, 1);
			assert_non_null(service->servers[0].transport);
			assert_non_null(service->servers[0].live);
		}
		end(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(urls_become_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
