// SPDX-License-Identifier: Apache-2.0
/* tls_offer: see the header. Every length is checked against what is left around it. */

#include "tls/tls_offer.h"

enum {
	RECORD_HEAD = 5,
	MESSAGE_HEAD = 4,
	VERSION_AND_RANDOM = 2 + 32,
	SESSION_ID_MAX = 32,
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ALPN = 16,
};

/* The first n bytes of text, which becomes the rest; false when there are not so many. */
static bool cut(struct str *text, size_t n, struct str *ret_part)
{
	if (n > text->len)
		return false;
	*ret_part = str_n(text->at, n);
	*text = str_from(*text, n);
	return true;
}

/* A vector with a length of `bytes` bytes in front (RFC 8446 3.4). */
static bool cut_vector(struct str *text, size_t bytes, struct str *ret_part)
{
	struct str length;
	size_t n = 0;

	if (!cut(text, bytes, &length))
		return false;
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | (unsigned char)length.at[i];
	return cut(text, n, ret_part);
}

/* The message without record heads; as one piece of the wire if it is one. */
static struct str message_of(struct str wire, char *room)
{
	struct str piece, whole = {room, 0};
	size_t need = MESSAGE_HEAD;

	while (cut(&wire, RECORD_HEAD, &piece)) {
		const unsigned char *head = (const unsigned char *)piece.at;
		struct str payload = str_take(wire, (size_t)head[3] << 8 | head[4]);

		wire = str_from(wire, payload.len);
		if (whole.len == 0 && payload.len >= MESSAGE_HEAD) {
			const unsigned char *at = (const unsigned char *)payload.at;

			need += (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
			if (payload.len >= need)
				return str_n(payload.at, need);
		}
		payload = str_take(payload, TLS_OFFER_ROOM - whole.len);
		if (payload.len)
			memcpy(room + whole.len, payload.at, payload.len);
		whole.len += payload.len;
	}
	return whole;
}

static bool read_alpn(struct str body, struct tls_offer *offer)
{
	struct str list, name;

	if (!cut_vector(&body, 2, &list) || body.len || !list.len)
		return false;
	while (list.len) {
		if (!cut_vector(&list, 1, &name) || !name.len ||
		    offer->n_alpn == TLS_OFFER_ALPN_MAX)
			return false;
		offer->alpn[offer->n_alpn++] = name;
	}
	return true;
}

static bool read_extensions(struct str list, struct tls_offer *offer)
{
	bool has_name = false, has_alpn = false;

	while (list.len) {
		struct str type, body, name;

		if (!cut(&list, 2, &type) || !cut_vector(&list, 2, &body))
			return false;
		if (type.at[0] != 0)
			continue;
		/* RFC 8446 4.2: not twice. */
		if (type.at[1] == EXTENSION_SERVER_NAME) {
			if (has_name || !tls_name_of_extension(body, &name) ||
			    !tls_name_canonical(name, offer->name, &offer->sni))
				return false;
			has_name = true;
		} else if (type.at[1] == EXTENSION_ALPN) {
			if (has_alpn || !read_alpn(body, offer))
				return false;
			has_alpn = true;
		}
	}
	return true;
}

static bool read_hello(struct str hello, struct tls_offer *offer)
{
	struct str part, session, ciphers, compressions, extensions;

	if (!cut(&hello, VERSION_AND_RANDOM, &part) || part.at[0] != 3 ||
	    !cut_vector(&hello, 1, &session) || session.len > SESSION_ID_MAX ||
	    !cut_vector(&hello, 2, &ciphers) || ciphers.len < 2 || ciphers.len % 2 ||
	    !cut_vector(&hello, 1, &compressions) || !compressions.len)
		return false;
	if (!hello.len)
		return true;
	return cut_vector(&hello, 2, &extensions) && !hello.len &&
	       read_extensions(extensions, offer);
}

enum tls_hello_state tls_offer_read(struct str wire, char room[TLS_OFFER_ROOM],
				    struct tls_offer *ret_offer)
{
	enum tls_hello_state state = tls_hello_look(wire);
	struct str message, hello;

	ret_offer->sni = (struct str){0};
	ret_offer->n_alpn = 0;
	if (state != TLS_HELLO_READY)
		return state;
	message = message_of(wire, room);
	message = str_from(message, 1);
	/* What follows the hello in its record is no business of a server's before it has answered.
	 */
	if (!cut_vector(&message, 3, &hello) || !read_hello(hello, ret_offer))
		return TLS_HELLO_BAD;
	return TLS_HELLO_READY;
}
