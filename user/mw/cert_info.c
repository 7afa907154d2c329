// SPDX-License-Identifier: Apache-2.0
/* cert_info: see the header. */

#include "mw/cert_info.h"

#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include "base/addr.h"
#include "base/codec.h"

struct str cert_info_pem(const struct client_certs *certs, struct arena *arena)
{
	struct str text = {"", 0};

	for (uint16_t i = 0; i < certs->n; i++) {
		if (i)
			text = arena_join(arena, text, STR(","));
		text = arena_join(arena, text, codec_base64_encode(certs->der[i], arena));
	}
	return text;
}

/* A text being put together from parts with a separator between them. */
struct parts {
	struct arena *arena;
	struct str text, separator;
	size_t n;
};

static void add(struct parts *parts, struct str part)
{
	if (parts->n++)
		parts->text = arena_join(parts->arena, parts->text, parts->separator);
	parts->text = arena_join(parts->arena, parts->text, part);
}

/* NAME=value, of one value; empty ones are left out. */
static void add_value(struct parts *parts, const char *name, const ASN1_STRING *value)
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, value);

	if (len > 0)
		add(parts, arena_printf(parts->arena, "%s=" STR_FMT, name,
					STR_ARG(arena_str(parts->arena,
							  str_n((char *)utf8, (size_t)len)))));
	OPENSSL_free(utf8);
}

/* All values of an attribute, or the last one, in the order of the name. */
static void add_attribute(struct parts *parts, const X509_NAME *name, int nid, const char *label,
			  bool last_only)
{
	const ASN1_STRING *last = NULL;

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

		if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != nid)
			continue;
		last = X509_NAME_ENTRY_get_data(entry);
		if (!last_only)
			add_value(parts, label, last);
	}
	if (last_only && last)
		add_value(parts, label, last);
}

static struct str name_text(const X509_NAME *name, const struct tls_cert_name_info *wanted,
			    struct arena *arena)
{
	const struct {
		bool wanted;
		int nid;
		const char *label;
		bool last_only;
	} attributes[] = {
		{wanted->domain_component, NID_domainComponent, "DC", false},
		{wanted->country, NID_countryName, "C", false},
		{wanted->province, NID_stateOrProvinceName, "ST", false},
		{wanted->locality, NID_localityName, "L", false},
		{wanted->organization, NID_organizationName, "O", false},
		{wanted->organizational_unit, NID_organizationalUnitName, "OU", false},
		{wanted->serial_number, NID_serialNumber, "SN", true},
		{wanted->common_name, NID_commonName, "CN", true},
	};
	struct parts parts = {.arena = arena, .separator = STR(",")};

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (attributes[i].wanted)
			add_attribute(&parts, name, attributes[i].nid, attributes[i].label,
				      attributes[i].last_only);
	return parts.text;
}

static void add_quoted(struct parts *parts, const char *label, struct str value)
{
	if (value.len)
		add(parts, arena_printf(parts->arena, "%s=\"" STR_FMT "\"", label, STR_ARG(value)));
}

static struct str serial_text(X509 *x509, struct arena *arena)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
	char *text = number ? BN_bn2dec(number) : NULL;
	struct str copy = text ? arena_str(arena, str_of(text)) : (struct str){0};

	OPENSSL_free(text);
	BN_free(number);
	return copy;
}

/* Seconds since the epoch. */
static struct str time_text(const ASN1_TIME *time, struct arena *arena)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return (struct str){0};
	return arena_printf(arena, "%llu", (unsigned long long)timegm(&tm));
}

static struct str ip_text(const ASN1_OCTET_STRING *ip, struct arena *arena)
{
	char text[ADDR_TEXT_MAX];
	const void *bytes = ASN1_STRING_get0_data(ip);
	struct in6_addr v6;
	struct in_addr v4;
	struct addr addr;

	if (ASN1_STRING_length(ip) == sizeof(v4)) {
		memcpy(&v4, bytes, sizeof(v4));
		addr = addr_from_in4(v4);
	} else {
		memcpy(&v6, bytes, sizeof(v6));
		addr = addr_from_in6(&v6);
	}
	return arena_str(arena, str_n(text, addr_print(&addr, text)));
}

static struct str san_text(X509 *x509, struct arena *arena)
{
	static const int order[] = {GEN_DNS, GEN_EMAIL, GEN_IPADD, GEN_URI};
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	struct parts parts = {.arena = arena, .separator = STR(",")};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		for (int j = 0; j < sk_GENERAL_NAME_num(names); j++) {
			const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, j);
			int type;
			const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
			int len = type == order[i] ? ASN1_STRING_length(value) : 0;

			if (type != order[i])
				continue;
			if (type != GEN_IPADD)
				add(&parts,
				    arena_str(arena,
					      str_n((const char *)ASN1_STRING_get0_data(value),
						    (size_t)len)));
			else if (len == 4 || len == 16)
				add(&parts, ip_text(value, arena));
		}
	GENERAL_NAMES_free(names);
	return parts.text;
}

static struct str one_text(X509 *x509, const struct tls_cert_info *wanted, struct arena *arena)
{
	struct parts parts = {.arena = arena, .separator = STR(";")};

	if (wanted->subject)
		add_quoted(&parts, "Subject",
			   name_text(X509_get_subject_name(x509), wanted->subject, arena));
	if (wanted->issuer)
		add_quoted(&parts, "Issuer",
			   name_text(X509_get_issuer_name(x509), wanted->issuer, arena));
	if (wanted->serial_number)
		add_quoted(&parts, "SerialNumber", serial_text(x509, arena));
	if (wanted->not_before)
		add_quoted(&parts, "NB", time_text(X509_get0_notBefore(x509), arena));
	if (wanted->not_after)
		add_quoted(&parts, "NA", time_text(X509_get0_notAfter(x509), arena));
	if (wanted->sans)
		add_quoted(&parts, "SAN", san_text(x509, arena));
	return parts.text;
}

struct str cert_info_text(const struct client_certs *certs, const struct tls_cert_info *wanted,
			  struct arena *arena)
{
	struct parts parts = {.arena = arena, .text = {"", 0}, .separator = STR(",")};

	for (uint16_t i = 0; i < certs->n; i++) {
		const unsigned char *at = (const unsigned char *)certs->der[i].at;
		X509 *x509 = d2i_X509(NULL, &at, (long)certs->der[i].len);

		add(&parts, x509 ? one_text(x509, wanted, arena) : (struct str){0});
		X509_free(x509);
	}
	return parts.text;
}
