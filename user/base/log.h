/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_H
#define LOG_H

/*
 * log: one logfmt (or JSON) line on standard error per call, UTC with milliseconds, written with
 * one write(2). Lower-case message, no final period: what happened, then what happens next. Values
 * are escaped: no byte of input can end a line or forge a field. Repeats of the same message and
 * first field within 10 s are counted and reported once ("suppressed=N"); trace and debug are never
 * held back. Thread-safe. Floors 0-3 of user/ do not log.
 */

#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
	const char *name;
	enum { LOG_FIELD_STR, LOG_FIELD_INT } kind;
	struct str text;
	int64_t number;
};

#define LOG_S(name, value)   ((struct log_field){(name), LOG_FIELD_STR, (value), 0})
#define LOG_C(name, cstring) ((struct log_field){(name), LOG_FIELD_STR, str_of(cstring), 0})
#define LOG_I(name, value)   ((struct log_field){(name), LOG_FIELD_INT, {0}, (int64_t)(value)})
/* An errno, positive or negative, as error="text". */
#define LOG_ERRNO(value) LOG_C("error", log_strerror(value))

void log_init(enum log_level level, enum log_format format);
/*
 * Reports what was held back and not reported yet: at the end of the program, and in quiet times.
 */
void log_flush(void);
bool log_on(enum log_level level);
const char *log_strerror(int errnum);
void log_fields(enum log_level level, const char *message, const struct log_field *fields,
		size_t n);
/* For what its caller tells once by itself: nothing is held back. */
void log_fields_always(enum log_level level, const char *message, const struct log_field *fields,
		       size_t n);

#define LOG(level, message, ...)                                                 \
	do {                                                                     \
		if (log_on(level)) {                                             \
			const struct log_field log_row[] = {{0}, ##__VA_ARGS__}; \
			log_fields((level), (message), log_row + 1,              \
				   sizeof(log_row) / sizeof(*log_row) - 1);      \
		}                                                                \
	} while (0)

#endif
