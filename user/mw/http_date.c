// SPDX-License-Identifier: Apache-2.0
/*
 * http_date: each form is a pattern, in which a letter stands for what is read there.
 */

#include "mw/http_date.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>

struct fields {
	int64_t year, month, day, hour, minute, second;
	bool is_short; /* two digits of a year */
};

/* D day, bbb month, Y year, y its last two digits, h m s time; others are themselves. */
static const char *const patterns[] = {
	"DD bbb YYYY hh:mm:ss GMT", /* after "Sun, " */
	"DD-bbb-yy hh:mm:ss GMT",   /* after "Sunday, " */
	"bbb DD hh:mm:ss YYYY",	    /* after "Sun " */
};

static bool read_month(struct str text, int64_t *ret_month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++) {
		if (str_eq(text, str_n(names + 3 * i, 3))) {
			*ret_month = i + 1;
			return true;
		}
	}
	return false;
}

static int64_t *field_for(struct fields *fields, char letter)
{
	switch (letter) {
	case 'D':
		return &fields->day;
	case 'h':
		return &fields->hour;
	case 'm':
		return &fields->minute;
	case 's':
		return &fields->second;
	case 'y':
		fields->is_short = true;
		return &fields->year;
	case 'Y':
		return &fields->year;
	default:
		return NULL;
	}
}

static bool read_pattern(struct str text, const char *pattern, struct fields *fields)
{
	size_t i = 0;

	*fields = (struct fields){0};
	for (; i < text.len && pattern[i]; i++) {
		char c = text.at[i];

		if (pattern[i] == 'b') {
			if (text.len - i < 3 || !read_month(str_n(text.at + i, 3), &fields->month))
				return false;
			i += 2;
			continue;
		}
		int64_t *field = field_for(fields, pattern[i]);

		if (!field) {
			if (c != pattern[i])
				return false;
			continue;
		}
		/* A day of one digit stands after a blank in the oldest form. */
		if (c == ' ' && pattern[i] == 'D' && *field == 0)
			continue;
		if (!isdigit((unsigned char)c))
			return false;
		*field = *field * 10 + (c - '0');
	}
	return !pattern[i] && i == text.len;
}

/* Days since the epoch of a date in the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	/* Years begin in March, so that the leap day is the last. */
	year -= month <= 2;
	int64_t era = year / 400, of_era = year % 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int http_date_parse(struct str text, int64_t *ret_epoch_s)
{
	ptrdiff_t blank = str_find(text, ' ');
	struct fields f;

	if (blank < 3)
		return -EINVAL;
	text = str_from(text, (size_t)blank + 1);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		if (!read_pattern(text, patterns[i], &f))
			continue;
		/* RFC 9110 5.6.7: two digits mean the near future at most; 70 is a usual bound. */
		if (f.is_short)
			f.year += f.year < 70 ? 2000 : 1900;
		if (f.day < 1 || f.day > 31 || f.hour > 23 || f.minute > 59 || f.second > 60 ||
		    f.year < 1)
			return -EINVAL;
		*ret_epoch_s = days_of(f.year, f.month, f.day) * 86400 + f.hour * 3600 +
			       f.minute * 60 + f.second;
		return 0;
	}
	return -EINVAL;
}
