// SPDX-License-Identifier: Apache-2.0
/* header_id: known header names by length, then by their letters, eight at a time. */

#include <string.h>

#include "http/header.h"

enum { NAME_MAX_BYTES = 32, SAME_LENGTH_MAX = 6 };

#define NAME(text)                       \
	{                                \
		(text), sizeof(text) - 1 \
	}

static const struct str names[HEADER__COUNT] = {
	[HEADER_ACCEPT_ENCODING] = NAME("Accept-Encoding"),
	[HEADER_AUTHORIZATION] = NAME("Authorization"),
	[HEADER_CONNECTION] = NAME("Connection"),
	[HEADER_CONTENT_ENCODING] = NAME("Content-Encoding"),
	[HEADER_CONTENT_LENGTH] = NAME("Content-Length"),
	[HEADER_CONTENT_TYPE] = NAME("Content-Type"),
	[HEADER_COOKIE] = NAME("Cookie"),
	[HEADER_DATE] = NAME("Date"),
	[HEADER_EXPECT] = NAME("Expect"),
	[HEADER_FORWARDED] = NAME("Forwarded"),
	[HEADER_HOST] = NAME("Host"),
	[HEADER_KEEP_ALIVE] = NAME("Keep-Alive"),
	[HEADER_LOCATION] = NAME("Location"),
	[HEADER_ORIGIN] = NAME("Origin"),
	[HEADER_PROXY_AUTHENTICATE] = NAME("Proxy-Authenticate"),
	[HEADER_PROXY_AUTHORIZATION] = NAME("Proxy-Authorization"),
	[HEADER_PROXY_CONNECTION] = NAME("Proxy-Connection"),
	[HEADER_SERVER] = NAME("Server"),
	[HEADER_SET_COOKIE] = NAME("Set-Cookie"),
	[HEADER_TE] = NAME("Te"),
	[HEADER_TRAILER] = NAME("Trailer"),
	[HEADER_TRANSFER_ENCODING] = NAME("Transfer-Encoding"),
	[HEADER_UPGRADE] = NAME("Upgrade"),
	[HEADER_USER_AGENT] = NAME("User-Agent"),
	[HEADER_REFERER] = NAME("Referer"),
	[HEADER_VARY] = NAME("Vary"),
	[HEADER_WWW_AUTHENTICATE] = NAME("Www-Authenticate"),
	[HEADER_ACCEPT] = NAME("Accept"),
	[HEADER_ACCESS_CONTROL_REQUEST_METHOD] = NAME("Access-Control-Request-Method"),
	[HEADER_ACCESS_CONTROL_REQUEST_HEADERS] = NAME("Access-Control-Request-Headers"),
	[HEADER_X_FORWARDED_FOR] = NAME("X-Forwarded-For"),
	[HEADER_X_FORWARDED_HOST] = NAME("X-Forwarded-Host"),
	[HEADER_X_FORWARDED_METHOD] = NAME("X-Forwarded-Method"),
	[HEADER_X_FORWARDED_PORT] = NAME("X-Forwarded-Port"),
	[HEADER_X_FORWARDED_PREFIX] = NAME("X-Forwarded-Prefix"),
	[HEADER_X_FORWARDED_PROTO] = NAME("X-Forwarded-Proto"),
	[HEADER_X_FORWARDED_SCHEME] = NAME("X-Forwarded-Scheme"),
	[HEADER_X_FORWARDED_SERVER] = NAME("X-Forwarded-Server"),
	[HEADER_X_FORWARDED_URI] = NAME("X-Forwarded-Uri"),
	[HEADER_X_FORWARDED_TLS_CLIENT_CERT] = NAME("X-Forwarded-Tls-Client-Cert"),
	[HEADER_X_FORWARDED_TLS_CLIENT_CERT_INFO] = NAME("X-Forwarded-Tls-Client-Cert-Info"),
	[HEADER_X_SCHEME] = NAME("X-Scheme"),
	[HEADER_X_REAL_IP] = NAME("X-Real-Ip"),
};

