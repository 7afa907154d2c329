// SPDX-License-Identifier: Apache-2.0
/* num: digits are read by hand, with every overflow checked, so that no locale and no errno takes
 * part. */

#include "base/num.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum { DOUBLE_TEXT_MAX = 64 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int num_uint64(struct str text, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool over = false;

	if (text.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.at[i]))
			return -EINVAL;
		over |= __builtin_mul_overflow(value, 10, &value);
		over |= __builtin_add_overflow(value, (uint64_t)(text.at[i] - '0'), &value);
	}
	if (over)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int num_int64(struct str text, int64_t *ret_value)
{
	bool minus = str_starts(text, STR("-"));
	uint64_t value;
	int err = num_uint64(minus ? str_from(text, 1) : text, &value);

	if (err)
		return err;
	if (value > (uint64_t)INT64_MAX + minus)
		return -ERANGE;
	*ret_value = minus ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

int num_uint16(struct str text, uint16_t *ret_value)
{
	uint64_t value;
	int err = num_uint64(text, &value);

	if (err)
		return err;
	if (value > UINT16_MAX)
		return -ERANGE;
	*ret_value = (uint16_t)value;
	return 0;
}

/* How many leading characters of text are digits. */
static size_t digits(struct str text)
{
	size_t n = 0;

	while (n < text.len && is_digit(text.at[n]))
		n++;
	return n;
}

/* Length of "12", "12.5", "12." or ".5" at the start of text; 0 when no digit is there. */
static size_t decimal(struct str text)
{
	size_t whole = digits(text), part = 0, n = whole;

	if (n < text.len && text.at[n] == '.') {
		part = digits(str_from(text, n + 1));
		n += 1 + part;
	}
	return whole + part ? n : 0;
}

int num_double(struct str text, double *ret_value)
{
	char copy[DOUBLE_TEXT_MAX];
	size_t at = text.len && (text.at[0] == '-' || text.at[0] == '+');
	size_t mantissa = decimal(str_from(text, at));

	if (mantissa == 0 || text.len >= sizeof(copy))
		return -EINVAL;
	at += mantissa;
	if (at < text.len && ascii_lower(text.at[at]) == 'e') {
		at++;
		at += at < text.len && (text.at[at] == '-' || text.at[at] == '+');
		size_t exponent = digits(str_from(text, at));

		if (exponent == 0)
			return -EINVAL;
		at += exponent;
	}
	if (at != text.len)
		return -EINVAL;
	memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	/* The grammar above leaves strtod no hexadecimal, no infinity and no blank; we never set a
	 * locale. */
	double value = strtod(copy, NULL);

	if (!isfinite(value))
		return -ERANGE;
	*ret_value = value;
	return 0;
}

struct unit {
	struct str name;
	uint64_t scale;
};

static const struct unit duration_units[] = {
	{STR("ns"), 1},
	{STR("us"), NS_PER_US},
	{STR("\u00b5s"), NS_PER_US}, /* micro sign */
	{STR("\u03bcs"), NS_PER_US}, /* Greek mu */
	{STR("ms"), NS_PER_MS},
	{STR("s"), NS_PER_SEC},
	{STR("m"), 60 * NS_PER_SEC},
	{STR("h"), 3600 * NS_PER_SEC},
};

/* Kubernetes resource.Quantity suffixes. */
static const struct unit byte_units[] = {
	{STR(""), 1},
	{STR("k"), 1000ULL},
	{STR("M"), 1000000ULL},
	{STR("G"), 1000000000ULL},
	{STR("T"), 1000000000000ULL},
	{STR("P"), 1000000000000000ULL},
	{STR("E"), 1000000000000000000ULL},
	{STR("Ki"), 1ULL << 10},
	{STR("Mi"), 1ULL << 20},
	{STR("Gi"), 1ULL << 30},
	{STR("Ti"), 1ULL << 40},
	{STR("Pi"), 1ULL << 50},
	{STR("Ei"), 1ULL << 60},
};

static const struct unit *unit_named(struct str name, const struct unit *units, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(units[i].name, name))
			return &units[i];
	return NULL;
}

