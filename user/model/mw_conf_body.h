/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_CONF_BODY_H
#define MW_CONF_BODY_H

/* mw_conf_body: settings of the middlewares that change or keep bodies: compress, grpcWeb
 * (reference c.9, c.14), and cache, which is ours. */

#include "model/mw_conf.h"

struct mwc_compress {
	struct strs excluded_content_types, included_content_types, encodings;
	int64_t min_response_body_bytes;
	struct str default_encoding;
};

struct mwc_grpc_web {
	struct strs allow_origins;
};

struct mwc_cache {
	struct quantity max_size_bytes, max_object_bytes;
	struct duration default_ttl, stale_while_revalidate, stale_if_error, collapse_timeout;
	bool ignore_client_directives;
};

extern const struct schema schema_mw_compress, schema_mw_grpc_web, schema_mw_cache;

#endif
