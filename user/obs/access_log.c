// SPDX-License-Identifier: Apache-2.0
/*
 * access_log: a line is composed front to back in bounded room. A field that does not fit any more
 * is left out whole, so that what is written is always a well-formed line.
 */

#include "obs/access_log.h"

#include <errno.h>

#include "base/clock.h"
#include "base/date.h"

enum field_type {
	FIELD_STR,	/* left out of JSON when empty */
	FIELD_STR_DASH, /* "-" when empty */
	FIELD_INT,
	FIELD_INT_SET, /* left out of JSON when 0 */
	FIELD_OVERHEAD,
	FIELD_TIME_UTC,
	FIELD_TIME_LOCAL,
	FIELD_CONST, /* the help text is the value */
};

struct field {
	struct str name;
	enum field_type type;
	uint16_t at; /* offset in struct access_record */
	const char *help;
};

#define AT(member) (uint16_t) offsetof(struct access_record, member)

/* Sorted as JSON writes them. */
static const struct field fields[] = {
	{STR("ClientAddr"), FIELD_STR, AT(client_addr), "address and port of the peer"},
	{STR("ClientHost"), FIELD_STR, AT(client_host),
	 "client address, or X-Forwarded-For as it came"},
	{STR("ClientPort"), FIELD_STR_DASH, AT(client_port), "port of the peer"},
	{STR("ClientUsername"), FIELD_STR_DASH, AT(client_user), "authenticated user"},
	{STR("DownstreamContentSize"), FIELD_INT, AT(downstream_bytes),
	 "bytes of body sent to the client"},
	{STR("DownstreamStatus"), FIELD_INT, AT(downstream_status), "status sent to the client"},
	{STR("Duration"), FIELD_INT, AT(duration_ns),
	 "nanoseconds from the first byte to the last"},
	{STR("OriginContentSize"), FIELD_INT, AT(origin_bytes), "bytes of body the backend sent"},
	{STR("OriginDuration"), FIELD_INT, AT(origin_duration_ns), "nanoseconds the backend took"},
	{STR("OriginStatus"), FIELD_INT_SET, AT(origin_status),
	 "status of the backend; absent when it was not asked"},
	{STR("Overhead"), FIELD_OVERHEAD, 0, "nanoseconds spent in the proxy"},
	{STR("RequestAddr"), FIELD_STR, AT(request_addr), "Host header"},
	{STR("RequestContentSize"), FIELD_INT, AT(request_bytes), "bytes of body the client sent"},
	{STR("RequestCount"), FIELD_INT, AT(request_count),
	 "number of the request since the start"},
	{STR("RequestHost"), FIELD_STR, AT(request_host), "host of the Host header"},
	{STR("RequestId"), FIELD_STR, AT(request_id), "id, by the middleware requestId"},
	{STR("RequestMethod"), FIELD_STR, AT(request_method), "method"},
	{STR("RequestPath"), FIELD_STR, AT(request_path), "path and query"},
	{STR("RequestPort"), FIELD_STR_DASH, AT(request_port), "port of the Host header"},
	{STR("RequestProtocol"), FIELD_STR, AT(request_protocol), "protocol version"},
	{STR("RequestScheme"), FIELD_STR, AT(request_scheme), "http or https"},
	{STR("RetryAttempts"), FIELD_INT, AT(retry_attempts), "tries after the first"},
	{STR("RouterName"), FIELD_STR, AT(router_name), "router that matched"},
	{STR("ServiceAddr"), FIELD_STR, AT(service_addr), "address and port of the backend"},
	{STR("ServiceName"), FIELD_STR, AT(service_name), "service of the router"},
	{STR("ServiceURL"), FIELD_STR, AT(service_url), "URL of the backend"},
	{STR("SpanId"), FIELD_STR, AT(span_id), "span of the trace"},
	{STR("StartLocal"), FIELD_TIME_LOCAL, 0, "when the request began, local time"},
	{STR("StartUTC"), FIELD_TIME_UTC, 0, "when the request began"},
	{STR("TLSCipher"), FIELD_STR, AT(tls_cipher), "cipher suite of the connection"},
	{STR("TLSClientSubject"), FIELD_STR, AT(tls_client_subject),
	 "subject of the client certificate"},
	{STR("TLSVersion"), FIELD_STR, AT(tls_version), "TLS version of the connection"},
	{STR("TraceId"), FIELD_STR, AT(trace_id), "trace"},
	{STR("entryPointName"), FIELD_STR, AT(entry_point), "entry point"},
	{STR("level"), FIELD_CONST, 0, "info"},
	{STR("msg"), FIELD_CONST, 0, ""},
	{STR("time"), FIELD_TIME_UTC, 0, "the same as StartUTC"},
};

