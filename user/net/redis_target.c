// SPDX-License-Identifier: Apache-2.0
/* redis_target: see the header. */

#include "net/redis_target.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"

static bool tell(char *message, size_t n, const char *what)
{
	snprintf(message, n, "%s", what);
	return false;
}

static char *copy(struct str text)
{
	return text.len ? strndup(text.at, text.len) : NULL;
}

/* "host:port", "[::1]:6379", "host". */
static bool parse_endpoint(struct str text, struct redis_endpoint *endpoint)
{
	enum { REDIS_PORT = 6379 };
	ptrdiff_t end = str_starts(text, STR("[")) ? str_find(text, ']') : -1;
	ptrdiff_t colon = end >= 0 ? end + 1 : str_rfind(text, ':');
	struct str host = colon < 0 ? text : str_take(text, (size_t)colon);
	struct str port = colon < 0 ? (struct str){0} : str_from(text, (size_t)colon);

	endpoint->port = REDIS_PORT;
	if (end >= 0)
		host = str_take(str_from(text, 1), (size_t)end - 1);
	if (host.len == 0 || host.len > REDIS_HOST_MAX ||
	    (port.len && (port.at[0] != ':' || num_uint16(str_from(port, 1), &endpoint->port))))
		return false;
	memcpy(endpoint->host, host.at, host.len);
	endpoint->is_addr = addr_parse(host, &endpoint->addr) == 0;
	return true;
}

static bool add_endpoints(struct redis_target *target, const struct strs *texts, char *message,
			  size_t n)
{
	if (texts->n == 0 || texts->n > REDIS_ENDPOINTS_MAX)
		return tell(message, n, "there must be one to eight endpoints");
	for (size_t i = 0; i < texts->n; i++)
		if (!parse_endpoint(str_trim(texts->at[i]),
				    &target->endpoints[target->n_endpoints++]))
			return tell(message, n, "an endpoint is no host:port");
	return true;
}

static BIO *bio_of(struct str pem)
{
	return BIO_new_mem_buf(pem.at, (int)pem.len);
}

static bool trust(SSL_CTX *tls, struct str pem)
{
	BIO *bio = bio_of(pem);
	size_t n = 0;
	X509 *cert;

	while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		n += X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), cert) == 1;
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n > 0;
}

static bool identify(SSL_CTX *tls, struct str cert_pem, struct str key_pem)
{
	BIO *cert_bio = bio_of(cert_pem), *key_bio = bio_of(key_pem);
	X509 *cert = cert_bio ? PEM_read_bio_X509(cert_bio, NULL, NULL, NULL) : NULL, *more;
	EVP_PKEY *key = key_bio ? PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL) : NULL;
	bool ok = cert && key && SSL_CTX_use_certificate(tls, cert) == 1 &&
		  SSL_CTX_use_PrivateKey(tls, key) == 1;

	while (ok && (more = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL)))
		SSL_CTX_add_extra_chain_cert(tls, more);
	EVP_PKEY_free(key);
	X509_free(cert);
	BIO_free(cert_bio);
	BIO_free(key_bio);
	ERR_clear_error();
	return ok;
}

static bool prepare_tls(struct redis_target *target, const struct redis_options *options,
			char *message, size_t n)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	target->tls = tls;
	if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1)
		return tell(message, n, "TLS is not available");
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(tls, options->insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
			   NULL);
	if (options->ca_pem.len ? !trust(tls, options->ca_pem)
				: SSL_CTX_set_default_verify_paths(tls) != 1)
		return tell(message, n, "the authority's certificate cannot be read");
	if (options->cert_pem.len && !identify(tls, options->cert_pem, options->key_pem))
		return tell(message, n, "the client certificate and its key cannot be used");
	return true;
}

struct redis_target *redis_target_new(const struct redis_options *options, char *message,
				      size_t message_bytes)
{
	struct redis_target *target = calloc(1, sizeof(*target));

	snprintf(message, message_bytes, "no memory");
	if (!target)
		return NULL;
	ref_init(&target->ref);
	target->db = options->db;
	target->dial_ns = options->dial_ns;
	target->read_ns = options->read_ns;
	target->write_ns = options->write_ns;
	target->username = copy(options->username);
	target->password = copy(options->password);
	if (add_endpoints(target, &options->endpoints, message, message_bytes) &&
	    (!options->tls || prepare_tls(target, options, message, message_bytes)))
		return target;
	redis_target_unref(target);
	return NULL;
}

struct redis_target *redis_target_ref(struct redis_target *target)
{
	ref_get(&target->ref);
	return target;
}

void redis_target_unref(struct redis_target *target)
{
	if (!target || !ref_put(&target->ref))
		return;
	SSL_CTX_free(target->tls);
	free(target->username);
	if (target->password)
		explicit_bzero(target->password, strlen(target->password));
	free(target->password);
	free(target);
}

SSL *redis_target_tls(const struct redis_target *target, const struct redis_endpoint *endpoint,
		      int fd)
{
	SSL *ssl = SSL_new(target->tls);
	bool ok = ssl && SSL_set_fd(ssl, fd) == 1;

	if (ok && endpoint->is_addr)
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), endpoint->host) == 1;
	else if (ok)
		ok = SSL_set1_host(ssl, endpoint->host) == 1 &&
		     SSL_set_tlsext_host_name(ssl, endpoint->host) == 1;
	if (ok) {
		SSL_set_connect_state(ssl);
		return ssl;
	}
	SSL_free(ssl);
	ERR_clear_error();
	return NULL;
}
