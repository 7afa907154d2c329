// SPDX-License-Identifier: Apache-2.0
/*
 * tls_cert: a certificate, its chain and its key, parsed from PEM, with the names it is found by.
 */

#include "tls/tls_cert.h"

#include <errno.h>
#include <time.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/codec.h"
#include "base/hash.h"
#include "tls/tls_name.h"

enum {
	NAMES_BYTES_MAX = 256 << 10,
	DEFAULT_DAYS = 365,
};

void tls_cert_digest(struct str cert_pem, struct str key_pem, unsigned char ret_digest[32])
{
	unsigned char both[64];

	hash_sha256(cert_pem, both);
	hash_sha256(key_pem, both + 32);
	hash_sha256(str_n((char *)both, sizeof(both)), ret_digest);
}

static BIO *bio_of(struct str text)
{
	return text.len && text.len <= INT_MAX ? BIO_new_mem_buf(text.at, (int)text.len) : NULL;
}

/* Never asks a terminal for a password. */
static int no_password(char *buf, int size, int writing, void *context)
{
	(void)buf, (void)size, (void)writing, (void)context;
	return -1;
}

int tls_cert_each(struct str pem, int (*each)(void *context, X509 *x509), void *context)
{
	BIO *bio = bio_of(pem);
	X509 *x509;
	int n = 0;

	if (!bio)
		return pem.len ? -ENOMEM : 0;
	while ((x509 = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL))) {
		int result = each(context, x509);

		X509_free(x509);
		if (result < 0) {
			BIO_free(bio);
			return result;
		}
		n++;
	}
	/* The end of the text shows as "no start line"; anything else is a broken certificate. */
	unsigned long error = ERR_peek_last_error();
	bool at_end =
		ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	BIO_free(bio);
	return at_end ? n : -EINVAL;
}

static int take_certificate(void *context, X509 *x509)
{
	struct tls_cert *cert = context;

	if (!X509_up_ref(x509))
		return -ENOMEM;
	if (!cert->leaf) {
		cert->leaf = x509;
		return 0;
	}
	if (!sk_X509_push(cert->chain, x509)) {
		X509_free(x509);
		return -ENOMEM;
	}
	return 0;
}

/* Adds one name unless it is there; false when it holds what no name may. */
static bool add_name(struct tls_cert *cert, size_t cap, struct str text)
{
	char canonical[TLS_NAME_MAX];
	struct str name;

	if (memchr(text.at, '\0', text.len))
		return false;
	if (cert->names.n == cap || !tls_name_canonical(text, canonical, &name))
		return true; /* a common name in free text: nobody can ask for it */
	for (size_t i = 0; i < cert->names.n; i++)
		if (str_eq(cert->names.at[i], name))
			return true;
	cert->names.at[cert->names.n++] = arena_str(&cert->arena, name);
	return true;
}

static bool add_common_name(struct tls_cert *cert, size_t cap)
{
	const X509_NAME *subject = X509_get_subject_name(cert->leaf);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *utf8 = NULL;

	if (at < 0)
		return true;
	int len = ASN1_STRING_to_UTF8(&utf8,
				      X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));

	if (len < 0)
		return false;
	bool ok = len == 0 || add_name(cert, cap, str_n((char *)utf8, (size_t)len));

	OPENSSL_free(utf8);
	return ok;
}

static bool add_general_name(struct tls_cert *cert, size_t cap, const GENERAL_NAME *general)
{
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	if (general->type == GEN_DNS) {
		const ASN1_STRING *dns = general->d.dNSName;

		return ASN1_STRING_length(dns) == 0 ||
		       add_name(cert, cap,
				str_n((const char *)ASN1_STRING_get0_data(dns),
				      (size_t)ASN1_STRING_length(dns)));
	}
	if (general->type != GEN_IPADD)
		return true;
	const ASN1_STRING *ip = general->d.iPAddress;

	if (ASN1_STRING_length(ip) == 4) {
		struct in_addr in4;

		memcpy(&in4, ASN1_STRING_get0_data(ip), sizeof(in4));
		addr = addr_from_in4(in4);
	} else if (ASN1_STRING_length(ip) == 16) {
		memcpy(addr.byte, ASN1_STRING_get0_data(ip), sizeof(addr.byte));
	} else {
		return false;
	}
	return add_name(cert, cap, str_n(text, addr_print(&addr, text)));
}

