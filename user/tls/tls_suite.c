// SPDX-License-Identifier: Apache-2.0
/*
 * tls_suite: the names of cipher suites, curves and versions in a TLSOption (reference/traefik.md
 * g.2).
 */

#include "tls/tls_suite.h"

#include <openssl/obj_mac.h>

static const struct tls_suite suites[] = {
	{"TLS_RSA_WITH_RC4_128_SHA", NULL, false},
	{"TLS_RSA_WITH_3DES_EDE_CBC_SHA", NULL, false},
	{"TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA", false},
	{"TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA", false},
	{"TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256", false},
	{"TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256", false},
	{"TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384", false},
	{"TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", NULL, false},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA", false},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA", false},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256", false},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", false},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", false},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305", false},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", false},
	{"TLS_ECDHE_RSA_WITH_RC4_128_SHA", NULL, false},
	{"TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", NULL, false},
	{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA", false},
	{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA", false},
	{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256", false},
	{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", false},
	{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", false},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305", false},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", false},
	{"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", true},
	{"TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", true},
	{"TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", true},
	{"TLS_FALLBACK_SCSV", NULL, false},
};

static const struct tls_curve curves[] = {
	{"CurveP256", "secp256r1", NID_X9_62_prime256v1},
	{"CurveP384", "secp384r1", NID_secp384r1},
	{"CurveP521", "secp521r1", NID_secp521r1},
	{"X25519", "x25519", NID_X25519},
	{"X25519MLKEM768", "x25519mlkem768", 0},
	{"SecP256r1MLKEM768", "secp256r1mlkem768", 0},
	{"SecP384r1MLKEM1024", "secp384r1mlkem1024", 0},
};

static const struct {
	const char *name;
	uint16_t version;
} versions[] = {
	{"VersionTLS10", 0x0301},
	{"VersionTLS11", 0x0302},
	{"VersionTLS12", 0x0303},
	{"VersionTLS13", 0x0304},
};

enum {
	N_SUITES = sizeof(suites) / sizeof(*suites),
	N_CURVES = sizeof(curves) / sizeof(*curves),
	N_VERSIONS = sizeof(versions) / sizeof(*versions),
};

const struct tls_suite *tls_suite_find(struct str name)
{
	for (size_t i = 0; i < N_SUITES; i++)
		if (str_eq(name, str_of(suites[i].name)))
			return &suites[i];
	return NULL;
}

const struct tls_curve *tls_suite_curve(struct str name)
{
	for (size_t i = 0; i < N_CURVES; i++)
		if (str_eq_nocase(name, str_of(curves[i].name)) ||
		    str_eq_nocase(name, str_of(curves[i].alias)))
			return &curves[i];
	return NULL;
}

uint16_t tls_suite_version(struct str name)
{
	for (size_t i = 0; i < N_VERSIONS; i++)
		if (str_eq(name, str_of(versions[i].name)))
			return versions[i].version;
	return 0;
}

const char *tls_suite_default_list(void)
{
	return "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
	       "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
	       "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
	       "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
	       "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA";
}

const char *tls_suite_tls13_list(void)
{
	return "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
}

struct str tls_suite_nearest(struct str name)
{
	struct str names[N_SUITES + N_CURVES + N_VERSIONS];
	size_t n = 0;

	for (size_t i = 0; i < N_SUITES; i++)
		names[n++] = str_of(suites[i].name);
	for (size_t i = 0; i < N_CURVES; i++)
		names[n++] = str_of(curves[i].name);
	for (size_t i = 0; i < N_VERSIONS; i++)
		names[n++] = str_of(versions[i].name);
	return str_nearest(name, names, n);
}