/* Which ids have a name of that length; a test holds this against the names above. */
static const uint8_t by_length[NAME_MAX_BYTES + 1][SAME_LENGTH_MAX] = {
	[2] = {HEADER_TE},
	[4] = {HEADER_HOST, HEADER_DATE, HEADER_VARY},
	[6] = {HEADER_ACCEPT, HEADER_COOKIE, HEADER_ORIGIN, HEADER_SERVER, HEADER_EXPECT},
	[7] = {HEADER_REFERER, HEADER_UPGRADE, HEADER_TRAILER},
	[8] = {HEADER_LOCATION, HEADER_X_SCHEME},
	[9] = {HEADER_X_REAL_IP, HEADER_FORWARDED},
	[10] = {HEADER_USER_AGENT, HEADER_CONNECTION, HEADER_SET_COOKIE, HEADER_KEEP_ALIVE},
	[12] = {HEADER_CONTENT_TYPE},
	[13] = {HEADER_AUTHORIZATION},
	[14] = {HEADER_CONTENT_LENGTH},
	[15] = {HEADER_ACCEPT_ENCODING, HEADER_X_FORWARDED_FOR, HEADER_X_FORWARDED_URI},
	[16] = {HEADER_X_FORWARDED_HOST, HEADER_X_FORWARDED_PORT, HEADER_CONTENT_ENCODING,
		HEADER_PROXY_CONNECTION, HEADER_WWW_AUTHENTICATE},
	[17] = {HEADER_TRANSFER_ENCODING, HEADER_X_FORWARDED_PROTO},
	[18] = {HEADER_X_FORWARDED_PREFIX, HEADER_X_FORWARDED_SCHEME, HEADER_X_FORWARDED_SERVER,
		HEADER_X_FORWARDED_METHOD, HEADER_PROXY_AUTHENTICATE},
	[19] = {HEADER_PROXY_AUTHORIZATION},
	[27] = {HEADER_X_FORWARDED_TLS_CLIENT_CERT},
	[29] = {HEADER_ACCESS_CONTROL_REQUEST_METHOD},
	[30] = {HEADER_ACCESS_CONTROL_REQUEST_HEADERS},
	[32] = {HEADER_X_FORWARDED_TLS_CLIENT_CERT_INFO},
};

/*
 * Whether two words differ in nothing but the case bit of letters. known holds letters and '-'
 * only, and letters are what has bit 6 set, whose neighbour below is the case bit.
 */
static inline bool same_word(uint64_t word, uint64_t known)
{
	return ((word ^ known) & ~((known & 0x4040404040404040ULL) >> 1)) == 0;
}

static inline uint64_t load(const char *at, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, at, n);
	return word;
}

/* Overlapping loads stay inside both names. */
static bool same_name(const char *a, const char *known, size_t n)
{
	if (n >= 8) {
		if (!same_word(load(a + n - 8, 8), load(known + n - 8, 8)))
			return false;
		for (size_t i = 0; i + 8 < n; i += 8) {
			if (!same_word(load(a + i, 8), load(known + i, 8)))
				return false;
		}
		return true;
	}
	if (n >= 4)
		return same_word(load(a, 4), load(known, 4)) &&
		       same_word(load(a + n - 4, 4), load(known + n - 4, 4));
	return n == 2 && same_word(load(a, 2), load(known, 2));
}

enum header_id header_id_of(struct str name)
{
	if (name.len > NAME_MAX_BYTES)
		return HEADER_OTHER;
	for (const uint8_t *id = by_length[name.len];
	     id < by_length[name.len] + SAME_LENGTH_MAX && *id; id++) {
		if (same_name(name.at, names[*id].at, name.len))
			return (enum header_id) * id;
	}
	return HEADER_OTHER;
}

struct str header_name_of(enum header_id id)
{
	return (unsigned int)id < HEADER__COUNT ? names[id] : (struct str){0};
}
