// SPDX-License-Identifier: Apache-2.0
/* static_config_test: options from flags, environment and a file; defaults; every fault. */
#include "model_help.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "model/schema_walk.h"
#include "model/static_config.h"

struct parsed {
	struct arena arena;
	struct diag_sink sink;
	struct static_config config;
	int error;
};

static void parse(struct parsed *p, char *const *argv, char *const *envp)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	arena_init(&p->arena, 1 << 20, 0);
	diag_init(&p->sink, &p->arena);
	p->error = static_config_from_args(argc, argv, envp, file_read, &p->arena, &p->sink,
					   &p->config, NULL);
}

#define ARGS(...) ((void *)(const char *[]){__VA_ARGS__, NULL})
#define NO_ENV	  ((char *[]){NULL})

static void parsed_done(struct parsed *p)
{
	arena_done(&p->arena);
}

static void without_options_there_is_http_on_port_80(void **state)
{
	struct parsed p;
	struct static_entry_point *http;

	(void)state;
	parse(&p, (char *[]){NULL}, NO_ENV);
	assert_int_equal(p.error, 0);
	assert_int_equal(p.config.entry_points.n, 1);
	http = static_entry_point_find(&p.config, STR("http"));
	assert_int_equal(http->listen.port, 80);
	assert_int_equal(http->transport.responding_timeouts.read.ns, 60000000000);
	assert_int_equal(http->transport.responding_timeouts.idle.ns, 180000000000);
	assert_int_equal(http->transport.life_cycle.grace.ns, 10000000000);
	assert_int_equal(http->http.max_header_bytes, 1048576);
	assert_true(http->http.sanitize_path);
	assert_null(http->http.encoded_characters);
	assert_null(http->proxy_protocol);
	assert_str(p.config.kernel_plane, "auto");
	assert_int_equal(p.config.servers_transport.max_idle_conns_per_host, 200);
	assert_int_equal(p.config.admin.listen.port, 9180);
	assert_int_equal(p.config.escalation.refusals, 100);
	parsed_done(&p);
}

static void traefiks_spelling_is_taken(void **state)
{
	struct parsed p;
	struct static_entry_point *web, *secure;

	(void)state;
	parse(&p,
	      ARGS("--entryPoints.web.address=:8000",
		   "--ENTRYPOINTS.web.HTTP.redirections.entrypoint.to=secure",
		   "--entrypoints.secure.address=127.0.0.1:8443/tcp",
		   "--entrypoints.secure.http.tls",
		   "--entrypoints.web.forwardedheaders.trustedips=10.0.0.0/8,192.168.0.1",
		   "--entrypoints.web.transport.respondingTimeouts.readTimeout=5",
		   "--providers.kubernetescrd.allowCrossNamespace", "--log.level=debug",
		   "--kernelPlane", "off", "--interfaces=a", "--interfaces=b", "--workers=2",
		   "--accesslog=true", "--metrics.prometheus=true",
		   "--metrics.prometheus.buckets=1,2"),
	      NO_ENV);
	print_diags(&p.sink);
	assert_int_equal(p.error, 0);
	web = static_entry_point_find(&p.config, STR("web"));
	secure = static_entry_point_find(&p.config, STR("secure"));
	assert_int_equal(web->listen.port, 8000);
	assert_int_equal(secure->listen.port, 8443);
	assert_non_null(secure->http.tls);
	assert_null(web->http.tls);
	assert_str(web->http.redirections->entry_point->to, "secure");
	assert_str(web->http.redirections->entry_point->scheme, "https");
	assert_int_equal(web->forwarded_headers.trusted_ips.n, 2);
	assert_int_equal(web->transport.responding_timeouts.read.ns, 5000000000);
	assert_true(p.config.providers.kubernetes_crd.allow_cross_namespace);
	assert_str(p.config.log.level, "DEBUG");
	assert_str(p.config.kernel_plane, "off");
	assert_int_equal(p.config.interfaces.n, 2);
	assert_int_equal(p.config.workers, 2);
	assert_non_null(p.config.access_log);
	assert_int_equal(p.config.metrics.prometheus->buckets.n, 2);
	parsed_done(&p);
}

