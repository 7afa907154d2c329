// SPDX-License-Identifier: Apache-2.0
/*
 * pass_tls_client_cert: tells servers of the client's certificates (reference/traefik.md c.14).
 *
 * What untrusted clients write under these names has gone at the entry point; without a certificate
 * nothing is changed.
 */

#include "http/header.h"
#include "http/uri.h"
#include "model/mw_conf_auth.h"
#include "mw/cert_info.h"
#include "mw/mw_list.h"

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct mwc_pass_tls_client_cert *self = instance->conf;
	struct request *request = call->request;
	struct arena *arena = request->arena;

	if (!request->client_certs)
		return MW_NEXT;
	if (self->pem)
		header_set_id(&request->headers, HEADER_X_FORWARDED_TLS_CLIENT_CERT,
			      cert_info_pem(request->client_certs, arena));
	if (self->info) {
		struct str text = cert_info_text(request->client_certs, self->info, arena);

		header_set_id(&request->headers, HEADER_X_FORWARDED_TLS_CLIENT_CERT_INFO,
			      uri_encode_query(text, arena));
	}
	if (!arena->failed)
		return MW_NEXT;
	/* The server would take it for a client without certificate, or with part of it. */
	call->reply.status = 500;
	return MW_REPLY;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct mwc_pass_tls_client_cert *self = instance->conf;

	if (!request->is_tls)
		return STR("adds nothing: the request does not come over TLS");
	return arena_printf(arena, "passes%s%s%s on, if the client shows a certificate",
			    self->pem ? " the certificates" : "",
			    self->pem && self->info ? " and" : "",
			    self->info ? " what they say" : "");
}

const struct mw pass_tls_client_cert_mw = {
	.name = "passTLSClientCert",
	.schema = &schema_mw_pass_tls_client_cert,
	.on_request = on_request,
	.explain = explain,
};
