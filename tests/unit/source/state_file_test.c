// SPDX-License-Identifier: Apache-2.0
/* state_file_test: what was offered comes back equal; what is damaged is refused as a whole. */
#include "source/state_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "capture.h"

struct world {
	struct store store, again;
	char path[256];
	struct arena arena;
	struct diag_sink sink;
};

static const char *const manifests[] = {
	"{'apiVersion':'traefik.io/v1alpha1','kind':'IngressRoute','metadata':{'name':'r',"
	"'namespace':'shop','uid':'u1','resourceVersion':'77','creationTimestamp':"
	"'2024-05-01T10:00:00Z','labels':{'a':'b'}},'spec':{'entryPoints':['web'],'tls':{},"
	"'routes':[{'match':'Host(`a`)','kind':'Rule','priority':3,'middlewares':[{'name':'m'}],"
	"'services':[{'name':'s','port':'http','weight':2,'sticky':{'cookie':{'name':'c',"
	"'secure':true}},'healthCheck':{'path':'/x','interval':'3s'}}]}]}}",
	"{'apiVersion':'traefik.io/v1alpha1','kind':'Middleware','metadata':{'name':'m',"
	"'namespace':'shop'},'spec':{'rateLimit':{'average':5,'period':'1m','burst':2}}}",
	"{'apiVersion':'traefik.io/v1alpha1','kind':'Middleware','metadata':{'name':'e',"
	"'namespace':'shop'},'spec':{'errors':{'status':['500-599'],'query':'/{status}','service':"
	"{'name':'s','port':80}}}}",
	"{'apiVersion':'traefik.io/v1alpha1','kind':'TraefikService','metadata':{'name':'t'},"
	"'spec':{'weighted':{'services':[{'name':'s','port':80,'weight':0}]}}}",
	"{'apiVersion':'traefik.io/v1alpha1','kind':'TLSOption','metadata':{'name':'o'},'spec':{"
	"'minVersion':'VersionTLS13','clientAuth':{'secretNames':['ca'],'clientAuthType':"
	"'RequireAndVerifyClientCert'}}}",
	"{'apiVersion':'traefik.io/v1alpha1','kind':'TLSStore','metadata':{'name':'default'},"
	"'spec':{'defaultCertificate':{'secretName':'c'}}}",
	"{'apiVersion':'traefik.io/v1alpha1','kind':'ServersTransport','metadata':{'name':'x'},"
	"'spec':{'serverName':'a.test','forwardingTimeouts':{'dialTimeout':'5s'},"
	"'maxIdleConnsPerHost':-1}}",
	"{'apiVersion':'v1','kind':'Service','metadata':{'name':'s','namespace':'shop'},'spec':{"
	"'clusterIP':'10.1.1.1','ports':[{'name':'http','port':80,'nodePort':30000}]}}",
	"{'apiVersion':'v1','kind':'Service','metadata':{'name':'e'},'spec':{'type':'ExternalName',"
	"'externalName':'a.test'}}",
	"{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':'s-1',"
	"'labels':{'kubernetes.io/service-name':'s'}},'addressType':'IPv4','ports':[{'name':'',"
	"'port':8080}],'endpoints':[{'addresses':['10.0.0.1'],'conditions':{'ready':false,'serving'"
	":true,'terminating':true}},{'addresses':['10.0.0.2']}]}",
	"{'apiVersion':'v1','kind':'Secret','metadata':{'name':'c'},'type':'kubernetes.io/tls',"
	"'data':{'tls.crt':'/v8AAA==','tls.key':'c2VjcmV0'}}",
	"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'c'},'data':{'a':'b'}}",
	"{'apiVersion':'tidegate.io/"
	"v1alpha1','kind':'SourcePolicy','metadata':{'name':'p'},'spec':{"
	"'entryPoints':['web'],'deny':['192.0.2.0/24']}}",
	"{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'name':'i','annotations'"
	":{'traefik.ingress.kubernetes.io/router.priority':'7'}},'spec':{'ingressClassName':"
	"'traefik','tls':[{'hosts':['h'],'secretName':'c'}],'rules':[{'host':'h','http':{'paths':[{"
	"'path':'/a','pathType':'Prefix','backend':{'service':{'name':'s','port':{'number':80}}}}]}"
	"}]}}",
	"{'apiVersion':'networking.k8s.io/v1','kind':'IngressClass','metadata':{'name':'traefik'},"
	"'spec':{'controller':'traefik.io/ingress-controller'}}",
	"{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'},'status':{'addresses':[{'type':"
	"'InternalIP','address':'10.0.0.9'}]}}",
	"{'apiVersion':'traefik.io/v1alpha1','kind':'IngressRouteTCP','metadata':{'name':'r'},"
	"'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{'name':'s',"
	"'port':80}]}]}}",
	"{'apiVersion':'traefik.io/v1alpha1','kind':'IngressRouteUDP','metadata':{'name':'r'},"
	"'spec':{'routes':[{'services':[{'name':'s','port':80}]}]}}",
};

enum { MANIFESTS = sizeof(manifests) / sizeof(*manifests) };

static void put(struct world *world, const char *manifest, const char *file)
{
	char *text = strdup(manifest);
	struct object *object;
	json_t *json;
	bool skip;

	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	object = object_decode(json, str_of(file), 0, &world->sink, &skip);
	assert_non_null(object);
	if (!object->valid)
		fail_msg("%s", manifest);
	store_put(&world->store, object);
	object_unref(object);
	json_decref(json);
	free(text);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	arena_init(&world->arena, 64 << 20, 0);
	diag_init(&world->sink, &world->arena);
	store_init(&world->store);
	store_init(&world->again);
	snprintf(world->path, sizeof(world->path), "%s/state", capture_folder(NULL, NULL));
	unlink(world->path);
	for (int i = 0; i < MANIFESTS; i++)
		put(world, manifests[i], NULL);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	store_done(&world->store);
	store_done(&world->again);
	arena_done(&world->arena);
	unlink(world->path);
	free(world);
	return 0;
}

