// SPDX-License-Identifier: Apache-2.0
/* mime_sniff_test: bodies and the types they are taken for, as Go's DetectContentType does. */

#include "mw_lab.h"

#include "mw/mime_sniff.h"

static const struct {
	struct str begin;
	const char *type;
} rows[] = {
	{STR(""), "text/plain; charset=utf-8"},
	{STR("plain words"), "text/plain; charset=utf-8"},
	{STR("\x1b[0m"), "text/plain; charset=utf-8"},
	{STR("{\"a\":1}"), "text/plain; charset=utf-8"},
	{STR("a\x01"), "application/octet-stream"},
	{STR("\x01\x02\x03"), "application/octet-stream"},
	{STR("<html>"), "text/html; charset=utf-8"},
	{STR(" \n\t<!DocType HTML>"), "text/html; charset=utf-8"},
	{STR("<b x"), "text/html; charset=utf-8"},
	{STR("<html"), "text/plain; charset=utf-8"},
	{STR("<!-- x"), "text/html; charset=utf-8"},
	{STR("<!--x"), "text/plain; charset=utf-8"},
	{STR("<blob>"), "text/plain; charset=utf-8"},
	{STR("\n<?xml version"), "text/xml; charset=utf-8"},
	{STR("<?XML"), "text/plain; charset=utf-8"},
	{STR("%PDF-1.7"), "application/pdf"},
	{STR("%!PS-Adobe-3"), "application/postscript"},
	{STR("\xfe\xff\0a"), "text/plain; charset=utf-16be"},
	{STR("\xff\xfe"
	     "a\0"),
	 "text/plain; charset=utf-16le"},
	{STR("\xef\xbb\xbfx"), "text/plain; charset=utf-8"},
	{STR("\0\0\1\0"), "image/x-icon"},
	{STR("\0\0\2\0"), "image/x-icon"},
	{STR("BMx"), "image/bmp"},
	{STR("GIF87a.."), "image/gif"},
	{STR("GIF89a.."), "image/gif"},
	{STR("RIFF1234WEBPVP8"), "image/webp"},
	{STR("\x89PNG\r\n\x1a\n"), "image/png"},
	{STR("\xff\xd8\xff"), "image/jpeg"},
	{STR("FORM1234AIFFx"), "audio/aiff"},
	{STR("ID3x"), "audio/mpeg"},
	{STR("OggS\0x"), "application/ogg"},
	{STR("MThd\0\0\0\6\1"), "audio/midi"},
	{STR("RIFF1234AVI x"), "video/avi"},
	{STR("RIFF1234WAVEx"), "audio/wave"},
	{STR("\0\0\0\x18"
	     "ftypmp42\0\0\0\0mp42isom"),
	 "video/mp4"},
	{STR("\0\0\0\x18"
	     "ftypisom\0\0\0\0mp41isom"),
	 "video/mp4"},
	{STR("\0\0\0\x14"
	     "ftypisomMP4 isom"),
	 "application/octet-stream"},
	{STR("\0\0\0\x19"
	     "ftypmp42\0\0\0\0mp42isomx"),
	 "application/octet-stream"},
	{STR("\x1a\x45\xdf\xa3"), "video/webm"},
	{STR("\0\1\0\0x"), "font/ttf"},
	{STR("OTTOx"), "font/otf"},
	{STR("ttcfx"), "font/collection"},
	{STR("wOFFx"), "font/woff"},
	{STR("wOF2x"), "font/woff2"},
	{STR("\x1f\x8b\x08x"), "application/x-gzip"},
	{STR("PK\3\4x"), "application/zip"},
	{STR("Rar!\x1a\7\0x"), "application/x-rar-compressed"},
	{STR("Rar!\x1a\7\1\0x"), "application/x-rar-compressed"},
	{STR("\0asm"), "application/wasm"},
	{STR("1234567890123456789012345678901234LP"), "application/vnd.ms-fontobject"},
};

static void bodies_are_taken_for_what_they_begin_with(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		print_message("  %s\n", rows[i].type);
		lab_assert_str(mime_sniff(rows[i].begin), rows[i].type);
	}
}

static void what_lies_beyond_the_first_512_bytes_does_not_count(void **state)
{
	char text[MIME_SNIFF_BYTES + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[MIME_SNIFF_BYTES] = 0;
	lab_assert_str(mime_sniff(str_n(text, sizeof(text))), "text/plain; charset=utf-8");
	text[MIME_SNIFF_BYTES - 1] = 0;
	lab_assert_str(mime_sniff(str_n(text, sizeof(text))), "application/octet-stream");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_taken_for_what_they_begin_with),
		cmocka_unit_test(what_lies_beyond_the_first_512_bytes_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
