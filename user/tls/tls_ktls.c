// SPDX-License-Identifier: Apache-2.0
/*
 * tls_ktls: whether the kernel took a connection's keys, and if not, why.
 */

#include "tls/tls_ktls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
	struct str word, sentence;
} states[TLS_KTLS__COUNT] = {
	[TLS_KTLS_ON] = {STR("on"), STR("the kernel makes the records")},
	[TLS_KTLS_NO_MODULE] = {STR("no-module"), STR("this kernel has no tls module")},
	[TLS_KTLS_CIPHER] = {STR("cipher"), STR("the cipher is none that the kernel can do")},
	[TLS_KTLS_OPENSSL] =
		{STR("openssl"),
		 STR("OpenSSL 3.0 does not hand this direction of TLS 1.3 to the kernel")},
	[TLS_KTLS_REFUSED] = {STR("refused"), STR("the kernel refused the keys")},
	[TLS_KTLS_OFF] = {STR("off"), STR("kernel TLS is switched off")},
	[TLS_KTLS_UNKNOWN] = {STR("unknown"), STR("the handshake is not done yet")},
};

struct str tls_conn_ktls_word(enum tls_ktls state)
{
	return states[state].word;
}

struct str tls_conn_ktls_sentence(enum tls_ktls state)
{
	return states[state].sentence;
}

static bool has_module;

static void probe(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* The protocol is looked up before the socket's state: ENOTCONN means that it is there. */
	if (fd < 0)
		return;
	has_module = setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 3) == 0 || errno == ENOTCONN;
	close(fd);
}

bool tls_ktls_available(void)
{
	static pthread_once_t has_module_once = PTHREAD_ONCE_INIT;

	pthread_once(&has_module_once, probe);
	return has_module;
}

static enum tls_ktls why_off(SSL *ssl, bool enabled)
{
	if (!enabled)
		return TLS_KTLS_OFF;
	if (!SSL_CIPHER_is_aead(SSL_get_current_cipher(ssl)))
		return TLS_KTLS_CIPHER;
	return tls_ktls_available() ? TLS_KTLS_REFUSED : TLS_KTLS_NO_MODULE;
}

enum tls_ktls tls_ktls_tx(SSL *ssl, bool enabled)
{
	return BIO_get_ktls_send(SSL_get_wbio(ssl)) ? TLS_KTLS_ON : why_off(ssl, enabled);
}

enum tls_ktls tls_ktls_rx(SSL *ssl, bool enabled)
{
	if (BIO_get_ktls_recv(SSL_get_rbio(ssl)))
		return TLS_KTLS_ON;
	enum tls_ktls why = why_off(ssl, enabled);

	return why == TLS_KTLS_REFUSED && SSL_version(ssl) == TLS1_3_VERSION ? TLS_KTLS_OPENSSL
									     : why;
}
