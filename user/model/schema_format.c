// SPDX-License-Identifier: Apache-2.0
/*
 * schema_format: the formats of strings.
 *
 * A check refuses what could not work or could do harm later (a header value with a line break), no
 * more: what Traefik takes is taken.
 */
#include "model/schema_format.h"

#include "base/addr.h"
#include "base/num.h"
#include "base/regex.h"
#include "model/object_time.h"
#include "model/static_entry_point.h"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool schema_format_is_label(struct str text)
{
	if (text.len == 0 || text.len > 63)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool inner = i > 0 && i + 1 < text.len;

		if (!is_lower_alnum(text.at[i]) && !(inner && text.at[i] == '-'))
			return false;
	}
	return true;
}

bool schema_format_is_subdomain(struct str text)
{
	struct str rest = text, label;

	if (text.len == 0 || text.len > 253)
		return false;
	while (str_next(&rest, '.', &label)) {
		/* A label of a subdomain may be as long as the name (Kubernetes
		 * IsDNS1123Subdomain). */
		if (label.len == 0)
			return false;
		for (size_t i = 0; i < label.len; i++) {
			bool inner = i > 0 && i + 1 < label.len;

			if (!is_lower_alnum(label.at[i]) && !(inner && label.at[i] == '-'))
				return false;
		}
	}
	return true;
}

bool schema_format_is_token(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_alnum(text.at[i]) &&
		    (!text.at[i] || !strchr("!#$%&'*+-.^_`|~", text.at[i])))
			return false;
	return text.len > 0;
}

bool schema_format_is_header_value(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_cidr(struct str text)
{
	struct cidr cidr;

	return cidr_parse(str_trim(text), &cidr) == 0;
}

static bool is_ip(struct str text)
{
	struct addr addr;

	return addr_parse(text, &addr) == 0;
}

static bool is_regex(struct str text)
{
	char message[8];
	struct regex *regex = regex_new(text, message, sizeof(message));

	regex_free(regex);
	return regex != NULL;
}

static bool is_path(struct str text)
{
	return text.at[0] == '/' && schema_format_is_header_value(text);
}

static bool is_url(struct str text)
{
	ptrdiff_t colon = str_search(text, STR("://"));

	return colon > 0 && (size_t)colon + 3 < text.len && schema_format_is_header_value(text);
}

static bool is_duration(struct str text)
{
	int64_t ns;

	return num_duration_ns(text, true, &ns) == 0;
}

static bool is_address(struct str text)
{
	struct listen_address address;

	return listen_address_parse(text, &address) == 0;
}

static bool is_status(struct str text)
{
	struct str rest = text, piece;

	while (str_next(&rest, ',', &piece)) {
		uint16_t low = 0, high = 0;
		ptrdiff_t dash = str_find(piece, '-');

		if (num_uint16(dash < 0 ? piece : str_take(piece, (size_t)dash), &low))
			return false;
		high = low;
		if (dash >= 0 && num_uint16(str_from(piece, (size_t)dash + 1), &high))
			return false;
		if (low < 100 || high > 599 || low > high)
			return false;
	}
	return true;
}

/* A reference may name another provider: "auth@file"; Secret and Service names are subdomains. */
static bool is_reference(struct str text)
{
	ptrdiff_t at = str_find(text, '@');

	if (at < 0)
		return schema_format_is_subdomain(text);
	return at > 0 && (size_t)at + 1 < text.len && schema_format_is_header_value(text);
}

static bool is_cookie_domain(struct str text)
{
	return schema_format_is_header_value(text) && str_find(text, ';') < 0;
}

/* Of a condition (meta/v1). */
static bool is_reason(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool is_inner = i > 0 && i + 1 < text.len;

		if (!is_alnum(c) && !(i > 0 && c == '_') && !(is_inner && (c == ',' || c == ':')))
			return false;
	}
	return !text.len || text.at[0] < '0' || text.at[0] > '9';
}

static bool is_date_time(struct str text)
{
	int64_t ns;

	return !text.len || object_time_parse(text, &ns) == 0;
}

#define REASON_PATTERN "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
#define STATUS_PATTERN "^([1-5][0-9]{2}[,-]?)+$"

static const struct schema_format formats[] = {
	{"cidr", "an IP address or a CIDR such as 10.0.0.0/8", NULL, is_cidr},
	{"ip", "an IP address", NULL, is_ip},
	{"regex", "a regular expression (RE2)", NULL, is_regex},
	{"path", "a path that begins with /", "^/", is_path},
	{"url", "a URL such as http://host/path", NULL, is_url},
	{"duration", "a duration such as 10s or 1m30s", NULL, is_duration},
	{"address", "an address such as :8080 or 10.0.0.1:8080/udp", NULL, is_address},
	{"status", "status codes such as 404 or 500-599", STATUS_PATTERN, is_status},
	{"name", "a name of lower-case letters, digits, '-' and '.'", NULL,
	 schema_format_is_subdomain},
	{"namespace", "a namespace of lower-case letters, digits and '-'", NULL,
	 schema_format_is_label},
	{"reference", "the name of an object, or name@provider", NULL, is_reference},
	{"token", "a header name", NULL, schema_format_is_token},
	{"value", "a header value without control characters", NULL, schema_format_is_header_value},
	{"reason", "a word in CamelCase", REASON_PATTERN, is_reason},
	{"date-time", "a time such as 2026-11-22T19:06:29Z", NULL, is_date_time},
	{"cookie", "a cookie attribute without ; and control characters", NULL, is_cookie_domain},
};

const struct schema_format *schema_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}