/* number ("12", "1.5", ".5") times scale, the fraction rounded down, or up when round_up. */
static int scaled(struct str number, uint64_t scale, bool round_up, uint64_t *ret_value)
{
	size_t whole = digits(number);
	struct str fraction = str_from(number, whole + 1);
	unsigned __int128 part = 0, ten = 1;
	bool lost = false;
	uint64_t value = 0;

	if (whole && num_uint64(str_take(number, whole), &value))
		return -ERANGE;
	for (size_t i = 0; i < fraction.len; i++) {
		/* 18 digits times the largest scale (2^60) still fit into 128 bits. */
		if (i < 18) {
			part = part * 10 + (unsigned)(fraction.at[i] - '0');
			ten *= 10;
		} else {
			lost |= fraction.at[i] != '0';
		}
	}
	part *= scale;
	lost |= part % ten != 0;
	if (__builtin_mul_overflow(value, scale, &value) ||
	    __builtin_add_overflow(value, (uint64_t)(part / ten) + (round_up && lost), &value))
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int num_duration_ns(struct str text, bool bare_is_seconds, int64_t *ret_ns)
{
	bool minus = str_starts(text, STR("-"));
	struct str rest = minus || str_starts(text, STR("+")) ? str_from(text, 1) : text;
	uint64_t total = 0;

	if (rest.len && digits(rest) == rest.len && (bare_is_seconds || str_eq(rest, STR("0")))) {
		if (scaled(rest, NS_PER_SEC, false, &total))
			return -ERANGE;
		rest = (struct str){0};
	} else if (rest.len == 0) {
		return -EINVAL;
	}
	while (rest.len) {
		size_t number = decimal(rest), end = number;
		uint64_t piece;

		while (end < rest.len && !is_digit(rest.at[end]) && rest.at[end] != '.')
			end++;
		const struct unit *unit =
			unit_named(str_n(rest.at + number, end - number), duration_units,
				   sizeof(duration_units) / sizeof(*duration_units));

		if (number == 0 || !unit)
			return -EINVAL;
		if (scaled(str_take(rest, number), unit->scale, false, &piece) ||
		    __builtin_add_overflow(total, piece, &total))
			return -ERANGE;
		rest = str_from(rest, end);
	}
	if (total > (uint64_t)INT64_MAX + minus)
		return -ERANGE;
	*ret_ns = minus ? (int64_t)(0 - total) : (int64_t)total;
	return 0;
}

int num_bytes(struct str text, int64_t *ret_bytes)
{
	size_t number = decimal(text);
	const struct unit *unit = unit_named(str_from(text, number), byte_units,
					     sizeof(byte_units) / sizeof(*byte_units));
	uint64_t value;

	if (number == 0 || !unit)
		return -EINVAL;
	/* A quantity rounds up: half a byte of room is a byte. */
	if (scaled(str_take(text, number), unit->scale, true, &value) || value > INT64_MAX)
		return -ERANGE;
	*ret_bytes = (int64_t)value;
	return 0;
}

int num_bool(struct str text, bool *ret_value)
{
	static const struct str spelled[2][6] = {
		{STR("0"), STR("f"), STR("F"), STR("false"), STR("FALSE"), STR("False")},
		{STR("1"), STR("t"), STR("T"), STR("true"), STR("TRUE"), STR("True")},
	};

	for (int value = 0; value < 2; value++)
		for (size_t i = 0; i < sizeof(spelled[0]) / sizeof(*spelled[0]); i++)
			if (str_eq(text, spelled[value][i])) {
				*ret_value = value;
				return 0;
			}
	return -EINVAL;
}

/* "1.5": value / scale without trailing zeros; returns the length. */
static size_t print_fraction(uint64_t value, uint64_t scale, char ret_text[48])
{
	int n = snprintf(ret_text, 48, "%llu", (unsigned long long)(value / scale));
	uint64_t part = value % scale;

	if (part == 0)
		return (size_t)n;
	ret_text[n++] = '.';
	for (scale /= 10; part; scale /= 10) {
		ret_text[n++] = (char)('0' + part / scale);
		part %= scale;
	}
	ret_text[n] = 0;
	return (size_t)n;
}

size_t num_print_duration(int64_t ns, char *ret_text, size_t size)
{
	uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	const char *minus = ns < 0 ? "-" : "", *unit = "s";
	uint64_t scale = NS_PER_SEC, seconds = left / NS_PER_SEC;
	char number[48];
	int n;

	if (left && left < NS_PER_SEC) {
		scale = left < NS_PER_US ? 1 : left < NS_PER_MS ? NS_PER_US : NS_PER_MS;
		unit = left < NS_PER_US ? "ns" : left < NS_PER_MS ? "\u00b5s" : "ms";
	}
	print_fraction(seconds < 60 ? left : left % (60 * NS_PER_SEC), scale, number);
	if (seconds >= 3600)
		n = snprintf(ret_text, size, "%s%lluh%llum%ss", minus,
			     (unsigned long long)(seconds / 3600),
			     (unsigned long long)(seconds / 60 % 60), number);
	else if (seconds >= 60)
		n = snprintf(ret_text, size, "%s%llum%ss", minus,
			     (unsigned long long)(seconds / 60), number);
	else
		n = snprintf(ret_text, size, "%s%s%s", minus, number, unit);
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}
