// SPDX-License-Identifier: Apache-2.0
/* h1_scan: the character classes, as data. */

#include "http/h1_scan.h"

enum {
	T = H1_SCAN_TARGET | H1_SCAN_VALUE,
	N = T | H1_SCAN_TOKEN,
	H = T | H1_SCAN_HOST,
	A = N | H1_SCAN_HOST,
};

const uint8_t h1_scan_class[256] = {
	['\t'] = H1_SCAN_VALUE,
	[' '] = H1_SCAN_VALUE,
	['!'] = A,
	['"'] = T,
	['#'] = N,
	['$'] = A,
	['%'] = N,
	['&'] = A,
	['\''] = A,
	['('] = H,
	[')'] = H,
	['*'] = A,
	['+'] = A,
	[','] = T,
	['-'] = A,
	['.'] = A,
	['/'] = T,
	['0' ... '9'] = A,
	[':'] = T,
	[';'] = H,
	['<'] = T,
	['='] = H,
	['>'] = T,
	['?'] = T,
	['@'] = T,
	['A' ... 'Z'] = A,
	['['] = T,
	['\\'] = T,
	[']'] = T,
	['^'] = N,
	['_'] = A,
	['`'] = N,
	['a' ... 'z'] = A,
	['{'] = T,
	['|'] = N,
	['}'] = T,
	['~'] = A,
	[0x80 ... 0xff] = T,
};
