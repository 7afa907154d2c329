// SPDX-License-Identifier: Apache-2.0
/* tls_peer: see the header. */

#include "tls/tls_peer.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>

int tls_peer_take(SSL *ssl, struct client_certs **ret_certs)
{
	X509 *own = SSL_get0_peer_certificate(ssl);
	/* A server's chain is without the client's own. */
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	int n = 1 + (chain ? sk_X509_num(chain) : 0), len;
	size_t bytes = 0;
	struct client_certs *certs;
	unsigned char *at;

	*ret_certs = NULL;
	if (!own)
		return 0;
	for (int i = 0; i < n; i++) {
		len = i2d_X509(i ? sk_X509_value(chain, i - 1) : own, NULL);
		if (len <= 0)
			return -ENOMEM;
		bytes += (size_t)len;
	}
	certs = malloc(sizeof(*certs) + (size_t)n * sizeof(*certs->der) + bytes);
	if (!certs)
		return -ENOMEM;
	certs->n = (uint16_t)n;
	at = (unsigned char *)&certs->der[n];
	for (int i = 0; i < n; i++) {
		const char *from = (const char *)at;

		len = i2d_X509(i ? sk_X509_value(chain, i - 1) : own, &at);
		certs->der[i] = str_n(from, (size_t)len);
	}
	*ret_certs = certs;
	return 0;
}

void tls_peer_on_verify(X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	STACK_OF(X509) *shown = X509_STORE_CTX_get0_untrusted(store);

	if (ssl && shown && sk_X509_num(shown) > 1)
		SSL_set_num_tickets(ssl, 0);
}
