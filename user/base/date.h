/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATE_H
#define DATE_H

/*
 * date: seconds since the epoch as a UTC date. Pure: unlike gmtime_r() it takes no lock and looks
 * at no time zone, so that request paths may use it.
 */

#include <stddef.h>
#include <stdint.h>

struct date {
	int32_t year;
	uint8_t month; /* 1..12 */
	uint8_t day;   /* 1..31 */
	uint8_t hour, minute, second;
	uint8_t weekday; /* 0 is Sunday */
};

enum { DATE_TEXT_MAX = 32 };

/* Years 1 to 9999 are kept; what is outside becomes their first or last second. */
struct date date_of(int64_t epoch_s);
/* "2006-01-02T15:04:05"; returns the length, NUL-terminated. */
size_t date_print_iso(const struct date *date, char ret_text[DATE_TEXT_MAX]);
/* "02/Jan/2006:15:04:05" as access logs have it. */
size_t date_print_clf(const struct date *date, char ret_text[DATE_TEXT_MAX]);
/* "Mon, 02 Jan 2006 15:04:05 GMT" (RFC 9110 section 5.6.7, IMF-fixdate). */
size_t date_print_http(const struct date *date, char ret_text[DATE_TEXT_MAX]);

#endif
