// SPDX-License-Identifier: Apache-2.0
/*
 * log: a line is built in a bounded buffer on the stack and written whole. Which lines repeat is
 * remembered in a small table of recent (message, first field) pairs; a pair that is displaced, or
 * that comes again after its 10 s, reports how often it was held back. Debug and trace lines are
 * never held back.
 */

#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/hash.h"

enum {
	LINE_MAX_BYTES = 8192,
	VALUE_MAX_BYTES = 2048, /* longer values are cut: one field must not push out the others */
	MESSAGE_MAX_BYTES = 96,
	RECENT_SLOTS = 64,
};

#define REPEAT_NS (10 * NS_PER_SEC)

static const char *const level_names[] = {"trace", "debug", "info", "warn", "error"};

struct recent {
	uint64_t hash, first_ns;
	uint64_t suppressed;
	enum log_level level;
	char message[MESSAGE_MAX_BYTES];
};

static struct {
	enum log_level level;
	enum log_format format;
	pthread_mutex_t lock;
	struct recent recent[RECENT_SLOTS];
} state = {.level = LOG_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
	bool json;
	bool full; /* a field did not fit */
};

void log_init(enum log_level level, enum log_format format)
{
	state.level = level;
	state.format = format;
}

bool log_on(enum log_level level)
{
	return level >= state.level;
}

const char *log_strerror(int errnum)
{
	const char *text = strerrordesc_np(errnum < 0 ? -errnum : errnum);

	return text ? text : "unknown error";
}

/* Room for the closing brace and the line end is always kept. */
static void add(struct line *line, struct str text)
{
	size_t room = sizeof(line->text) - 2 - line->len;

	line->full |= text.len > room;
	if (line->full || text.len == 0)
		return;
	memcpy(line->text + line->len, text.at, text.len);
	line->len += text.len;
}

/*
 * The inside of a quoted value, so that no byte can end the value or the line (RFC 8259 section 7).
 */
static void add_escaped(struct line *line, struct str value)
{
	value = str_take(value, VALUE_MAX_BYTES);
	for (size_t i = 0, n; i < value.len; i += n) {
		unsigned char c = (unsigned char)value.at[i];
		char escape[8];

		n = str_utf8_len(str_from(value, i));
		if (n == 0) {
			snprintf(escape, sizeof(escape), line->json ? "\\ufffd" : "\\x%02x", c);
			add(line, str_of(escape));
			n = 1;
		} else if (c == '"' || c == '\\') {
			add(line, str_n((char[]){'\\', (char)c}, 2));
		} else if (c < 0x20 || c == 0x7f ||
			   (n == 2 && c == 0xc2 && (value.at[i + 1] & 0x60) == 0)) {
			/* Control characters, U+0080 to U+009F among them: terminals obey those. */
			unsigned code = n == 2 ? (unsigned char)value.at[i + 1] : c;

			snprintf(escape, sizeof(escape), "\\u%04x", code);
			add(line, str_of(escape));
		} else {
			add(line, str_n(value.at + i, n));
		}
	}
}

static bool is_bare(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];

		if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return value.len > 0 && value.len <= VALUE_MAX_BYTES;
}

static void add_name(struct line *line, const char *name)
{
	if (line->json) {
		add(line, line->len ? STR(",\"") : STR("{\""));
		add(line, str_of(name));
		add(line, STR("\":"));
		return;
	}
	if (line->len)
		add(line, STR(" "));
	add(line, str_of(name));
	add(line, STR("="));
}

static void add_text(struct line *line, const char *name, struct str value)
{
	bool quote = line->json || !is_bare(value);

	add_name(line, name);
	if (!quote) {
		add(line, value);
		return;
	}
	add(line, STR("\""));
	add_escaped(line, value);
	add(line, STR("\""));
}

static void add_number(struct line *line, const char *name, int64_t value)
{
	char digits[24];

	add_name(line, name);
	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	add(line, str_of(digits));
}

