// SPDX-License-Identifier: Apache-2.0
/* ingress_annotation_test: annotations and what they mean (reference f.1). */
#include "model_help.h"

#include "model/ingress_annotation.h"

struct scene {
	struct arena arena;
	struct diag_sink sink;
	struct str_pair pairs[12];
	struct str_map annotations;
};

/* "key=value", ended by NULL; keys without the prefix. */
static void scene_init(struct scene *s, const char *const *texts)
{
	*s = (struct scene){0};
	arena_init(&s->arena, 1 << 20, 0);
	diag_init(&s->sink, &s->arena);
	s->annotations.at = s->pairs;
	for (size_t i = 0; texts[i]; i++) {
		struct str text = str_of(texts[i]);
		ptrdiff_t equals = str_find(text, '=');

		s->pairs[s->annotations.n++] =
			(struct str_pair){arena_printf(&s->arena, INGRESS_ANNOTATION_PREFIX STR_FMT,
						       STR_ARG(str_take(text, (size_t)equals))),
					  str_from(text, (size_t)equals + 1)};
	}
}

static void all_of_a_router_is_read(void **state)
{
	static const char *const texts[] = {"router.entrypoints=web, websecure",
					    "router.middlewares=a-b@kubernetescrd",
					    "router.priority=42",
					    "router.pathmatcher=Path",
					    "router.tls=true",
					    "router.tls.options=a-c@kubernetescrd",
					    "router.tls.domains.0.main=x",
					    "router.rulesyntax=v2",
					    "service.nativelb=true",
					    NULL};
	struct ingress_router_conf conf;
	struct scene s;

	(void)state;
	scene_init(&s, texts);
	s.pairs[s.annotations.n++] = (struct str_pair){STR("example.com/router"), STR("x")};
	assert_true(ingress_annotation_router(&s.annotations, &s.arena, &s.sink, &conf));
	assert_int_equal(conf.entry_points.n, 2);
	assert_str(conf.entry_points.at[1], "websecure");
	assert_str(conf.middlewares.at[0], "a-b@kubernetescrd");
	assert_int_equal(conf.priority, 42);
	assert_str(conf.path_matcher, "Path");
	assert_str(conf.tls->options, "a-c@kubernetescrd");
	assert_str(conf.rule_syntax, "v2");
	assert_int_equal(s.sink.n_errors, 0);
	assert_int_equal(s.sink.n, 1); /* domains have no effect */
	arena_done(&s.arena);
}

static void groups_are_switched_on_and_off(void **state)
{
	static const struct {
		const char *texts[4];
		bool tls;
		const char *options;
	} rows[] = {
		{{NULL}, false, ""},
		{{"router.tls=true", NULL}, true, ""},
		{{"router.tls=false", NULL}, false, ""},
		{{"router.TLS=true", NULL}, true, ""},
		{{"router.tls.options=o", NULL}, true, "o"},
		{{"router.tls.options=o", "router.tls=true", NULL}, true, "o"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ingress_router_conf conf;
		struct scene s;

		scene_init(&s, rows[i].texts);
		assert_true(ingress_annotation_router(&s.annotations, &s.arena, &s.sink, &conf));
		assert_int_equal(conf.tls != NULL, rows[i].tls);
		if (conf.tls)
			assert_true(str_eq(conf.tls->options, str_of(rows[i].options)));
		assert_str(conf.path_matcher, "PathPrefix");
		arena_done(&s.arena);
	}
}

static void all_of_a_service_is_read(void **state)
{
	static const char *const texts[] = {"service.serversscheme=https",
					    "service.serverstransport=a-t@kubernetescrd",
					    "service.passhostheader=false",
					    "service.sticky.cookie=true",
					    "service.sticky.cookie.name=c",
					    "service.sticky.cookie.secure=true",
					    "service.sticky.cookie.samesite=Lax",
					    "service.sticky.cookie.maxage=60",
					    "service.nativelb=true",
					    NULL};
	struct ingress_service_conf conf;
	struct scene s;

	(void)state;
	scene_init(&s, texts);
	assert_true(ingress_annotation_service(&s.annotations, &s.arena, &s.sink, &conf));
	assert_str(conf.servers_scheme, "https");
	assert_false(conf.pass_host_header);
	assert_str(conf.sticky->cookie->name, "c");
	assert_true(conf.sticky->cookie->secure);
	assert_int_equal(conf.sticky->cookie->max_age, 60);
	assert_str(conf.sticky->cookie->path, "/");
	assert_true(conf.native_lb.set && conf.native_lb.value);
	arena_done(&s.arena);
}

static void wrong_ones_are_told_with_their_names(void **state)
{
	static const struct {
		const char *texts[2], *told;
	} rows[] = {
		{{"router.priority=high", NULL},
		 "annotations.traefik.ingress.kubernetes.io/router.priority"},
		{{"router.pathmatcher=Glob", NULL}, "router.pathmatcher"},
		{{"router.entrypoint=web", NULL}, "router.entrypoint"},
		{{"router.tls.option=web", NULL}, "router.tls.option"},
		{{"router..tls=x", NULL}, "annotations"},
		{{"router.a.b.c.d.e.f.g.h.i=x", NULL}, "annotations"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ingress_router_conf conf;
		struct scene s;

		scene_init(&s, rows[i].texts);
		assert_false(ingress_annotation_router(&s.annotations, &s.arena, &s.sink, &conf));
		assert_int_equal(s.sink.n, 1);
		if (str_search(s.sink.at[0].field, str_of(rows[i].told)) < 0)
			fail_msg("%s: " STR_FMT, rows[i].told, STR_ARG(s.sink.at[0].field));
		arena_done(&s.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_router_is_read),
		cmocka_unit_test(groups_are_switched_on_and_off),
		cmocka_unit_test(all_of_a_service_is_read),
		cmocka_unit_test(wrong_ones_are_told_with_their_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
