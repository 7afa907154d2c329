/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_BUILDER_H
#define TLS_BUILDER_H

/*
 * tls_builder: makes one tls_table (one per entry point): add certificates and policies, bind
 * hosts, finish.
 *
 * A policy id is the identity that the 421 check compares (reference/traefik.md b.5.6): name plus
 * whatever decides who may connect (client authentication and its CAs). It is the same in every
 * table of the process, also later, as long as that does not change; other edits of an option
 * (versions, ciphers) keep it, so that live connections are not misdirected by them. Not
 * thread-safe; the table it makes is.
 */

#include "base/str.h"
#include "model/diag.h"
#include "model/tls_option.h"
#include "tls/tls_cache.h"
#include "tls/tls_table.h"

struct tls_builder;

enum { TLS_MESSAGE_MAX = 256 };

struct tls_builder *tls_builder_new(struct tls_cache *cache);
void tls_builder_free(struct tls_builder *builder);

/*
 * A TLSOption under its qualified name ("shop-mtls", "default"): returns its policy id, or -EINVAL
 * with errors added, -ENOMEM. client_cas are PEM texts (one or more certificates each) of the
 * Secrets that option->client_auth names. The one named "default" replaces the built-in default (id
 * TLS_POLICY_DEFAULT unless it asks for client certificates). Bind the hosts of an option that is
 * missing or was refused to TLS_POLICY_BROKEN.
 */
int tls_builder_policy(struct tls_builder *builder, struct str name,
		       const struct tls_option *option, const struct str *client_cas,
		       size_t n_client_cas, struct diag_sink *sink, const struct diag_path *path);
/* There is no valid "default": every host that is bound to no other policy is closed (reference
 * a.9). */
void tls_builder_break_default(struct tls_builder *builder);
/* The id of what hosts without an option of their own get. */
uint16_t tls_builder_default(const struct tls_builder *builder);

/*
 * A certificate with its chain and key. 0; -EINVAL with a message (not readable, key does not
 * match); -ENOMEM. With 0 the message may hold a warning (expired, not yet valid), else it is
 * empty. The same set of names twice: the first one added is used (reference g.1).
 */
int tls_builder_certificate(struct tls_builder *builder, struct str cert_pem, struct str key_pem,
			    char ret_message[TLS_MESSAGE_MAX]);
/*
 * The same for the certificate of a Secret ("shop/tls"): 1 when it cannot be used but an earlier
 * content of that Secret could, which is added instead (security.md D14); the message says what is
 * wrong with the new one.
 */
int tls_builder_certificate_of(struct tls_builder *builder, struct str secret, struct str cert_pem,
			       struct str key_pem, char ret_message[TLS_MESSAGE_MAX]);
/* The default certificate, used when no name matches; without this call a generated one. As above.
 */
int tls_builder_default_certificate(struct tls_builder *builder, struct str cert_pem,
				    struct str key_pem, char ret_message[TLS_MESSAGE_MAX]);

/*
 * host (canonical; or "*.example.com" for one label) gets policy. 0, or -EEXIST when it is bound to
 * another one: then it is bound to the default of this moment (reference b.5.6: conflicting options
 * fall back to default), -ENOMEM.
 */
int tls_builder_bind(struct tls_builder *builder, struct str host, uint16_t policy);

/* The table, with one reference; NULL when out of memory. The builder is freed in any case. */
struct tls_table *tls_builder_finish(struct tls_builder *builder);

#endif
