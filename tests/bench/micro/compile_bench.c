// SPDX-License-Identifier: Apache-2.0
/*
 * compile_bench: what compiling costs with ROUTES routes of ENDPOINTS endpoints each: everything,
 * one Service's endpoints, one route; one certificate of N_CERTS; then one Middleware, one
 * ServersTransport, and endpoints of one of N_STREAMS TCP routes.
 */

#include <malloc.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/object.h"
#include "obs/metric.h"
#include "plan/compiler.h"
#include "plan/registry.h"
#include "tls/tls_cache.h"

enum { ROUNDS = 300, AGAIN = 8, N_CERTS = 1000, PEM_MAX = 4096 };

static size_t n_routes = 10000, n_endpoints = 10;
static struct store store;
static struct static_config config;
static struct arena arena;

static void put(json_t *json)
{
	struct diag_sink sink;
	bool skip;

	diag_init(&sink, &arena);
	struct object *object = json ? object_decode(json, STR("bench"), 1, &sink, &skip) : NULL;

	if (!object || !object->valid)
		abort();
	store_put(&store, object);
	object_unref(object);
	json_decref(json);
}

static void put_slice(size_t i, size_t turn)
{
	json_t *endpoints = json_array();
	char name[32], address[32];

	for (size_t k = 0; k < n_endpoints; k++) {
		size_t host = i * n_endpoints + k;

		snprintf(address, sizeof(address), "10.%zu.%zu.%zu", host >> 16 & 255,
			 host >> 8 & 255, (host + (k ? 0 : turn)) & 255);
		json_array_append_new(endpoints, json_pack("{s:[s]}", "addresses", address));
	}
	snprintf(name, sizeof(name), "web%zu", i);
	put(json_pack("{s:s,s:s,s:{s:s,s:s,s:{s:s}},s:s,s:[{s:s,s:i}],s:o}", "apiVersion",
		      "discovery.k8s.io/v1", "kind", "EndpointSlice", "metadata", "name", name,
		      "namespace", "shop", "labels", "kubernetes.io/service-name", name,
		      "addressType", "IPv4", "ports", "name", "http", "port", 8080, "endpoints",
		      endpoints));
}

static void put_route(size_t i, size_t turn)
{
	char name[32], rule[96];

	snprintf(name, sizeof(name), "web%zu", i);
	snprintf(rule, sizeof(rule), "Host(`h%zu.example.com`) && PathPrefix(`/v%zu`)", i, turn);
	put(json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:[s],s:[{s:s,s:s,s:[{s:s,s:i}]}]}}", "apiVersion",
		      "traefik.io/v1alpha1", "kind", "IngressRoute", "metadata", "name", name,
		      "namespace", "shop", "spec", "entryPoints", "web", "routes", "match", rule,
		      "kind", "Rule", "services", "name", name, "port", 80));
}

static void put_service(size_t i)
{
	char name[32];

	snprintf(name, sizeof(name), "web%zu", i);
	put(json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:[{s:s,s:i}]}}", "apiVersion", "v1", "kind",
		      "Service", "metadata", "name", name, "namespace", "shop", "spec", "ports",
		      "name", "http", "port", 80));
}

static EVP_PKEY *key;

static void text_of(BIO *bio, char ret_text[static PEM_MAX])
{
	int n = BIO_read(bio, ret_text, PEM_MAX - 1);

	ret_text[n > 0 ? n : 0] = 0;
	BIO_free(bio);
}

/* Signed anew each time, as a rotated one is. */
static void put_secret(size_t i, size_t turn)
{
	char name[32], san[64], cert_pem[PEM_MAX], key_pem[PEM_MAX];
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	X509_EXTENSION *names;

	i %= N_CERTS;
	snprintf(name, sizeof(name), "tls%zu", i);
	snprintf(san, sizeof(san), "DNS:t%zu.example.com", i);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)turn + 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	X509_add_ext(cert, names, -1);
	X509_EXTENSION_free(names);
	if (!X509_sign(cert, key, EVP_sha256()) || !PEM_write_bio_X509(bio, cert))
		abort();
	X509_free(cert);
	text_of(bio, cert_pem);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	text_of(bio, key_pem);
	put(json_pack("{s:s,s:s,s:{s:s,s:s},s:s,s:{s:s,s:s}}", "apiVersion", "v1", "kind", "Secret",
		      "metadata", "name", name, "namespace", "shop", "type", "kubernetes.io/tls",
		      "stringData", "tls.crt", cert_pem, "tls.key", key_pem));
}

