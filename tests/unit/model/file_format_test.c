// SPDX-License-Identifier: Apache-2.0
/* file_format_test: entries of Traefik's own files and the objects that they become. */
#include <errno.h>

#include "model_help.h"

#include "base/buf.h"
#include "model/file_format.h"
#include "model/ingress_route.h"
#include "model/middleware_object.h"
#include "model/secret_object.h"
#include "model/servers_transport.h"
#include "model/tls_option.h"
#include "model/traefik_service.h"

struct scene {
	struct arena arena;
	struct diag_sink sink;
	struct object *objects[32];
	size_t n;
};

static void keep(void *context, struct object *object)
{
	struct scene *s = context;

	assert_true(s->n < 32);
	s->objects[s->n++] = object;
}

/* There is one file: "users.txt". */
static int read_file(void *context, struct str path, struct buf *text)
{
	(void)context;
	if (!str_eq(path, STR("users.txt")))
		return -ENOENT;
	buf_add(text, STR("# people\n\na:b\n"));
	return 0;
}

static void scene_init(struct scene *s, const char *text)
{
	json_t *json = json_of(text);
	struct file_format format = {.read = read_file,
				     .each = keep,
				     .context = s,
				     .file = STR("dir/a.yml"),
				     .line = 1,
				     .sink = &s->sink};

	*s = (struct scene){0};
	arena_init(&s->arena, 1 << 20, 0);
	diag_init(&s->sink, &s->arena);
	file_format_decode(&format, json);
	json_decref(json);
}

static void scene_done(struct scene *s)
{
	for (size_t i = 0; i < s->n; i++)
		object_unref(s->objects[i]);
	arena_done(&s->arena);
}

static const struct object *find(const struct scene *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->objects[i]->id, str_of(id))) {
			if (!s->objects[i]->valid)
				print_diags(&s->objects[i]->diags);
			return s->objects[i];
		}
	fail_msg("there is no %s", id);
	return NULL;
}

static void a_router_is_a_route(void **state)
{
	const struct ingress_route *spec;
	const struct ingress_route_rule *rule;
	struct scene s;

	(void)state;
	scene_init(&s,
		   "{'http':{'routers':{'My_r':{'rule':'Host(`a`)','RuleSyntax':'v2','priority':"
		   "3,'entrypoints':['web'],'service':'s','middlewares':['m','n@kubernetescrd'"
		   "],'tls':{'options':'o'},'parentRefs':['top']}}}}");
	spec = find(&s, "IngressRoute/@file/My_r")->spec;
	rule = LIST_AT(spec->routes, const struct ingress_route_rule, 0);
	assert_str(rule->match, "Host(`a`)");
	assert_str(rule->syntax, "v2");
	assert_int_equal(rule->priority, 3);
	assert_str(spec->entry_points.at[0], "web");
	assert_str(LIST_AT(rule->services, const struct service_ref, 0)->name, "s");
	assert_str(LIST_AT(rule->middlewares, const struct object_ref, 1)->name, "n@kubernetescrd");
	assert_str(spec->tls->options->name, "o");
	assert_str(LIST_AT(spec->parent_refs, const struct object_ref, 0)->name, "top");
	scene_done(&s);
}

static void services_keep_their_urls_or_their_children(void **state)
{
	const struct file_service *balancer;
	const struct traefik_service *spec;
	struct scene s;

	(void)state;
	scene_init(
		&s,
		"{'http':{'services':{'a':{'loadBalancer':{'passHostHeader':false,'strategy':"
		"'p2c','servers':[{'url':'http://1.2.3.4:80'},{'url':'http://1.2.3.5','weight':2,"
		"'fenced':true}]}},'w':{'weighted':{'services':[{'name':'a','weight':3}]}},"
		"'m':{'mirroring':{'service':'a','mirrors':[{'name':'w','percent':10}]}},"
		"'f':{'failover':{'service':'a','fallback':'w'}}}}}");
	balancer = find(&s, "FileService/@file/a")->spec;
	assert_int_equal(balancer->servers.n, 2);
	assert_int_equal(LIST_AT(balancer->servers, const struct file_server, 0)->weight, 1);
	assert_true(LIST_AT(balancer->servers, const struct file_server, 1)->fenced);
	assert_str(balancer->ref.strategy, "p2c");
	assert_false(balancer->ref.pass_host_header);
	spec = find(&s, "TraefikService/@file/w")->spec;
	assert_int_equal(LIST_AT(spec->weighted->services, const struct service_ref, 0)->weight, 3);
	spec = find(&s, "TraefikService/@file/m")->spec;
	assert_str(spec->mirroring->service.name, "a");
	assert_int_equal(LIST_AT(spec->mirroring->mirrors, const struct mirror, 0)->percent, 10);
	spec = find(&s, "TraefikService/@file/f")->spec;
	assert_str(spec->failover->fallback.name, "w");
	scene_done(&s);
}