enum {
	FIELD_COUNT = sizeof(fields) / sizeof(*fields),
	COMMON_VALUES = 9,
	COMMON_NUMBERS_MAX = 256, /* and what stands between */
	COMMON_VALUE_MAX = (ACCESS_LINE_MAX - COMMON_NUMBERS_MAX) / COMMON_VALUES, /* escaped */
};
_Static_assert((int)FIELD_COUNT <= (int)ACCESS_FIELDS_MAX,
	       "the mask of dropped fields has a bit for each");

static const char *const side_prefix[] = {"request_", "origin_", "downstream_"};

struct line {
	char *at;
	size_t len;
	bool full;
	bool json;
};

/* Two bytes are kept for the end of the line. */
static void add(struct line *line, const char *at, size_t n)
{
	line->full |= n > ACCESS_LINE_MAX - 2 - line->len;
	if (line->full || n == 0)
		return;
	memcpy(line->at + line->len, at, n);
	line->len += n;
}

static void add_str(struct line *line, struct str text)
{
	add(line, text.at, text.len);
}

static void add_int(struct line *line, int64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (value < 0)
		add(line, "-", 1);
	add(line, digits + at, sizeof(digits) - at);
}

static void add_hex(struct line *line, const char *before, unsigned value, unsigned width)
{
	static const char digits[] = "0123456789abcdef";

	add_str(line, str_of(before));
	while (width--)
		add(line, &digits[value >> (4 * width) & 15], 1);
}

/* One character that cannot stand as it is. */
static void add_escape(struct line *line, unsigned char c, bool is_utf8)
{
	if (c == '"' || c == '\\')
		add(line, (char[]){'\\', (char)c}, 2);
	else if (!line->json)
		add_hex(line, "\\x", c, 2);
	else if (is_utf8)
		add_hex(line, "\\u", c, 4);
	else
		add_str(line, STR("\\ufffd"));
}