static void put_tls_route(size_t i)
{
	char name[32], rule[64];

	snprintf(name, sizeof(name), "tls%zu", i);
	snprintf(rule, sizeof(rule), "Host(`t%zu.example.com`)", i);
	put(json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:[s],s:{s:s},s:[{s:s,s:s,s:[{s:s,s:i}]}]}}",
		      "apiVersion", "traefik.io/v1alpha1", "kind", "IngressRoute", "metadata",
		      "name", name, "namespace", "shop", "spec", "entryPoints", "websecure", "tls",
		      "secretName", name, "routes", "match", rule, "kind", "Rule", "services",
		      "name", "web0", "port", 80));
}

enum { N_GUARDS = 10, ROUTES_OF_GUARD = 10 };

static void put_guard(size_t i, size_t turn)
{
	char name[32], prefix[32];

	snprintf(name, sizeof(name), "m%zu", i % N_GUARDS);
	snprintf(prefix, sizeof(prefix), "/p%zu", turn);
	put(json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:{s:s}}}", "apiVersion", "traefik.io/v1alpha1",
		      "kind", "Middleware", "metadata", "name", name, "namespace", "shop", "spec",
		      "addPrefix", "prefix", prefix));
}

static void put_transport(size_t i, size_t turn)
{
	char name[32];

	snprintf(name, sizeof(name), "t%zu", i % N_GUARDS);
	put(json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:i}}", "apiVersion", "traefik.io/v1alpha1", "kind",
		      "ServersTransport", "metadata", "name", name, "namespace", "shop", "spec",
		      "maxIdleConnsPerHost", (int)turn));
}

static void put_guarded_route(size_t i)
{
	char name[32], rule[96], guard[32], transport[32];

	snprintf(name, sizeof(name), "guarded%zu", i);
	snprintf(rule, sizeof(rule), "Host(`g%zu.example.com`)", i);
	snprintf(guard, sizeof(guard), "m%zu", i / ROUTES_OF_GUARD);
	snprintf(transport, sizeof(transport), "t%zu", i / ROUTES_OF_GUARD);
	put(json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:[s],s:[{s:s,s:s,s:[{s:s}],s:[{s:s,s:i,s:s}]}]}}",
		      "apiVersion", "traefik.io/v1alpha1", "kind", "IngressRoute", "metadata",
		      "name", name, "namespace", "shop", "spec", "entryPoints", "web", "routes",
		      "match", rule, "kind", "Rule", "middlewares", "name", guard, "services",
		      "name", "web0", "port", 80, "serversTransport", transport));
}

enum { N_STREAMS = 100 };

static void put_streams_slice(size_t i, size_t turn)
{
	put_slice(i % N_STREAMS, turn);
}

static void put_tcp_route(size_t i)
{
	char name[32], rule[64], service[32];

	snprintf(name, sizeof(name), "db%zu", i);
	snprintf(service, sizeof(service), "web%zu", i);
	snprintf(rule, sizeof(rule), "HostSNI(`d%zu.example.com`)", i);
	put(json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:[s],s:{s:b},s:[{s:s,s:[{s:s,s:i}]}]}}",
		      "apiVersion", "traefik.io/v1alpha1", "kind", "IngressRouteTCP", "metadata",
		      "name", name, "namespace", "shop", "spec", "entryPoints", "websecure", "tls",
		      "passthrough", 1, "routes", "match", rule, "services", "name", service,
		      "port", 80));
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct compiler *compiler;
static struct snapshot *snapshot;

static uint64_t compile_once(enum compiler_effort effort, uint64_t revision)
{
	uint64_t began = clock_mono_ns();
	struct snapshot *next = compiler_run(compiler, &store, effort, revision);

	if (!next)
		abort();
	snapshot_unref(snapshot);
	snapshot = next;
	uint64_t took = clock_mono_ns() - began;

	store_changes_taken(&store);
	return took;
}

