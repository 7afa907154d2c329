// SPDX-License-Identifier: Apache-2.0
/*
 * object_time: RFC 3339 times, without the C library's idea of time zones.
 */
#include "model/object_time.h"

#include <errno.h>
#include <stdbool.h>

#include "base/clock.h"

static bool digits(struct str *text, size_t n, int64_t *ret_value)
{
	int64_t value = 0;

	if (text->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text->at[i] < '0' || text->at[i] > '9')
			return false;
		value = value * 10 + (text->at[i] - '0');
	}
	*text = str_from(*text, n);
	*ret_value = value;
	return true;
}

static bool one_of(struct str *text, const char *chars, char *ret_char)
{
	if (!text->len || !text->at[0] || !strchr(chars, text->at[0]))
		return false;
	*ret_char = text->at[0];
	*text = str_from(*text, 1);
	return true;
}

/* Days from 1970-01-01 in the Gregorian calendar, years counted from March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

static int64_t fraction_ns(struct str *text)
{
	int64_t ns = 0, unit = NS_PER_SEC / 10;

	while (text->len && text->at[0] >= '0' && text->at[0] <= '9') {
		ns += (text->at[0] - '0') * unit;
		unit /= 10;
		*text = str_from(*text, 1);
	}
	return ns;
}

static bool zone_seconds(struct str *text, int64_t *ret_seconds)
{
	int64_t hours, minutes;
	char sign, colon;

	if (!one_of(text, "Zz+-", &sign))
		return false;
	*ret_seconds = 0;
	if (sign == 'Z' || sign == 'z')
		return true;
	if (!digits(text, 2, &hours) || !one_of(text, ":", &colon) || !digits(text, 2, &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	*ret_seconds = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
	return true;
}

int object_time_parse(struct str text, int64_t *ret_ns)
{
	int64_t year, month, day, hour, minute, second, ns = 0, zone;
	char c;

	if (!digits(&text, 4, &year) || !one_of(&text, "-", &c) || !digits(&text, 2, &month) ||
	    !one_of(&text, "-", &c) || !digits(&text, 2, &day) || !one_of(&text, "Tt ", &c) ||
	    !digits(&text, 2, &hour) || !one_of(&text, ":", &c) || !digits(&text, 2, &minute) ||
	    !one_of(&text, ":", &c) || !digits(&text, 2, &second))
		return -EINVAL;
	if (one_of(&text, ".", &c))
		ns = fraction_ns(&text);
	if (!zone_seconds(&text, &zone) || text.len)
		return -EINVAL;
	if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31 ||
	    hour > 23 || minute > 59 || second > 60)
		return -EINVAL;
	int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;

	*ret_ns = (seconds - zone) * NS_PER_SEC + ns;
	return 0;
}
