// SPDX-License-Identifier: Apache-2.0
/* prometheus: HELP and TYPE stand before a family's first series; a family without series is not
 * shown. */

#include "obs/prometheus.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "obs/metric_read.h"

struct printer {
	struct buf *out;
	const struct metric_row *row; /* whose heading was printed last */
};

static void add_heading(struct buf *out, const struct metric_row *row)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};

	/* Help texts come from our table and need no escapes. */
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
		 types[row->type]);
}

/* Label values escape backslash, quote and line feed, and must be UTF-8. */
static void add_value(struct buf *out, struct str value)
{
	for (size_t i = 0, n; i < value.len; i += n) {
		char c = value.at[i];

		n = str_utf8_len(str_from(value, i));
		if (n == 0) {
			buf_add(out, STR("\xef\xbf\xbd"));
			n = 1;
		} else if (c == '\n') {
			buf_add(out, STR("\\n"));
		} else if (c == '"' || c == '\\') {
			buf_add(out, str_n((char[]){'\\', c}, 2));
		} else {
			buf_add(out, str_n(value.at + i, n));
		}
	}
}

static void add_labels(struct buf *out, const struct metric_point *point, struct str le)
{
	if (point->n_labels == 0 && le.len == 0)
		return;
	for (size_t i = 0; i < point->n_labels; i++) {
		buf_addf(out, "%s%s=\"", i ? "," : "{", point->names[i]);
		add_value(out, point->values[i]);
		buf_add_char(out, '"');
	}
	if (le.len)
		buf_addf(out, "%sle=\"" STR_FMT "\"", point->n_labels ? "," : "{", STR_ARG(le));
	buf_add_char(out, '}');
}

/* The shortest decimal that means the same number; whole numbers without a point. */
static struct str print_number(double value, char text[32])
{
	int n = 0;

	if (isinf(value) || isnan(value))
		return isnan(value) ? STR("NaN") : value > 0 ? STR("+Inf") : STR("-Inf");
	if (value == rint(value) && fabs(value) < 9e15)
		n = snprintf(text, 32, "%" PRId64, (int64_t)value);
	for (int digits = 6; n == 0 && digits <= 17; digits++) {
		n = snprintf(text, 32, "%.*g", digits, value);
		if (strtod(text, NULL) != value && digits < 17)
			n = 0;
	}
	return str_n(text, (size_t)n);
}

static void add_sample(struct buf *out, const struct metric_point *point, const char *suffix,
		       struct str le, double value)
{
	char text[32];

	buf_addf(out, "%s%s", point->row->name, suffix);
	add_labels(out, point, le);
	buf_add_char(out, ' ');
	buf_add(out, print_number(value, text));
	buf_add_char(out, '\n');
}

static void add_point(void *context, const struct metric_point *point)
{
	struct printer *printer = context;
	struct buf *out = printer->out;

	if (printer->row != point->row) {
		add_heading(out, point->row);
		printer->row = point->row;
	}
	if (point->row->type != METRIC_HISTOGRAM) {
		add_sample(out, point, "", (struct str){0}, point->value);
		return;
	}
	for (size_t i = 0; i < point->n_buckets; i++) {
		char bound[32];

		add_sample(out, point, "_bucket",
			   i + 1 < point->n_buckets ? print_number(point->bounds[i], bound)
						    : STR("+Inf"),
			   (double)point->bucket[i]);
	}
	add_sample(out, point, "_sum", (struct str){0}, point->value);
	add_sample(out, point, "_count", (struct str){0},
		   (double)point->bucket[point->n_buckets - 1]);
}

void prometheus_print(struct metric_registry *registry, struct buf *out)
{
	struct printer printer = {.out = out};

	metric_read(registry, add_point, &printer);
}