static void save(struct world *world)
{
	struct state_file *file = state_file_new(world->path);

	state_file_offer(file, &world->store, clock_mono_ns());
	state_file_free(file);
}

static int load(struct world *world, char fault[STATE_FILE_FAULT_BYTES], size_t *n)
{
	return state_file_load(world->path, &world->again, n, fault);
}

static void every_kind_comes_back_equal(void **state)
{
	struct world *world = *state;
	char fault[STATE_FILE_FAULT_BYTES];
	struct stat stat_;
	size_t n;

	save(world);
	assert_int_equal(stat(world->path, &stat_), 0);
	assert_int_equal(stat_.st_mode & 0777, 0600);
	assert_int_equal(load(world, fault, &n), 0);
	assert_int_equal(n, MANIFESTS);
	for (int kind = 0; kind < KIND__COUNT; kind++) {
		assert_int_equal(world->again.objects[kind].n, world->store.objects[kind].n);
		TABLE_EACH (&world->store.objects[kind], slot) {
			const struct object *before = slot->value;
			const struct object *after =
				table_find(&world->again.objects[kind], before->id);

			assert_non_null(after);
			assert_true(after->is_restored && after->valid);
			if (after->content_hash != before->content_hash)
				fail_msg("%s came back as another", before->id.at);
			assert_true(str_eq(after->meta.uid, before->meta.uid));
			assert_true(str_eq(after->meta.resource_version,
					   before->meta.resource_version));
		}
	}
}

static void what_comes_from_files_is_left_to_them(void **state)
{
	struct world *world = *state;
	char fault[STATE_FILE_FAULT_BYTES];
	size_t n;

	put(world, manifests[1], "here.yaml");
	save(world);
	assert_int_equal(load(world, fault, &n), 0);
	assert_int_equal(n, MANIFESTS - 1);
}

static void it_is_written_at_most_every_ten_seconds(void **state)
{
	struct world *world = *state;
	struct state_file *file = state_file_new(world->path);
	uint64_t now = 1000 * (uint64_t)NS_PER_SEC;

	assert_int_equal(state_file_due_ns(file, &world->store), 1);
	state_file_offer(file, &world->store, now);
	assert_int_equal(state_file_due_ns(file, &world->store), 0);
	store_remove(&world->store, STR("Node/default/n"), KIND_NODE);
	assert_int_equal(state_file_due_ns(file, &world->store), now + 10 * (uint64_t)NS_PER_SEC);
	state_file_offer(file, &world->store, now + NS_PER_SEC);
	assert_int_not_equal(state_file_due_ns(file, &world->store), 0);
	state_file_offer(file, &world->store, now + 11 * (uint64_t)NS_PER_SEC);
	assert_int_equal(state_file_due_ns(file, &world->store), 0);
	state_file_free(file);
}

/* Writes the file's text anew with a byte changed, or only its first n bytes. */
static void damage(struct world *world, long at, long n)
{
	FILE *file = fopen(world->path, "r+");

	assert_non_null(file);
	if (n >= 0)
		assert_int_equal(ftruncate(fileno(file), n), 0);
	else {
		fseek(file, at, SEEK_SET);
		int c = fgetc(file);

		fseek(file, at, SEEK_SET);
		fputc(c ^ 1, file);
	}
	fclose(file);
}

static void what_is_damaged_is_refused_as_a_whole(void **state)
{
	static const struct {
		const char *name;
		long at, n;
		const char *want;
	} rows[] = {
		{"a byte in the middle", 700, -1, "its checksum is wrong"},
		{"another version", 15, -1, "another version wrote it"},
		{"no state file", 1, -1, "it is no state file"},
		{"cut off", 0, 900, "it is cut off"},
		{"empty", 0, 0, "it is empty"},
	};
	struct world *world = *state;
	char fault[STATE_FILE_FAULT_BYTES];
	size_t n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		save(world);
		damage(world, rows[i].at, rows[i].n);
		assert_int_equal(load(world, fault, &n), -EBADMSG);
		assert_string_equal(fault, rows[i].want);
		assert_int_equal(world->again.revision, 0);
	}
	save(world);
	chmod(world->path, 0640);
	assert_int_equal(load(world, fault, &n), -EBADMSG);
	assert_string_equal(fault, "others than its owner may read or write it");
	unlink(world->path);
	assert_int_equal(load(world, fault, &n), -ENOENT);
}

static void a_folder_that_is_not_there_is_an_error_and_nothing_else(void **state)
{
	struct world *world = *state;
	struct state_file *file = state_file_new("/nowhere/state");

	state_file_offer(file, &world->store, 1);
	for (int i = 0; i < 1000 && !state_file_error(file); i++)
		usleep(1000); /* lint-ok: the writing thread tells nobody */
	assert_int_equal(state_file_error(file), -ENOENT);
	state_file_free(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kind_comes_back_equal),
		TEST(what_comes_from_files_is_left_to_them),
		TEST(it_is_written_at_most_every_ten_seconds),
		TEST(what_is_damaged_is_refused_as_a_whole),
		TEST(a_folder_that_is_not_there_is_an_error_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
