/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_LIST_H
#define MW_LIST_H

/* mw_list: the middlewares there are, once: name X stands for `const struct mw X_mw` in mw/X.c. */

#include "mw/mw.h"

#define MW_LIST(X)              \
	X(add_prefix)           \
	X(api_key)              \
	X(basic_auth)           \
	X(buffering)            \
	X(cache)                \
	X(chain)                \
	X(circuit_breaker)      \
	X(compress)             \
	X(content_type)         \
	X(deny)                 \
	X(digest_auth)          \
	X(encoded_characters)   \
	X(errors)               \
	X(forward_auth)         \
	X(grpc_web)             \
	X(headers)              \
	X(in_flight_req)        \
	X(ip_allow_list)        \
	X(ip_white_list)        \
	X(jwt)                  \
	X(pass_tls_client_cert) \
	X(rate_limit)           \
	X(redirect_regex)       \
	X(redirect_scheme)      \
	X(replace_path)         \
	X(replace_path_regex)   \
	X(request_id)           \
	X(retry)                \
	X(strip_prefix)         \
	X(strip_prefix_regex)   \
	X(timeouts)

#define MW_DECLARE(name) extern const struct mw name##_mw;
MW_LIST(MW_DECLARE)
#undef MW_DECLARE

#endif
