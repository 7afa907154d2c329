// SPDX-License-Identifier: Apache-2.0
/* mime_sniff: the first row that matches decides; what is left is text when it holds no byte that
 * text cannot hold. */

#include "mw/mime_sniff.h"

#define TEXT(literal) STR(literal)
#define UTF8	      "; charset=utf-8"

static const struct str html_tags[] = {
	TEXT("<!DOCTYPE HTML"),
	TEXT("<HTML"),
	TEXT("<HEAD"),
	TEXT("<SCRIPT"),
	TEXT("<IFRAME"),
	TEXT("<H1"),
	TEXT("<DIV"),
	TEXT("<FONT"),
	TEXT("<TABLE"),
	TEXT("<A"),
	TEXT("<STYLE"),
	TEXT("<TITLE"),
	TEXT("<B"),
	TEXT("<BODY"),
	TEXT("<BR"),
	TEXT("<P"),
	TEXT("<!--"),
};

/* A signature; '?' in mask's place of a byte: any byte. mask NULL: every byte counts. */
struct signature {
	struct str bytes;
	const char *mask;
	const char *type;
};

#define ANY4  "????"
#define ANY34 "??????????????????????????????????"
#define NUL34                                                    \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
	"\0\0\0\0\0\0\0"

static const struct signature before_mp4[] = {
	{TEXT("%PDF-"), NULL, "application/pdf"},
	{TEXT("%!PS-Adobe-"), NULL, "application/postscript"},
	{TEXT("\xFE\xFF\0\0"), "xx??", "text/plain; charset=utf-16be"},
	{TEXT("\xFF\xFE\0\0"), "xx??", "text/plain; charset=utf-16le"},
	{TEXT("\xEF\xBB\xBF\0"), "xxx?", "text/plain; charset=utf-8"},
	{TEXT("\0\0\1\0"), NULL, "image/x-icon"},
	{TEXT("\0\0\2\0"), NULL, "image/x-icon"},
	{TEXT("BM"), NULL, "image/bmp"},
	{TEXT("GIF87a"), NULL, "image/gif"},
	{TEXT("GIF89a"), NULL, "image/gif"},
	{TEXT("RIFF\0\0\0\0WEBPVP"), "xxxx" ANY4 "xxxxxx", "image/webp"},
	{TEXT("\x89PNG\r\n\x1A\n"), NULL, "image/png"},
	{TEXT("\xFF\xD8\xFF"), NULL, "image/jpeg"},
	{TEXT("FORM\0\0\0\0AIFF"), "xxxx" ANY4 "xxxx", "audio/aiff"},
	{TEXT("ID3"), NULL, "audio/mpeg"},
	{TEXT("OggS\0"), NULL, "application/ogg"},
	{TEXT("MThd\0\0\0\6"), NULL, "audio/midi"},
	{TEXT("RIFF\0\0\0\0AVI "), "xxxx" ANY4 "xxxx", "video/avi"},
	{TEXT("RIFF\0\0\0\0WAVE"), "xxxx" ANY4 "xxxx", "audio/wave"},
};

static const struct signature behind_mp4[] = {
	{TEXT("\x1A\x45\xDF\xA3"), NULL, "video/webm"},
	{TEXT(NUL34 "LP"), ANY34 "xx", "application/vnd.ms-fontobject"},
	{TEXT("\0\1\0\0"), NULL, "font/ttf"},
	{TEXT("OTTO"), NULL, "font/otf"},
	{TEXT("ttcf"), NULL, "font/collection"},
	{TEXT("wOFF"), NULL, "font/woff"},
	{TEXT("wOF2"), NULL, "font/woff2"},
	{TEXT("\x1F\x8B\x08"), NULL, "application/x-gzip"},
	{TEXT("PK\3\4"), NULL, "application/zip"},
	{TEXT("Rar!\x1A\7\0"), NULL, "application/x-rar-compressed"},
	{TEXT("Rar!\x1A\7\1\0"), NULL, "application/x-rar-compressed"},
	{TEXT("\0asm"), NULL, "application/wasm"},
};

static bool is_space(char c)
{
	return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}

static bool is_html(struct str text)
{
	for (size_t i = 0; i < sizeof(html_tags) / sizeof(*html_tags); i++) {
		struct str tag = html_tags[i];

		if (text.len > tag.len && str_starts_nocase(text, tag) &&
		    (text.at[tag.len] == ' ' || text.at[tag.len] == '>'))
			return true;
	}
	return false;
}

static const char *find(const struct signature *rows, size_t n, struct str begin)
{
	for (size_t i = 0; i < n; i++) {
		const struct signature *row = &rows[i];
		size_t at = 0;

		if (begin.len < row->bytes.len)
			continue;
		while (at < row->bytes.len &&
		       ((row->mask && row->mask[at] == '?') || begin.at[at] == row->bytes.at[at]))
			at++;
		if (at == row->bytes.len)
			return row->type;
	}
	return NULL;
}

/* ISO base media: a box "ftyp" whose brands include one that begins with "mp4". */
static bool is_mp4(struct str begin)
{
	enum { BOX_HEAD = 8, MINOR_VERSION = 12, LEAST = 12 };
	const unsigned char *at = (const unsigned char *)begin.at;

	if (begin.len < LEAST)
		return false;
	uint32_t box = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];

	if (begin.len < box || box % 4 != 0 || memcmp(at + 4, "ftyp", 4) != 0)
		return false;
	for (uint32_t i = BOX_HEAD; i < box; i += 4)
		if (i != MINOR_VERSION && memcmp(at + i, "mp4", 3) == 0)
			return true;
	return false;
}

static bool is_text(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c <= 0x08 || c == 0x0b || (c >= 0x0e && c <= 0x1a) || (c >= 0x1c && c <= 0x1f))
			return false;
	}
	return true;
}

struct str mime_sniff(struct str begin)
{
	const char *type;
	struct str text;

	begin = str_take(begin, MIME_SNIFF_BYTES);
	text = begin;
	while (text.len && is_space(*text.at))
		text = str_from(text, 1);
	if (is_html(text))
		return STR("text/html" UTF8);
	if (str_starts(text, STR("<?xml")))
		return STR("text/xml" UTF8);
	type = find(before_mp4, sizeof(before_mp4) / sizeof(*before_mp4), begin);
	if (!type && is_mp4(begin))
		type = "video/mp4";
	if (!type)
		type = find(behind_mp4, sizeof(behind_mp4) / sizeof(*behind_mp4), begin);
	if (type)
		return str_of(type);
	return is_text(text) ? STR("text/plain" UTF8) : STR("application/octet-stream");
}
