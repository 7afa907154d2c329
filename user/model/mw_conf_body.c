// SPDX-License-Identifier: Apache-2.0
/*
 * mw_conf_body: the field tables of compress, grpcWeb and cache. Media types are parsed where they
 * are used (mw/media_type.h): the route that has a wrong one is not served.
 */
#include "model/mw_conf_body.h"

#define OURS .support = DIFFERS, .note = "Tidegate only"

static const struct field compress_fields[] = {
	FIELD(struct mwc_compress, excluded_content_types, .name = "excludedContentTypes",
	      .doc = "Media types that are not compressed, besides application/grpc; parameters "
		     "do not count."),
	FIELD(struct mwc_compress, included_content_types, .name = "includedContentTypes",
	      .doc = "The only media types that are compressed; parameters do not count."),
	FIELD(struct mwc_compress, min_response_body_bytes, .name = "minResponseBodyBytes",
	      .preset = "1024", .min = 0, .max = INT64_MAX,
	      .doc = "Smaller responses are not compressed, unless they come without a length; 0: "
		     "1024."),
	FIELD(struct mwc_compress, encodings, .name = "encodings", .choices = "gzip|br|zstd",
	      .preset = "gzip,br,zstd",
	      .doc = "Encodings, in order of preference among those that a client likes equally."),
	FIELD(struct mwc_compress, default_encoding, .name = "defaultEncoding",
	      .choices = "gzip|br|zstd",
	      .doc = "Encoding for requests without Accept-Encoding, which otherwise get none, and "
		     "for those that accept any."),
};

static void compress_check(const void *decoded, struct diag_sink *sink,
			   const struct diag_path *path)
{
	const struct mwc_compress *compress = decoded;
	bool known = compress->default_encoding.len == 0;

	if (compress->excluded_content_types.n && compress->included_content_types.n)
		diag_expected(sink,
			      diag_error(sink, path,
					 "excludedContentTypes and includedContentTypes exclude "
					 "each other"),
			      "one of them");
	if (!compress->encodings.n)
		diag_expected(sink, diag_error(sink, DIAG_FIELD(path, "encodings"), "no encoding"),
			      "at least one of gzip, br, zstd");
	for (size_t i = 0; i < compress->encodings.n; i++)
		known = known || str_eq(compress->encodings.at[i], compress->default_encoding);
	if (!known)
		diag_expected(sink,
			      diag_error(sink, DIAG_FIELD(path, "defaultEncoding"),
					 "not among the encodings"),
			      "one that encodings names");
}

const struct schema schema_mw_compress = {
	.name = "compress",
	.doc = "Compresses responses for clients that say they can read it.",
	.size = sizeof(struct mwc_compress),
	SCHEMA_FIELDS(compress_fields),
	.check = compress_check,
};

static const struct field grpc_web_fields[] = {
	FIELD(struct mwc_grpc_web, allow_origins, .name = "allowOrigins",
	      .doc = "Origins whose pages may read answers; * for any."),
};

const struct schema schema_mw_grpc_web = {
	.name = "grpcWeb",
	.doc = "Translates between gRPC-Web, which browsers can speak, and gRPC.",
	.size = sizeof(struct mwc_grpc_web),
	SCHEMA_FIELDS(grpc_web_fields),
};

static const struct field cache_fields[] = {
	FIELD(struct mwc_cache, max_size_bytes, .name = "maxSizeBytes", .preset = "64Mi", OURS,
	      .doc = "Memory of the store, which each router has of its own; what was not asked "
		     "for longest makes room."),
	FIELD(struct mwc_cache, max_object_bytes, .name = "maxObjectBytes", .preset = "1Mi", OURS,
	      .doc = "Largest body that is kept."),
	FIELD(struct mwc_cache, default_ttl, .name = "defaultTTL", OURS,
	      .doc = "How long responses are kept that do not say so themselves; absent: they are "
		     "not kept."),
	FIELD(struct mwc_cache, stale_while_revalidate, .name = "staleWhileRevalidate", OURS,
	      .doc = "How long after their time responses are still given while one request asks "
		     "for a new one, unless they say so themselves."),
	FIELD(struct mwc_cache, stale_if_error, .name = "staleIfError", OURS,
	      .doc = "How long after their time responses are still given when the service fails, "
		     "unless they say so themselves."),
	FIELD(struct mwc_cache, collapse_timeout, .name = "collapseTimeout", .preset = "5s", OURS,
	      .doc = "How long requests wait for another one that asks for the same; 0: each asks "
		     "by itself."),
	FIELD(struct mwc_cache, ignore_client_directives, .name = "ignoreClientDirectives", OURS,
	      .doc = "Passes over Cache-Control and Pragma of requests, so that clients cannot "
		     "make the service work."),
};

static void cache_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct mwc_cache *cache = decoded;

	if (cache->max_size_bytes.bytes < 64 << 10)
		diag_expected(sink, diag_error(sink, DIAG_FIELD(path, "maxSizeBytes"), "too small"),
			      "64Ki or more");
	if (cache->max_object_bytes.bytes < 1 ||
	    cache->max_object_bytes.bytes > cache->max_size_bytes.bytes)
		diag_expected(sink,
			      diag_error(sink, DIAG_FIELD(path, "maxObjectBytes"), "out of range"),
			      "1 to maxSizeBytes");
}

const struct schema schema_mw_cache = {
	.name = "cache",
	.doc = "Keeps responses in memory and gives them again, as RFC 9111 says.",
	.size = sizeof(struct mwc_cache),
	SCHEMA_FIELDS(cache_fields),
	.check = cache_check,
};