static int compare_names(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int join_names(struct tls_cert *cert)
{
	if (cert->names.n)
		qsort(cert->names.at, cert->names.n, sizeof(*cert->names.at), compare_names);
	for (size_t i = 0; i < cert->names.n; i++) {
		if (i > 0)
			cert->joined = arena_join(&cert->arena, cert->joined, STR(","));
		cert->joined = arena_join(&cert->arena, cert->joined, cert->names.at[i]);
	}
	return cert->arena.failed ? -ENOMEM : 0;
}

static int collect_names(struct tls_cert *cert)
{
	GENERAL_NAMES *alternatives =
		X509_get_ext_d2i(cert->leaf, NID_subject_alt_name, NULL, NULL);
	int n = alternatives ? sk_GENERAL_NAME_num(alternatives) : 0;
	size_t cap = (size_t)n + 1;

	cert->names.at = ARENA_ARRAY(&cert->arena, struct str, cap);
	bool ok = cert->names.at && add_common_name(cert, cap);

	for (int i = 0; ok && i < n; i++)
		ok = add_general_name(cert, cap, sk_GENERAL_NAME_value(alternatives, i));
	GENERAL_NAMES_free(alternatives);
	if (cert->arena.failed)
		return -ENOMEM;
	return ok ? join_names(cert) : -EINVAL;
}

static struct tls_cert *cert_new(void)
{
	struct tls_cert *cert = calloc(1, sizeof(*cert));

	if (!cert)
		return NULL;
	ref_init(&cert->ref);
	arena_init(&cert->arena, NAMES_BYTES_MAX, 256);
	cert->chain = sk_X509_new_null();
	if (!cert->chain) {
		tls_cert_free(cert);
		return NULL;
	}
	return cert;
}

void tls_cert_free(struct tls_cert *cert)
{
	if (!cert)
		return;
	X509_free(cert->leaf);
	sk_X509_pop_free(cert->chain, X509_free);
	EVP_PKEY_free(cert->key); /* wipes the key */
	arena_done(&cert->arena);
	free(cert);
}

static int refuse(char message[TLS_MESSAGE_MAX], const char *why)
{
	ERR_clear_error();
	snprintf(message, TLS_MESSAGE_MAX, "%s", why);
	return -EINVAL;
}

void tls_cert_warn(const struct tls_cert *cert, char message[TLS_MESSAGE_MAX])
{
	message[0] = '\0';
	if (X509_cmp_current_time(X509_get0_notAfter(cert->leaf)) < 0)
		snprintf(message, TLS_MESSAGE_MAX, "the certificate has expired");
	else if (X509_cmp_current_time(X509_get0_notBefore(cert->leaf)) > 0)
		snprintf(message, TLS_MESSAGE_MAX, "the certificate is not valid yet");
	else if (cert->names.n == 0)
		snprintf(message, TLS_MESSAGE_MAX,
			 "the certificate holds no name that a client can ask for");
}

static int parse_into(struct tls_cert *cert, struct str cert_pem, struct str key_pem,
		      char message[TLS_MESSAGE_MAX])
{
	int n = tls_cert_each(cert_pem, take_certificate, cert);

	if (n == -ENOMEM)
		return n;
	if (n <= 0)
		return refuse(message, n ? "the certificate is not readable PEM"
					 : "there is no certificate");
	BIO *bio = bio_of(key_pem);

	cert->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	if (!cert->key)
		return refuse(message, "the private key is not readable PEM without a password");
	if (X509_check_private_key(cert->leaf, cert->key) != 1)
		return refuse(message, "the private key does not belong to the certificate");
	int named = collect_names(cert);

	if (named == -EINVAL)
		return refuse(message, "the certificate holds a malformed name");
	if (named < 0)
		return named;
	tls_cert_warn(cert, message);
	return 0;
}

int tls_cert_parse(struct str cert_pem, struct str key_pem, struct tls_cert **ret_cert,
		   char ret_message[TLS_MESSAGE_MAX])
{
	struct tls_cert *cert = cert_new();

	ret_message[0] = '\0';
	if (!cert)
		return -ENOMEM;
	ERR_clear_error();
	int result = parse_into(cert, cert_pem, key_pem, ret_message);

	if (result < 0) {
		tls_cert_free(cert);
		return result;
	}
	tls_cert_digest(cert_pem, key_pem, cert->digest);
	*ret_cert = cert;
	return 0;
}

static bool add_extension(X509 *x509, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool ok = extension && X509_add_ext(x509, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return ok;
}

static bool fill_default(X509 *x509, EVP_PKEY *key)
{
	unsigned char random[40];
	char hex[2 * sizeof(random) + 1], san[128];
	X509_NAME *name = X509_get_subject_name(x509);
	uint64_t serial;

	codec_random(random, sizeof(random));
	codec_hex(random, 32, hex);
	snprintf(san, sizeof(san), "DNS:%.32s.%.32s.tidegate.default", hex, hex + 32);
	memcpy(&serial, random + 32, sizeof(serial));
	return X509_set_version(x509, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(x509), -3600) &&
	       X509_gmtime_adj(X509_getm_notAfter(x509), DEFAULT_DAYS * 86400L) &&
	       X509_set_pubkey(x509, key) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"TIDEGATE DEFAULT CERT", -1, -1,
					  0) == 1 &&
	       X509_set_issuer_name(x509, name) == 1 &&
	       add_extension(x509, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x509, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(x509, NID_ext_key_usage, "serverAuth") &&
	       add_extension(x509, NID_subject_alt_name, san) &&
	       X509_sign(x509, key, EVP_sha256()) > 0;
}

struct tls_cert *tls_cert_generate(void)
{
	struct tls_cert *cert = cert_new();

	if (!cert)
		return NULL;
	cert->key = EVP_EC_gen("P-256");
	cert->leaf = X509_new();
	if (!cert->key || !cert->leaf || !fill_default(cert->leaf, cert->key) ||
	    collect_names(cert) < 0) {
		tls_cert_free(cert);
		ERR_clear_error();
		return NULL;
	}
	return cert;
}

struct tls_cert_facts tls_cert_facts(const struct tls_cert *cert, struct arena *arena)
{
	struct tls_cert_facts facts = {.sans = cert->joined};
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert->leaf), NULL);
	char *decimal = number ? BN_bn2dec(number) : NULL;
	char cn[256] = "";
	struct tm parts;

	X509_NAME_get_text_by_NID(X509_get_subject_name(cert->leaf), NID_commonName, cn,
				  sizeof(cn));
	facts.cn = arena_str(arena, str_of(cn));
	facts.serial = arena_str(arena, str_of(decimal ? decimal : ""));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert->leaf), &parts))
		facts.not_after_s = (double)timegm(&parts);
	OPENSSL_free(decimal);
	BN_free(number);
	return facts;
}