static void flags_override_the_environment_which_overrides_the_file(void **state)
{
	char path[] = "/tmp/tidegate-options-XXXXXX.yaml";
	int fd = mkstemps(path, 5);
	struct parsed p;
	char flag[64];

	(void)state;
	close(fd);
	assert_int_equal(file_write_atomic(
				 path,
				 STR("entryPoints:\n  Web:\n    address: ':1'\n    asDefault: yes\n"
				     "workers: 1\nlog:\n  level: WARN\n"),
				 0600),
			 0);
	snprintf(flag, sizeof(flag), "--configfile=%s", path);
	parse(&p, ARGS(flag, "--entrypoints.web.address=:3"),
	      ARGS("TIDEGATE_ENTRYPOINTS_WEB_ADDRESS=:2", "TIDEGATE_WORKERS=2", "TRAEFIK_WORKERS=3",
		   "TIDEGATE_SERVICE_HOST=10.0.0.1", "TIDEGATE_PORT_80_TCP_ADDR=x", "PATH=/bin"));
	print_diags(&p.sink);
	assert_int_equal(p.error, 0);
	assert_int_equal(p.config.entry_points.n, 1);
	assert_int_equal(static_entry_point(&p.config, 0)->listen.port, 3);
	assert_true(static_entry_point(&p.config, 0)->as_default);
	assert_str(static_entry_point(&p.config, 0)->name, "Web");
	assert_int_equal(p.config.workers, 2);
	assert_str(p.config.log.level, "WARN");
	parsed_done(&p);
	unlink(path);
}

static void faults_say_where_they_were_written(void **state)
{
	char path[] = "/tmp/tidegate-options-XXXXXX.yaml";
	int fd = mkstemps(path, 5);
	struct parsed p;
	char flag[64];
	const struct diag *diag;

	(void)state;
	close(fd);
	file_write_atomic(path, STR("workers: 1\nentryPoints:\n  web:\n    adress: ':1'\n"), 0600);
	snprintf(flag, sizeof(flag), "--configfile=%s", path);
	parse(&p, ARGS(flag, "--kernelPlain=off"), ARGS("TIDEGATE_WORKERS=many"));
	assert_int_equal(p.error, -22);
	diag = find_diag(&p.sink, "entryPoints.web.adress");
	assert_non_null(diag);
	assert_str(diag->suggestion, "did you mean address?");
	assert_int_equal(diag->line, 4);
	assert_true(str_eq(diag->file, str_of(path)));
	diag = find_diag(&p.sink, "kernelPlain");
	assert_str(diag->object, "command line");
	assert_str(diag->suggestion, "did you mean kernelPlane?");
	diag = find_diag(&p.sink, "workers");
	assert_str(diag->object, "environment");
	parsed_done(&p);
	unlink(path);
}

static void the_file_may_be_toml(void **state)
{
	char path[] = "/tmp/tidegate-options-XXXXXX.toml";
	int fd = mkstemps(path, 5);
	char flag[128];
	struct parsed p;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	snprintf(flag, sizeof(flag), "--configFile=%s", path);
	file_write_atomic(path, STR("workers = 3\n[entryPoints.web]\naddress = \":81\"\n"), 0600);
	parse(&p, ARGS(flag), NO_ENV);
	assert_int_equal(p.error, 0);
	assert_int_equal(p.config.workers, 3);
	assert_int_equal(static_entry_point(&p.config, 0)->listen.port, 81);
	parsed_done(&p);
	file_write_atomic(path, STR("workers = 3\n[entryPoints.web\n"), 0600);
	parse(&p, ARGS(flag), NO_ENV);
	assert_true(p.error < 0);
	assert_int_equal(p.sink.at[0].line, 2);
	parsed_done(&p);
	unlink(path);
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, ARGS("--configFile=/tmp/tidegate-no-such-file"), NO_ENV);
	assert_int_equal(p.error, -2);
	assert_int_equal(p.sink.n_errors, 1);
	parsed_done(&p);
}

