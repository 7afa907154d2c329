// SPDX-License-Identifier: Apache-2.0
/* date: civil date from days (proleptic Gregorian), without the C library's locks and zones. */

#include "http/date.h"

enum { SECONDS_PER_DAY = 86400, DAYS_PER_ERA = 146097, DAYS_TO_1970 = 719468 };

static const char weekdays[] = "ThuFriSatSunMonTueWed"; /* day 0 was a Thursday */
static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";

static void put_2(char *at, unsigned int n)
{
	at[0] = (char)('0' + n / 10 % 10);
	at[1] = (char)('0' + n % 10);
}

/* Years begin in March here, so that the leap day is the last one of a year; an era is 400 years.
 */
static void format(char *text, int64_t wall_s)
{
	unsigned int days = (unsigned int)(wall_s / SECONDS_PER_DAY);
	unsigned int second = (unsigned int)(wall_s % SECONDS_PER_DAY);
	unsigned int era_day = (days + DAYS_TO_1970) % DAYS_PER_ERA;
	unsigned int era_year =
		(era_day - era_day / 1460 + era_day / 36524 - era_day / (DAYS_PER_ERA - 1)) / 365;
	unsigned int year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
	unsigned int month = (5 * year_day + 2) / 153;
	unsigned int year = (days + DAYS_TO_1970) / DAYS_PER_ERA * 400 + era_year + (month >= 10);

	memcpy(text, "Thu, 01 Jan 1970 00:00:00 GMT", DATE_TEXT_BYTES);
	memcpy(text, weekdays + (size_t)days % 7 * 3, 3);
	put_2(text + 5, year_day - (153 * month + 2) / 5 + 1);
	memcpy(text + 8, months + (size_t)month * 3, 3);
	put_2(text + 12, year / 100);
	put_2(text + 14, year);
	put_2(text + 17, second / 3600);
	put_2(text + 20, second / 60 % 60);
	put_2(text + 23, second % 60);
}

struct str date_text(struct date *date, int64_t wall_s)
{
	if (date->second != wall_s || wall_s == 0) {
		format(date->text, wall_s < 0 ? 0 : wall_s);
		date->second = wall_s;
	}
	return str_n(date->text, DATE_TEXT_BYTES);
}
