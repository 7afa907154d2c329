/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_TARGET_H
#define REDIS_TARGET_H

/* redis_target: where a Redis server is, and how it is spoken to. Immutable and thread-safe;
 * counted by reference, since connections outlive the configuration that named it. */

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/ref.h"
#include "base/str.h"

enum { REDIS_HOST_MAX = 255, REDIS_ENDPOINTS_MAX = 8 };

struct redis_endpoint {
	char host[REDIS_HOST_MAX + 1]; /* a name, or an address in text */
	uint16_t port;
	bool is_addr;
	struct addr addr;
};

struct redis_options {
	struct strs endpoints; /* "host:port"; tried in order until one takes the connection */
	struct str username, password;
	int64_t db;
	uint64_t dial_ns, read_ns, write_ns; /* 0: no limit */
	bool tls, insecure_skip_verify;
	struct str ca_pem, cert_pem, key_pem; /* empty: the system's, none */
};

struct redis_target {
	struct ref ref;
	struct redis_endpoint endpoints[REDIS_ENDPOINTS_MAX];
	size_t n_endpoints;
	char *username, *password; /* NULL: none */
	int64_t db;
	uint64_t dial_ns, read_ns, write_ns;
	SSL_CTX *tls; /* NULL: plain */
};

/* NULL with a reason in message. */
struct redis_target *redis_target_new(const struct redis_options *options, char *message,
				      size_t message_bytes);
struct redis_target *redis_target_ref(struct redis_target *target);
/* NULL is allowed. */
void redis_target_unref(struct redis_target *target);
/* A TLS connection to that endpoint over fd, which verifies the server as the target says. */
SSL *redis_target_tls(const struct redis_target *target, const struct redis_endpoint *endpoint,
		      int fd);

#endif
