// SPDX-License-Identifier: Apache-2.0
// link: base http mw model rule net obs
/*
 * cache_control_fuzz: any bytes as Cache-Control and Vary, as a range, a date and a media type,
 * each line one. Times are within bounds; "no-store" in front is never talked away; a range lies in
 * the body; a date that is read is printed as one that is read the same.
 */

#include "base/date.h"
#include "base/die.h"
#include "mw/cache_answer.h"
#include "mw/cache_key.h"
#include "mw/http_date.h"
#include "mw/media_type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_control(struct str text, struct arena *arena)
{
	struct headers headers = {.arena = arena};
	struct cache_control control;

	header_add(&headers, STR("Cache-Control"), STR("no-store"));
	header_add(&headers, STR("Cache-Control"), text);
	cache_control_of_response(&headers, &control);
	ASSERT(control.no_store);
	const struct opt_int times[] = {control.max_age,
					control.s_maxage,
					control.max_stale,
					control.min_fresh,
					control.stale_while_revalidate,
					control.stale_if_error};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		ASSERT(times[i].value >= 0 && times[i].value <= CACHE_CONTROL_SECONDS_MAX);
}

static void check_vary(struct str text, struct arena *arena)
{
	struct headers headers = {.arena = arena};
	struct str vary, again;

	header_add(&headers, STR("Vary"), text);
	if (!cache_key_vary(&headers, arena, &vary))
		return;
	/* Sorted and unique: its own canonical form. */
	headers.n = 0;
	char *commas = arena_alloc(arena, vary.len + 1, 1);

	for (size_t i = 0; i < vary.len; i++)
		commas[i] = vary.at[i] == '\n' ? ',' : vary.at[i];
	header_add(&headers, STR("Vary"), str_n(commas, vary.len));
	ASSERT(cache_key_vary(&headers, arena, &again) && str_eq(vary, again));
}

static void check_texts(struct str text)
{
	char printed[DATE_TEXT_MAX];
	size_t first, len;
	struct str type;
	int64_t s, t;

	for (size_t n = 0; n < 30; n += 7)
		if (cache_answer_range(text, n, &first, &len) == 0)
			ASSERT(len > 0 && first < n && len <= n - first);
	if (http_date_parse(text, &s) == 0) {
		struct date date = date_of(s);

		if (date.year > 1 && date.year < 9999)
			ASSERT(http_date_parse(str_n(printed, date_print_http(&date, printed)),
					       &t) == 0 &&
			       s == t);
	}
	media_type_parse(text, &type);
	ASSERT(type.len <= text.len && (!type.len || (type.at >= text.at)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, line;
	struct arena arena;

	if (size > 4096)
		return 0;
	arena_init(&arena, 1 << 20, 0);
	while (str_next(&rest, '\n', &line)) {
		check_control(line, &arena);
		check_vary(line, &arena);
		check_texts(line);
	}
	arena_done(&arena);
	return 0;
}
