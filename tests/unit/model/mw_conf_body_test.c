// SPDX-License-Identifier: Apache-2.0
/* mw_conf_body_test: reference c.9, c.14; cache. */
#include "model_help.h"

#include "model/mw_conf_body.h"

static void defaults_are_those_of_the_reference(void **state)
{
	struct mwc_compress compress;
	struct mwc_cache cache;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	schema_preset(&schema_mw_compress, &arena, &compress);
	assert_int_equal(compress.min_response_body_bytes, 1024);
	assert_int_equal(compress.encodings.n, 3);
	assert_true(str_eq(compress.encodings.at[0], STR("gzip")));
	assert_true(str_eq(compress.encodings.at[1], STR("br")));
	assert_true(str_eq(compress.encodings.at[2], STR("zstd")));
	assert_int_equal(compress.default_encoding.len, 0);
	schema_preset(&schema_mw_cache, &arena, &cache);
	assert_int_equal(cache.max_size_bytes.bytes, 64 << 20);
	assert_int_equal(cache.max_object_bytes.bytes, 1 << 20);
	assert_int_equal(cache.collapse_timeout.ns, 5000000000);
	assert_false(cache.default_ttl.set);
	arena_done(&arena);
}

static void faults_of_compress_are_found(void **state)
{
	static const struct fault_row rows[] = {
		{"kinds exclude each other",
		 "{'excludedContentTypes':['a/b'],'includedContentTypes':['a/c']}", "", "exclude"},
		{"no encoding", "{'encodings':[]}", "encodings", "no encoding"},
		{"unknown encoding", "{'encodings':['lzma']}", "encodings[0]", "wrong value"},
		{"default not among them", "{'encodings':['gzip'],'defaultEncoding':'br'}",
		 "defaultEncoding", "not among"},
		{"unknown default", "{'defaultEncoding':'deflate'}", "defaultEncoding",
		 "wrong value"},
		{"negative size", "{'minResponseBodyBytes':-1}", "minResponseBodyBytes",
		 "out of range"},
		{"right", "{'encodings':['zstd','br'],'defaultEncoding':'br'}", NULL, NULL},
		{"nothing", "{}", NULL, NULL},
	};

	(void)state;
	CHECK_ROWS(&schema_mw_compress, rows);
}

static void faults_of_cache_are_found(void **state)
{
	static const struct fault_row rows[] = {
		{"store too small", "{'maxSizeBytes':1000,'maxObjectBytes':10}", "maxSizeBytes",
		 "too small"},
		{"object larger than the store", "{'maxSizeBytes':'1Mi','maxObjectBytes':'2Mi'}",
		 "maxObjectBytes", "out of range"},
		{"no object", "{'maxObjectBytes':0}", "maxObjectBytes", "out of range"},
		{"wrong duration", "{'defaultTTL':'soon'}", "defaultTTL", "wrong value"},
		{"unknown", "{'ttl':'1s'}", "ttl", "unknown field"},
		{"right", "{'maxSizeBytes':'1Mi','defaultTTL':'10s','staleIfError':'1m'}", NULL,
		 NULL},
	};

	(void)state;
	CHECK_ROWS(&schema_mw_cache, rows);
}

static void faults_of_grpc_web_are_found(void **state)
{
	static const struct fault_row rows[] = {
		{"one origin", "{'allowOrigins':'*'}", "allowOrigins", "wrong type"},
		{"right", "{'allowOrigins':['*']}", NULL, NULL},
	};

	(void)state;
	CHECK_ROWS(&schema_mw_grpc_web, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_reference),
		cmocka_unit_test(faults_of_compress_are_found),
		cmocka_unit_test(faults_of_cache_are_found),
		cmocka_unit_test(faults_of_grpc_web_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