static void run(const char *what, void (*change)(size_t i, size_t turn), size_t n_changes)
{
	uint64_t took[ROUNDS];
	size_t n_quick = compiler_stats(compiler).n_quick;

	for (size_t round = 0; round < ROUNDS; round++) {
		for (size_t k = 0; k < n_changes; k++)
			change((round * 7919 + k * 104729) % n_routes, round + 1);
		took[round] = compile_once(COMPILE_CHANGES, round + 2);
	}
	qsort(took, ROUNDS, sizeof(*took), by_number);
	printf("%-28s %8.3f ms median %8.3f ms p99, %zu of %d quick\n", what,
	       (double)took[ROUNDS / 2] / 1e6, (double)took[ROUNDS * 99 / 100] / 1e6,
	       (size_t)compiler_stats(compiler).n_quick - n_quick, ROUNDS);
}

int main(int argc, char **argv)
{
	struct registry *registry = registry_new();
	struct metric_registry *metrics = metric_registry_new();
	struct tls_cache *tls = tls_cache_new();
	struct diag_sink sink;
	json_t *options = json_pack("{s:{s:{s:s},s:{s:s}}}", "entryPoints", "web", "address", ":80",
				    "websecure", "address", ":443");

	if (argc > 1)
		n_routes = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		n_endpoints = strtoul(argv[2], NULL, 10);
	arena_init(&arena, SIZE_MAX, 0);
	diag_init(&sink, &arena);
	if (static_config_from_json(options, &arena, &sink, &config) < 0)
		abort();
	json_decref(options);
	registry_set_metrics(registry, metrics);
	registry_set_tls(registry, tls);
	key = EVP_EC_gen("P-256");
	store_init(&store);
	for (size_t i = 0; i < n_routes; i++) {
		put_service(i);
		put_slice(i, 0);
		put_route(i, 0);
	}
	size_t before = mallinfo2().uordblks;

	compiler = compiler_new(&config, registry);
	printf("%zu routes, %zu endpoints\n", n_routes, n_routes * n_endpoints);
	printf("%-28s %8.3f ms\n", "everything, the first time",
	       (double)compile_once(COMPILE_EVERYTHING, 1) / 1e6);
	for (int i = 0; i < AGAIN; i++)
		compile_once(COMPILE_EVERYTHING, 1);
	printf("%-28s %8.3f ms\n", "everything, again",
	       (double)compile_once(COMPILE_EVERYTHING, 1) / 1e6);
	printf("objects %.1f MB, compiled %.1f MB beside huge pages\n", (double)before / 1e6,
	       (double)(mallinfo2().uordblks - before) / 1e6);
	run("endpoints of one Service", put_slice, 1);
	run("endpoints of 5 Services", put_slice, 5);
	run("one route", put_route, 1);
	for (size_t i = 0; i < N_CERTS; i++) {
		put_secret(i, 0);
		put_tls_route(i);
	}
	compile_once(COMPILE_EVERYTHING, 1);
	run("one certificate of 1,000", put_secret, 1);
	for (size_t i = 0; i < N_GUARDS; i++) {
		put_guard(i, 0);
		put_transport(i, 0);
	}
	for (size_t i = 0; i < (size_t)N_GUARDS * ROUTES_OF_GUARD; i++)
		put_guarded_route(i);
	compile_once(COMPILE_EVERYTHING, 1);
	run("one Middleware of 10 routes", put_guard, 1);
	run("one ServersTransport of 10", put_transport, 1);
	for (size_t i = 0; i < N_STREAMS; i++)
		put_tcp_route(i);
	compile_once(COMPILE_EVERYTHING, 1);
	run("endpoints of 100 TCP routes", put_streams_slice, 1);
	snapshot_unref(snapshot);
	compiler_free(compiler);
	registry_free(registry);
	store_done(&store);
	tls_cache_free(tls);
	metric_registry_free(metrics);
	EVP_PKEY_free(key);
	arena_done(&arena);
	return 0;
}
