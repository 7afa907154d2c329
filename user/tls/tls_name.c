// SPDX-License-Identifier: Apache-2.0
/*
 * tls_name: server names as the ClientHello and certificates hold them, in one canonical form.
 */

#include "tls/tls_name.h"

bool tls_name_canonical(struct str name, char out[TLS_NAME_MAX], struct str *ret_name)
{
	if (str_ends(name, STR(".")))
		name.len--;
	if (name.len == 0 || name.len > TLS_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] <= ' ' || name.at[i] >= 0x7f)
			return false;
		out[i] = ascii_lower(name.at[i]);
	}
	*ret_name = str_n(out, name.len);
	return true;
}

bool tls_name_wildcard(struct str name, char out[TLS_NAME_MAX + 1], struct str *ret_name)
{
	ptrdiff_t dot = str_find(name, '.');

	if (dot <= 0 || name.len - (size_t)dot > TLS_NAME_MAX)
		return false;
	out[0] = '*';
	memcpy(out + 1, name.at + dot, name.len - (size_t)dot);
	*ret_name = str_n(out, name.len - (size_t)dot + 1);
	return true;
}

static size_t read_u16(const char *at)
{
	return (size_t)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

bool tls_name_of_extension(struct str body, struct str *ret_name)
{
	/* A list of one entry: nobody has ever defined a second type (RFC 6066 3). */
	if (body.len < 5 || read_u16(body.at) != body.len - 2 || body.at[2] != 0 ||
	    read_u16(body.at + 3) != body.len - 5)
		return false;
	*ret_name = str_from(body, 5);
	return ret_name->len > 0;
}