static void begin(struct line *line, enum log_level level, const char *message)
{
	uint64_t now_ns = clock_wall_ns();
	struct date date = date_of((int64_t)(now_ns / NS_PER_SEC));
	char stamp[DATE_TEXT_MAX + 16];

	line->len = 0;
	line->json = state.format == LOG_JSON;
	line->full = false;
	size_t n = date_print_iso(&date, stamp);

	snprintf(stamp + n, sizeof(stamp) - n, ".%03uZ",
		 (unsigned int)(now_ns % NS_PER_SEC / NS_PER_MS));
	add_text(line, "time", str_of(stamp));
	add_text(line, "level", str_of(level_names[level]));
	add_text(line, "msg", str_of(message));
}

static void finish(struct line *line)
{
	if (line->json)
		line->text[line->len++] = '}';
	line->text[line->len++] = '\n';
	if (write(STDERR_FILENO, line->text, line->len) < 0) {
		/* Whoever reads standard error is gone; there is nobody left to tell. */
	}
}

static uint64_t identity(const char *message, const struct log_field *fields, size_t n)
{
	uint64_t hash = hash_keyed(str_of(message));

	if (n == 0)
		return hash;
	uint64_t first = fields[0].kind == LOG_FIELD_INT ? (uint64_t)fields[0].number
							 : hash_keyed(fields[0].text);

	return hash_mix64(hash ^ hash_mix64(first));
}

static void report(const struct recent *recent)
{
	struct line line;

	begin(&line, recent->level, recent->message);
	add_number(&line, "suppressed", (int64_t)recent->suppressed);
	finish(&line);
}

/* Whether to write the line; ret_suppressed tells how many like it were not. ret_displaced is to
 * report. */
static bool admit(uint64_t hash, enum log_level level, const char *message,
		  uint64_t *ret_suppressed, struct recent *ret_displaced)
{
	uint64_t now_ns = clock_mono_ns();
	bool admitted = true;

	pthread_mutex_lock(&state.lock);
	struct recent *slot = &state.recent[hash % RECENT_SLOTS];

	if (slot->hash == hash && now_ns - slot->first_ns < REPEAT_NS && slot->first_ns) {
		slot->suppressed++;
		admitted = false;
	} else {
		if (slot->hash == hash)
			*ret_suppressed = slot->suppressed;
		else if (slot->suppressed)
			*ret_displaced = *slot;
		*slot = (struct recent){.hash = hash, .first_ns = now_ns, .level = level};
		snprintf(slot->message, sizeof(slot->message), "%s", message);
	}
	pthread_mutex_unlock(&state.lock);
	return admitted;
}

void log_flush(void)
{
	for (size_t i = 0; i < RECENT_SLOTS; i++) {
		pthread_mutex_lock(&state.lock);
		struct recent recent = state.recent[i];

		state.recent[i] = (struct recent){0};
		pthread_mutex_unlock(&state.lock);
		if (recent.suppressed)
			report(&recent);
	}
}

static void write_line(enum log_level level, const char *message, const struct log_field *fields,
		       size_t n, uint64_t suppressed)
{
	struct line line;

	begin(&line, level, message);
	for (size_t i = 0; i < n; i++) {
		size_t before = line.len;

		if (fields[i].kind == LOG_FIELD_INT)
			add_number(&line, fields[i].name, fields[i].number);
		else
			add_text(&line, fields[i].name, fields[i].text);
		/*
		 * A field that does not fit is left out whole: half of one would be a broken line.
		 */
		if (line.full)
			line.len = before;
		line.full = false;
	}
	if (suppressed)
		add_number(&line, "suppressed", (int64_t)suppressed);
	finish(&line);
}

void log_fields(enum log_level level, const char *message, const struct log_field *fields, size_t n)
{
	struct recent displaced = {0};
	uint64_t suppressed = 0;

	if (level >= LOG_INFO &&
	    !admit(identity(message, fields, n), level, message, &suppressed, &displaced))
		return;
	if (displaced.suppressed)
		report(&displaced);
	write_line(level, message, fields, n, suppressed);
}

void log_fields_always(enum log_level level, const char *message, const struct log_field *fields,
		       size_t n)
{
	write_line(level, message, fields, n, 0);
}
