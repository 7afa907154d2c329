/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACCESS_LOG_H
#define ACCESS_LOG_H

/*
 * access_log: one finished request as one line (reference/traefik.md h.2): common, genericCLF or
 * JSON.
 *
 * Pure formatting of a record into room that the caller has; who writes the line, and when, is not
 * known here. The fields stand in one table (access_log.c): formats, names for fields.names and the
 * reference page come from it. Every value is escaped: no byte of a request can end a line or forge
 * a field.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum access_format { ACCESS_COMMON, ACCESS_GENERIC_CLF, ACCESS_JSON };

enum {
	ACCESS_LINE_MAX = 16384, /* room that is always enough: longer fields are cut or left out */
	ACCESS_VALUE_MAX = 4096,
	ACCESS_FIELDS_MAX = 64,
};

enum access_side { ACCESS_REQUEST, ACCESS_ORIGIN, ACCESS_DOWNSTREAM };

/* A header that the configuration asks for; name is canonical ("User-Agent"), redacted values
 * replaced. */
struct access_header {
	enum access_side side;
	struct str name, value;
};

/* Everything borrows for the time of the call. Empty texts and zero numbers mean "not known". */
struct access_record {
	uint64_t start_wall_ns;
	int64_t duration_ns, origin_duration_ns; /* overhead is the difference */
	struct str router_name, service_name;
	struct str service_url;	 /* "http://10.0.0.1:80" */
	struct str service_addr; /* "10.0.0.1:80" */
	struct str client_addr;	 /* "203.0.113.9:51000" */
	struct str client_host;	 /* X-Forwarded-For as it came, else the address */
	struct str client_port;
	struct str client_user;
	struct str request_addr; /* Host as it came */
	struct str request_host, request_port;
	struct str request_method;
	struct str request_path;     /* with the query */
	struct str request_protocol; /* "HTTP/1.1" */
	struct str request_scheme;
	struct str entry_point;
	struct str referer, user_agent; /* for the common formats */
	struct str tls_version, tls_cipher, tls_client_subject;
	struct str trace_id, span_id;
	struct str request_id;
	int64_t request_bytes, origin_bytes, downstream_bytes; /* of bodies */
	int64_t origin_status;				       /* 0: the proxy answered itself */
	int64_t downstream_status;
	int64_t request_count; /* of this program, from 1 */
	int64_t retry_attempts;
	const struct access_header *headers;
	size_t n_headers;
};

struct access_conf {
	enum access_format format;
	uint64_t dropped;     /* bit i: field i of the table is left out (JSON) or "-" (common) */
	int32_t utc_offset_s; /* of StartLocal */
	/* Filters; a line is written when there is none, or one of them lets it pass. */
	struct access_status_range {
		uint16_t from, to;
	} * status;
	size_t n_status;
	bool retry_attempts;
	int64_t min_duration_ns; /* 0: no such filter */
};

/* Whether the filters let the record pass. */
bool access_log_wanted(const struct access_conf *conf, const struct access_record *record);
/* Writes the line with its line end, at most ACCESS_LINE_MAX bytes, no NUL; returns its length. */
size_t access_log_format(const struct access_conf *conf, const struct access_record *record,
			 char ret_line[ACCESS_LINE_MAX]);

/* Number of the field with this name (case does not matter), or -1: for access_conf.dropped. */
int access_log_field(struct str name);
/* Name and meaning of field i, for the reference page; NULL beyond the last. */
const char *access_log_field_name(size_t i, const char **ret_help);
/* "common", "genericCLF", "json"; -EINVAL for another. */
int access_log_format_named(struct str name, enum access_format *ret_format);

#endif
