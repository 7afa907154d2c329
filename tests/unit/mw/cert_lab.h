/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERT_LAB_H
#define CERT_LAB_H

/* cert_lab: a client's certificate with everything in it, and its issuer's. */

#include "mw_lab.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/codec.h"
#include "model/mw_conf_auth.h"
#include "mw/cert_info.h"

/* "DC=test/C=FR/..." */
LAB void cert_lab_name(X509_NAME *name, const char *text)
{
	struct str rest = str_of(text), value;

	while (str_next(&rest, '/', &value)) {
		struct str label;
		char field[16];

		str_next(&value, '=', &label);
		snprintf(field, sizeof(field), "%.*s", STR_ARG(label));
		assert_int_equal(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
							    (const unsigned char *)value.at,
							    (int)value.len, -1, 0),
				 1);
	}
}

LAB X509 *cert_lab_x509(const char *subject, const char *san)
{
	X509 *x509 = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIGNUM *serial = NULL;

	BN_dec2bn(&serial, "18446744073709551619");
	X509_set_version(x509, 2);
	BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509));
	BN_free(serial);
	ASN1_TIME_set(X509_getm_notBefore(x509), 1000000000);
	ASN1_TIME_set(X509_getm_notAfter(x509), 4000000000);
	cert_lab_name(X509_get_subject_name(x509), subject);
	cert_lab_name(X509_get_issuer_name(x509), "DC=test/C=SE/O=CA/CN=root");
	X509_set_pubkey(x509, key);
	if (san) {
		X509_EXTENSION *extension =
			X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);

		assert_non_null(extension);
		X509_add_ext(x509, extension, -1);
		X509_EXTENSION_free(extension);
	}
	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
	return x509;
}

/* n 1: ann's; 2: and the root's. */
LAB struct client_certs *cert_lab_certs(struct lab *lab, uint16_t n)
{
	struct client_certs *certs =
		arena_zero(&lab->arena, 1, sizeof(*certs) + n * sizeof(*certs->der));

	certs->n = n;
	for (uint16_t i = 0; i < n; i++) {
		X509 *x509 =
			i ? cert_lab_x509("DC=test/C=SE/O=CA/CN=root", NULL)
			  : cert_lab_x509("DC=test/DC=shop/C=FR/CN=first/C=DE/ST=Some-State/L=Lyon/"
					  "O=Shop/OU=a/OU=b/serialNumber=77/CN=ann",
					  "IP:10.0.0.1,URI:spiffe://shop/ann,DNS:a.test,"
					  "email:ann@shop.test,IP:2001:db8::1,DNS:b.test");
		unsigned char *der = NULL;
		int len = i2d_X509(x509, &der);

		certs->der[i] = arena_str(&lab->arena, str_n((char *)der, (size_t)len));
		OPENSSL_free(der);
		X509_free(x509);
	}
	return certs;
}

#endif
