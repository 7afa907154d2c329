// SPDX-License-Identifier: Apache-2.0
/*
 * date: years are counted from March, so that the leap day is the last of its year and the months'
 * lengths follow one formula (days before month m: (153 m + 2) / 5).
 */

#include "base/date.h"

#include <string.h>

enum {
	DAY_S = 86400,
	ERA_DAYS = 146097,     /* 400 years */
	DAYS_TO_1970 = 719468, /* from 0000-03-01 */
};

#define FIRST_S (-62135596800LL) /* 0001-01-01T00:00:00 */
#define LAST_S	253402300799LL	 /* 9999-12-31T23:59:59 */

static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char day_names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct date date_of(int64_t epoch_s)
{
	epoch_s = epoch_s < FIRST_S ? FIRST_S : epoch_s > LAST_S ? LAST_S : epoch_s;
	/* Not negative from here on: the epoch of the formulas is 0000-03-01. */
	uint64_t all = (uint64_t)(epoch_s + (int64_t)DAYS_TO_1970 * DAY_S);
	uint32_t days = (uint32_t)(all / DAY_S), left = (uint32_t)(all % DAY_S);
	uint32_t era = days / ERA_DAYS, of_era = days % ERA_DAYS;
	uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint32_t from_march = (5 * of_year + 2) / 153;
	uint32_t month = from_march < 10 ? from_march + 3 : from_march - 9;

	return (struct date){
		.year = (int32_t)(year + era * 400 + (month <= 2)),
		.month = (uint8_t)month,
		.day = (uint8_t)(of_year - (153 * from_march + 2) / 5 + 1),
		.hour = (uint8_t)(left / 3600),
		.minute = (uint8_t)(left / 60 % 60),
		.second = (uint8_t)(left % 60),
		/* 0000-03-01 was a Wednesday. */
		.weekday = (uint8_t)((days + 3) % 7),
	};
}

static char *put(char *at, const char *text)
{
	size_t n = strlen(text);

	memcpy(at, text, n);
	return at + n;
}

static char *put_number(char *at, unsigned int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return at + digits;
}

static char *put_time(char *at, const struct date *date)
{
	at = put_number(at, date->hour, 2);
	at = put_number(put(at, ":"), date->minute, 2);
	return put_number(put(at, ":"), date->second, 2);
}

static size_t finish(const char *text, char *end)
{
	*end = 0;
	return (size_t)(end - text);
}

size_t date_print_iso(const struct date *date, char ret_text[DATE_TEXT_MAX])
{
	char *at = put_number(ret_text, (unsigned int)date->year, 4);

	at = put_number(put(at, "-"), date->month, 2);
	at = put_number(put(at, "-"), date->day, 2);
	return finish(ret_text, put_time(put(at, "T"), date));
}

size_t date_print_clf(const struct date *date, char ret_text[DATE_TEXT_MAX])
{
	char *at = put(put_number(ret_text, date->day, 2), "/");

	at = put(put(at, month_names[date->month - 1]), "/");
	at = put_number(at, (unsigned int)date->year, 4);
	return finish(ret_text, put_time(put(at, ":"), date));
}

size_t date_print_http(const struct date *date, char ret_text[DATE_TEXT_MAX])
{
	char *at = put(put(ret_text, day_names[date->weekday]), ", ");

	at = put(put_number(at, date->day, 2), " ");
	at = put(put(at, month_names[date->month - 1]), " ");
	at = put(put_number(at, (unsigned int)date->year, 4), " ");
	return finish(ret_text, put(put_time(at, date), " GMT"));
}