/* The inside of a value; runs of harmless characters are copied at once. */
static void add_escaped(struct line *line, struct str value)
{
	size_t from = 0;

	value = str_take(value, ACCESS_VALUE_MAX);
	for (size_t i = 0, n; i < value.len; i += n) {
		unsigned char c = (unsigned char)value.at[i];

		n = c < 0x80 ? 1 : str_utf8_len(str_from(value, i));
		if (n && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		add(line, value.at + from, i - from);
		add_escape(line, c, n > 0);
		n = 1;
		from = i + 1;
	}
	add(line, value.at ? value.at + from : NULL, value.len - from);
}

/* "2006-01-02T15:04:05.999999999Z": RFC 3339, the fraction without trailing zeros. */
static void add_time(struct line *line, uint64_t wall_ns, int32_t offset_s)
{
	struct date date = date_of((int64_t)(wall_ns / NS_PER_SEC) + offset_s);
	uint32_t fraction = (uint32_t)(wall_ns % NS_PER_SEC), scale = NS_PER_SEC / 10;
	char text[DATE_TEXT_MAX + 16];
	size_t n = date_print_iso(&date, text);

	if (fraction)
		text[n++] = '.';
	for (; fraction; scale /= 10) {
		text[n++] = (char)('0' + fraction / scale);
		fraction %= scale;
	}
	if (offset_s == 0)
		text[n++] = 'Z';
	add(line, text, n);
	if (offset_s == 0)
		return;
	uint32_t minutes = (uint32_t)(offset_s < 0 ? -offset_s : offset_s) / 60;
	char zone[6] = {offset_s < 0 ? '-' : '+',	 (char)('0' + minutes / 600 % 10),
			(char)('0' + minutes / 60 % 10), ':',
			(char)('0' + minutes % 60 / 10), (char)('0' + minutes % 10)};

	add(line, zone, sizeof(zone));
}

static void add_quoted(struct line *line, struct str value)
{
	add(line, "\"", 1);
	add_escaped(line, value);
	add(line, "\"", 1);
}

static void add_json_value(struct line *line, const struct field *field,
			   const struct access_conf *conf, const struct access_record *record)
{
	const void *member = (const char *)record + field->at;

	switch (field->type) {
	case FIELD_STR:
	case FIELD_STR_DASH: {
		struct str text = *(const struct str *)member;

		add_quoted(line, text.len ? text : STR("-"));
		break;
	}
	case FIELD_INT:
	case FIELD_INT_SET:
		add_int(line, *(const int64_t *)member);
		break;
	case FIELD_OVERHEAD:
		add_int(line, record->duration_ns - record->origin_duration_ns);
		break;
	case FIELD_TIME_UTC:
	case FIELD_TIME_LOCAL:
		add(line, "\"", 1);
		add_time(line, record->start_wall_ns,
			 field->type == FIELD_TIME_LOCAL ? conf->utc_offset_s : 0);
		add(line, "\"", 1);
		break;
	case FIELD_CONST:
		add_quoted(line, str_of(field->help));
		break;
	}
}

static bool is_absent(const struct field *field, const struct access_record *record)
{
	const void *member = (const char *)record + field->at;

	return (field->type == FIELD_STR && ((const struct str *)member)->len == 0) ||
	       (field->type == FIELD_INT_SET && *(const int64_t *)member == 0);
}

static void add_json_name(struct line *line, struct str prefix, struct str name)
{
	add(line, line->len > 1 ? ",\"" : "\"", line->len > 1 ? 2 : 1);
	add_str(line, prefix);
	/* Names of our fields are harmless; only headers have others. */
	if (prefix.len)
		add_escaped(line, name);
	else
		add_str(line, name);
	add(line, "\":", 2);
}

static void format_json(struct line *line, const struct access_conf *conf,
			const struct access_record *record)
{
	add(line, "{", 1);
	for (size_t i = 0; i < FIELD_COUNT + record->n_headers; i++) {
		size_t before = line->len;

		if (i >= FIELD_COUNT) {
			const struct access_header *header = &record->headers[i - FIELD_COUNT];

			add_json_name(line, str_of(side_prefix[header->side]), header->name);
			add_quoted(line, header->value);
		} else if (!(conf->dropped >> i & 1) && !is_absent(&fields[i], record)) {
			add_json_name(line, (struct str){0}, fields[i].name);
			add_json_value(line, &fields[i], conf, record);
		}
		if (line->full)
			line->len = before;
		line->full = false;
	}
	line->at[line->len++] = '}';
}

/* As much of text as takes COMMON_VALUE_MAX bytes when it is escaped; an escape is at most four
 * bytes long. */
static struct str cut(struct str text)
{
	size_t room = COMMON_VALUE_MAX, n = 0;

	if (text.len <= COMMON_VALUE_MAX / 4)
		return text;
	while (n < text.len) {
		unsigned char c = (unsigned char)text.at[n];
		size_t size = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' ? 1 : 4;

		if (room < size)
			break;
		room -= size;
		n++;
	}
	return str_take(text, n);
}

/*
 * The value of a text field for the common formats, "-" when it is empty or dropped. Cut so that
 * all of them fit: these formats have no fields that could be left out.
 */
static struct str plain(const struct access_conf *conf, const char *name, struct str text)
{
	/* Names are only looked up by those who drop some. */
	int i = conf->dropped ? access_log_field(str_of(name)) : -1;

	return text.len == 0 || (i >= 0 && conf->dropped >> i & 1) ? STR("-") : cut(text);
}

/*
 * "host - user [time] "GET /path HTTP/1.1" 200 17 "referer" "agent"" and what Traefik adds to it.
 */
static void format_common(struct line *line, const struct access_conf *conf,
			  const struct access_record *record)
{
	struct date date = date_of((int64_t)(record->start_wall_ns / NS_PER_SEC));
	char stamp[DATE_TEXT_MAX];

	add_escaped(line, plain(conf, "ClientHost", record->client_host));
	add_str(line, STR(" - "));
	add_escaped(line, plain(conf, "ClientUsername", record->client_user));
	add_str(line, STR(" ["));
	add(line, stamp, date_print_clf(&date, stamp));
	add_str(line, STR(" +0000] \""));
	add_escaped(line, plain(conf, "RequestMethod", record->request_method));
	add(line, " ", 1);
	add_escaped(line, plain(conf, "RequestPath", record->request_path));
	add(line, " ", 1);
	add_escaped(line, plain(conf, "RequestProtocol", record->request_protocol));
	add_str(line, STR("\" "));
	add_int(line, record->downstream_status);
	add(line, " ", 1);
	add_int(line, record->downstream_bytes);
	add(line, " ", 1);
	add_quoted(line, plain(conf, "", record->referer));
	add(line, " ", 1);
	add_quoted(line, plain(conf, "", record->user_agent));
	if (conf->format == ACCESS_GENERIC_CLF)
		return;
	add(line, " ", 1);
	add_int(line, record->request_count);
	add(line, " ", 1);
	add_quoted(line, plain(conf, "RouterName", record->router_name));
	add(line, " ", 1);
	add_quoted(line, plain(conf, "ServiceURL", record->service_url));
	add(line, " ", 1);
	add_int(line, record->duration_ns / NS_PER_MS);
	add_str(line, STR("ms"));
}

size_t access_log_format(const struct access_conf *conf, const struct access_record *record,
			 char ret_line[ACCESS_LINE_MAX])
{
	struct line line = {.at = ret_line, .json = conf->format == ACCESS_JSON};

	if (line.json)
		format_json(&line, conf, record);
	else
		format_common(&line, conf, record);
	ret_line[line.len++] = '\n';
	return line.len;
}

bool access_log_wanted(const struct access_conf *conf, const struct access_record *record)
{
	if (conf->n_status == 0 && !conf->retry_attempts && conf->min_duration_ns == 0)
		return true;
	for (size_t i = 0; i < conf->n_status; i++)
		if (record->downstream_status >= conf->status[i].from &&
		    record->downstream_status <= conf->status[i].to)
			return true;
	if (conf->retry_attempts && record->retry_attempts > 0)
		return true;
	return conf->min_duration_ns && record->duration_ns > conf->min_duration_ns;
}

int access_log_field(struct str name)
{
	for (int i = 0; i < FIELD_COUNT; i++)
		if (str_eq_nocase(fields[i].name, name))
			return i;
	return -1;
}

const char *access_log_field_name(size_t i, const char **ret_help)
{
	if (i >= FIELD_COUNT)
		return NULL;
	*ret_help = fields[i].type == FIELD_CONST ? "always the same" : fields[i].help;
	return fields[i].name.at;
}

int access_log_format_named(struct str name, enum access_format *ret_format)
{
	static const char *const names[] = {"common", "genericCLF", "json"};

	for (int i = 0; i < 3; i++)
		if (str_eq(name, str_of(names[i]))) {
			*ret_format = (enum access_format)i;
			return 0;
		}
	return -EINVAL;
}
