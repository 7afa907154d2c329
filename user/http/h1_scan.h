/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_SCAN_H
#define H1_SCAN_H

/*
 * h1_scan: finding the end of names, values and targets, sixteen bytes at a time where SSE2 is
 * there. No load ever goes beyond end: input may end at an unmapped page.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum h1_scan_bits {
	H1_SCAN_TOKEN = 1 << 0,	 /* tchar, RFC 9110 5.6.2 */
	H1_SCAN_TARGET = 1 << 1, /* anything but blanks and control characters */
	H1_SCAN_VALUE = 1 << 2,	 /* field-vchar, SP, HTAB: RFC 9110 5.5 */
	H1_SCAN_HOST = 1 << 3,	 /* reg-name without escapes and comma, RFC 3986 3.2.2 */
};

extern const uint8_t h1_scan_class[256];

static inline bool h1_scan_is(char c, enum h1_scan_bits bits)
{
	return (h1_scan_class[(unsigned char)c] & bits) != 0;
}

/* The first byte from at on that is not of that class, or end. */
static inline const char *h1_scan_while(const char *at, const char *end, enum h1_scan_bits bits)
{
	while (at < end && h1_scan_is(*at, bits))
		at++;
	return at;
}

static inline const char *h1_scan_value(const char *at, const char *end)
{
#ifdef __SSE2__
	const __m128i controls = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t');
	const __m128i del = _mm_set1_epi8(0x7f);

	for (; end - at >= 16; at += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, controls), v);
		__m128i stop = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(v, tab), low),
					    _mm_cmpeq_epi8(v, del));
		int mask = _mm_movemask_epi8(stop);

		if (mask)
			return at + __builtin_ctz((unsigned int)mask);
	}
#endif
	return h1_scan_while(at, end, H1_SCAN_VALUE);
}

/* Stops also at '?' and '#'. */
static inline const char *h1_scan_target(const char *at, const char *end)
{
#ifdef __SSE2__
	const __m128i blanks = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7f);
	const __m128i question = _mm_set1_epi8('?'), hash = _mm_set1_epi8('#');

	for (; end - at >= 16; at += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i stop = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, blanks), v),
					    _mm_cmpeq_epi8(v, del));
		int mask = _mm_movemask_epi8(_mm_or_si128(
			stop, _mm_or_si128(_mm_cmpeq_epi8(v, question), _mm_cmpeq_epi8(v, hash))));

		if (mask)
			return at + __builtin_ctz((unsigned int)mask);
	}
#endif
	while (at < end && h1_scan_is(*at, H1_SCAN_TARGET) && *at != '?' && *at != '#')
		at++;
	return at;
}

/* A field name of letters and '-' is nearly every name; anything else goes byte by byte. */
static inline const char *h1_scan_name(const char *at, const char *end)
{
#ifdef __SSE2__
	if (end - at >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
		__m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
					       _mm_cmpgt_epi8(_mm_set1_epi8('z' + 1), lower));
		int good = _mm_movemask_epi8(
			_mm_or_si128(letter, _mm_cmpeq_epi8(v, _mm_set1_epi8('-'))));

		if (good != 0xffff)
			return h1_scan_while(at + __builtin_ctz(~(unsigned int)good), end,
					     H1_SCAN_TOKEN);
		at += 16;
	}
#endif
	return h1_scan_while(at, end, H1_SCAN_TOKEN);
}

#endif