static void users_and_certificates_become_secrets(void **state)
{
	const struct middleware_object *spec;
	const struct secret *secret;
	struct scene s;

	(void)state;
	scene_init(&s,
		   "{'http':{'middlewares':{'auth':{'basicAuth':{'users':['x:y'],'usersFile':"
		   "'users.txt'}}},'serversTransports':{'t':{'rootCAs':['-----BEGIN C'],"
		   "'serverName':'n'}}},'tls':{'certificates':[{'certFile':'-----BEGIN A','keyFile"
		   "':'-----BEGIN B'}],'options':{'o':{'minVersion':'VersionTLS13','clientAuth':{"
		   "'caFiles':['-----BEGIN C'],'clientAuthType':'RequireAndVerifyClientCert'}}}}}");
	assert_int_equal(s.sink.n, 0);
	spec = find(&s, "Middleware/@file/auth")->spec;
	assert_str(spec->basic_auth->secret, "middleware-auth-users");
	secret = find(&s, "Secret/@file/middleware-auth-users")->spec;
	assert_str(secret_get(secret, STR("users")), "x:y\na:b\n");
	assert_str(((const struct servers_transport *)find(&s, "ServersTransport/@file/t")->spec)
			   ->root_cas_secrets.at[0],
		   "transport-t-ca-0");
	secret = find(&s, "Secret/@file/certificate-a.yml-0")->spec;
	assert_str(secret_get(secret, STR("tls.key")), "-----BEGIN B");
	assert_str(((const struct tls_option *)find(&s, "TLSOption/@file/o")->spec)
			   ->client_auth->secret_names.at[0],
		   "tls-option-o-ca-0");
	scene_done(&s);
}

static void faults_harm_only_their_entry(void **state)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
		{"{'http':{'routers':{'a':1}}}", "not a table"},
		{"{'https':{}}", "unknown section"},
		{"{'http':{'models':{'a':{}}}}", "not supported"},
		{"{'tcp':{'models':{'a':{}}}}", "not supported"},
		{"{'http':{'middlewares':{'a':{'basicAuth':{'usersFile':'none'}}}}}",
		 "none cannot be read"},
		{"{'tls':{'certificates':[{'keyFile':'-----BEGIN'}]}}", "missing: a file"},
		{"[]", "not Traefik's file format"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scene s;

		scene_init(&s, rows[i].text);
		if (!s.sink.n || str_search(s.sink.at[0].message, str_of(rows[i].told)) < 0) {
			print_diags(&s.sink);
			fail_msg("%s", rows[i].text);
		}
		scene_done(&s);
	}
}

static void unknown_settings_are_told_by_the_objects(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, "{'http':{'routers':{'a':{'rule':'Host(`a`)','service':'s','rules':'x'}}}}");
	assert_int_equal(s.n, 1);
	assert_false(s.objects[0]->valid);
	assert_non_null(find_diag(&s.objects[0]->diags, "spec.routes[0].rules"));
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_router_is_a_route),
		cmocka_unit_test(services_keep_their_urls_or_their_children),
		cmocka_unit_test(users_and_certificates_become_secrets),
		cmocka_unit_test(faults_harm_only_their_entry),
		cmocka_unit_test(unknown_settings_are_told_by_the_objects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