static void every_wrong_option_is_told_of(void **state)
{
	static const struct {
		const char *flag, *field, *message;
		enum diag_level level;
	} rows[] = {
		{"--entryPoints.web.address=80", "entryPoints.web.address", "wrong value",
		 DIAG_ERROR},
		{"--entryPoints.web.asDefault", "entryPoints.web.address", "missing", DIAG_ERROR},
		{"--workers=-1", "workers", "out of range", DIAG_ERROR},
		{"--kernelPlane=on", "kernelPlane", "wrong value", DIAG_ERROR},
		{"--providers.docker", "providers.docker", "not supported", DIAG_ERROR},
		{"--providers.docker.endpiont=x", "providers.docker.endpiont", "unknown",
		 DIAG_ERROR},
		{"--providers.docker.endpoint=a", "providers.docker", "not supported", DIAG_ERROR},
		{"--tracing.otlp.http.endpoint=x", "tracing", "no effect", DIAG_WARNING},
		{"--certificatesresolvers.le.acme.email=a@b", "certificatesresolvers", "no effect",
		 DIAG_WARNING},
		{"--api.insecure=true", "api.insecure", "no effect", DIAG_WARNING},
		{"--metrics.prometheus.buckets=2,1", "metrics.prometheus.buckets", "wrong",
		 DIAG_ERROR},
		{"--experimental.plugins.x.moduleName=y", "experimental", "not supported",
		 DIAG_ERROR},
		{"--entryPoints.web.http3", "entryPoints.web.http3", "not supported", DIAG_ERROR},
		{"--core.defaultRuleSyntax=v4", "core.defaultRuleSyntax", "wrong", DIAG_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char flag[128];
		struct parsed p;

		snprintf(flag, sizeof(flag), "%s", rows[i].flag);
		parse(&p, ARGS(flag), NO_ENV);
		const struct diag *diag = find_diag(&p.sink, rows[i].field);

		if (!diag || diag->level != rows[i].level ||
		    str_search(diag->message, str_of(rows[i].message)) < 0 ||
		    (p.error == 0) != (rows[i].level == DIAG_WARNING)) {
			print_diags(&p.sink);
			fail_msg("%s", rows[i].flag);
		}
		parsed_done(&p);
	}
}

static void what_asks_for_nothing_is_no_fault(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p,
	      ARGS("--providers.docker=false", "--tracing=false", "--api.insecure=false",
		   "--global.sendAnonymousUsage=false", "--accesslog.fields.defaultmode=keep",
		   "--providers.docker.watch=true", "--ping.entryPoint=traefik"),
	      NO_ENV);
	print_diags(&p.sink);
	assert_int_equal(p.error, 0);
	assert_int_equal(p.sink.n, 0);
	parsed_done(&p);
}

static void words_are_collected_or_refused(void **state)
{
	struct parsed p;
	struct strs words;
	const char *argv[] = {"status", "--workers=1", "--", "--x"};

	(void)state;
	arena_init(&p.arena, 1 << 20, 0);
	diag_init(&p.sink, &p.arena);
	assert_int_equal(static_config_from_args(4, (void *)argv, NO_ENV, file_read, &p.arena,
						 &p.sink, &p.config, &words),
			 0);
	assert_int_equal(words.n, 2);
	assert_str(words.at[0], "status");
	assert_str(words.at[1], "--x");
	parsed_done(&p);
	parse(&p, ARGS("status"), NO_ENV);
	assert_int_equal(p.error, -22);
	parsed_done(&p);
}

static void two_entry_points_cannot_share_an_address(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, ARGS("--entrypoints.a.address=:80", "--entrypoints.b.address=:80"), NO_ENV);
	assert_int_equal(p.error, -22);
	assert_non_null(find_diag(&p.sink, "entryPoints.b.address"));
	parsed_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_options_there_is_http_on_port_80),
		cmocka_unit_test(traefiks_spelling_is_taken),
		cmocka_unit_test(flags_override_the_environment_which_overrides_the_file),
		cmocka_unit_test(faults_say_where_they_were_written),
		cmocka_unit_test(the_file_may_be_toml),
		cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
		cmocka_unit_test(every_wrong_option_is_told_of),
		cmocka_unit_test(what_asks_for_nothing_is_no_fault),
		cmocka_unit_test(words_are_collected_or_refused),
		cmocka_unit_test(two_entry_points_cannot_share_an_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
