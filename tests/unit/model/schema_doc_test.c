// SPDX-License-Identifier: Apache-2.0
/* schema_doc_test: the pages have a row for each field, their tables are tables, and the files are
 * current. */
#include "model_help.h"

#include "base/file.h"
#include "model/schema_doc.h"

/* Bars that separate cells: those without a backslash. */
static size_t count_bars(struct str line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.len; i++)
		n += line.at[i] == '|' && (i == 0 || line.at[i - 1] != '\\');
	return n;
}

static void every_page_is_well_formed_and_the_committed_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < schema_doc_page_count; i++) {
		struct buf page, file;
		struct str rest, line;
		size_t columns = 0;

		buf_init(&page, 4 << 20);
		schema_doc_pages[i].print(&page);
		assert_false(page.failed);
		rest = buf_str(&page);
		while (str_next(&rest, '\n', &line)) {
			size_t bars = line.len && line.at[0] == '|' ? count_bars(line) : 0;

			if (bars && columns && bars != columns)
				fail_msg("%s: " STR_FMT, schema_doc_pages[i].path, STR_ARG(line));
			columns = bars;
		}
		buf_init(&file, 4 << 20);
		assert_int_equal(file_read(schema_doc_pages[i].path, &file), 0);
		rest = buf_str(&file);
		if (schema_doc_pages[i].from) {
			ptrdiff_t at = str_search(rest, str_of(schema_doc_pages[i].from));

			assert_true(at > 0); /* what people wrote is there */
			rest = str_from(rest, (size_t)at);
		}
		if (!str_eq(rest, buf_str(&page)))
			fail_msg("%s is stale: make gen", schema_doc_pages[i].path);
		buf_done(&file);
		buf_done(&page);
	}
}

static void the_pages_say_what_is_in_the_tables(void **state)
{
	static const struct {
		void (*print)(struct buf *buf);
		const char *text;
	} rows[] = {
		{schema_doc_kinds, "| `spec.routes[].match` | string | required |"},
		{schema_doc_kinds, "| `spec.limits.packetsPerSecond` | integer |"},
		{schema_doc_middlewares, "## rateLimit"},
		{schema_doc_middlewares, "| `period` | duration | `1s` |"},
		{schema_doc_middlewares, "**Not supported yet**"},
		{schema_doc_options, "| `entryPoints.{name}.address` | string | required |"},
		{schema_doc_options, "| `providers.docker` | error"},
		{schema_doc_unsupported, "| `spec.tls.store` | **Has no effect**"},
		{schema_doc_compatibility, "| `spec.routes[].match` | supported |"},
		{schema_doc_compatibility, "| `spec.tls.store` | no effect | as in Traefik"},
		{schema_doc_compatibility, "| `spec.plugin` | refused |"},
		{schema_doc_compatibility, "| `spec.cache` | Tidegate only |"},
		{schema_doc_unsupported, "`entryPoints.{name}.http.underscoreHeadersStrategy`"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf page;

		buf_init(&page, 4 << 20);
		rows[i].print(&page);
		if (str_search(buf_str(&page), str_of(rows[i].text)) < 0)
			fail_msg("%s", rows[i].text);
		buf_done(&page);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_page_is_well_formed_and_the_committed_one),
		cmocka_unit_test(the_pages_say_what_is_in_the_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
