// SPDX-License-Identifier: Apache-2.0
/* accept_coding_test: reference/traefik.md c.9, RFC 9110 12.5.3. */

#include "mw/accept_coding.h"
#include "mw_lab.h"

static const struct accept_coding all = {{CODING_GZIP, CODING_BR, CODING_ZSTD}, 3, 0};
static const struct accept_coding preset_br = {{CODING_GZIP, CODING_BR}, 2, CODING_BR};
static const struct accept_coding only_zstd = {{CODING_ZSTD}, 1, 0};

static const struct {
	const struct accept_coding *offer;
	const char *headers; /* lines; NULL: no Accept-Encoding */
	enum coding_id chosen;
} rows[] = {
	/* What is not said. */
	{&all, NULL, CODING_IDENTITY},
	{&preset_br, NULL, CODING_BR},
	{&all, "", CODING_IDENTITY},
	{&preset_br, "", CODING_IDENTITY},
	{&preset_br, "identity", CODING_IDENTITY},
	/* One, known or not. */
	{&all, "gzip", CODING_GZIP},
	{&all, "GZIP", CODING_GZIP},
	{&all, "br", CODING_BR},
	{&all, "zstd", CODING_ZSTD},
	{&all, "deflate", CODING_IDENTITY},
	{&all, "x-gzip", CODING_IDENTITY},
	{&only_zstd, "gzip, br", CODING_IDENTITY},
	{&preset_br, "zstd", CODING_IDENTITY},
	/* Without a weight, 1; ties in the configured order, identity last. */
	{&all, "br, gzip", CODING_GZIP},
	{&all, "zstd, br", CODING_BR},
	{&all, "gzip, deflate, br, zstd", CODING_GZIP},
	{&all, "identity, zstd", CODING_ZSTD},
	{&all, "br;q=0.5, gzip;q=0.5", CODING_GZIP},
	/* The highest weight. */
	{&all, "gzip;q=0.8, br", CODING_BR},
	{&all, "gzip;q=0.8, br;q=0.9, zstd;q=0.1", CODING_BR},
	{&all, "gzip;q=0.8,identity", CODING_IDENTITY},
	{&all, "gzip;q=0.001", CODING_GZIP},
	{&all, "identity;q=0.5, gzip;q=0.5", CODING_GZIP},
	{&all, "br ; q=0.2 , gzip ; Q=0.3", CODING_GZIP},
	/* Not acceptable. */
	{&all, "gzip;q=0", CODING_IDENTITY},
	{&all, "gzip;q=0.000, br;q=0.1", CODING_BR},
	{&all, "*;q=0", CODING_IDENTITY},
	{&all, "identity;q=0, *;q=0", CODING_IDENTITY},
	{&all, "gzip;q=x, br;q=0.1", CODING_BR},
	{&all, "gzip;q=-1", CODING_IDENTITY},
	{&all, "gzip;q=nan", CODING_IDENTITY},
	/* Any: the default encoding, or the first. */
	{&all, "*", CODING_GZIP},
	{&preset_br, "*", CODING_BR},
	{&only_zstd, "*", CODING_ZSTD},
	{&all, "br, *", CODING_GZIP},
	{&preset_br, "gzip, *", CODING_BR},
	{&all, "br, *;q=0.5", CODING_BR},
	{&all, "br;q=0.4, *;q=0.5", CODING_GZIP},
	{&all, "*, identity", CODING_GZIP},
	/* ... but not what is refused by name. */
	{&all, "gzip;q=0, *", CODING_BR},
	{&preset_br, "br;q=0, *", CODING_GZIP},
	{&only_zstd, "zstd;q=0, *", CODING_IDENTITY},
	/* Several lines, other parameters, empty elements. */
	{&all, "gzip;q=0.1\nbr;q=0.2", CODING_BR},
	{&all, "gzip;level=9", CODING_GZIP},
	{&all, ",, ;q=1, gzip ,", CODING_GZIP},
};

static void every_wish_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str rest = str_of(rows[i].headers), line;
		struct headers headers = {0};
		struct arena arena;

		arena_init(&arena, 1 << 16, 0);
		headers.arena = &arena;
		if (rows[i].headers && !rest.len)
			header_add(&headers, STR("accept-encoding"), STR(""));
		while (str_next(&rest, '\n', &line))
			header_add(&headers, STR("accept-encoding"), line);
		enum coding_id chosen = accept_coding_choose(rows[i].offer, &headers);

		if (chosen != rows[i].chosen)
			fail_msg("row %zu \"%s\": %d is not %d", i,
				 rows[i].headers ? rows[i].headers : "-", chosen, rows[i].chosen);
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_wish_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
