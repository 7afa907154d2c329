// SPDX-License-Identifier: Apache-2.0
/* entry: no decisions but defaults. */

#include "proxy/entry.h"

#include <errno.h>

#include "base/clock.h"

enum { READ_HEADER_S = 10, IDLE_S = 180, HEADERS_MAX = 1000 };

static uint64_t or_else(struct duration duration, uint64_t else_s)
{
	return duration.ns > 0 ? (uint64_t)duration.ns : else_s * NS_PER_SEC;
}

static int parse_cidrs(const struct strs *texts, struct arena *arena, struct cidr_set *ret_set)
{
	struct cidr_set set = {ARENA_ARRAY(arena, struct cidr, texts->n + 1), 0};

	if (!set.at)
		return -ENOMEM;
	/* The schema has checked them: what does not parse cannot be here. */
	for (size_t i = 0; i < texts->n; i++)
		if (cidr_parse(texts->at[i], &set.at[set.n]) == 0)
			set.n++;
	cidr_set_sort(&set);
	*ret_set = set;
	return 0;
}

static uint8_t underscores_of(struct str strategy)
{
	if (str_eq_nocase(strategy, STR("keep")))
		return FORWARDED_UNDERSCORES_KEEP;
	if (str_eq_nocase(strategy, STR("reject")))
		return FORWARDED_UNDERSCORES_REJECT;
	return FORWARDED_UNDERSCORES_DELETE;
}

static unsigned int denied_of(const struct ep_encoded_characters *allowed)
{
	if (!allowed)
		return 0;
	return (allowed->slash ? 0U : CANON_ENCODED_SLASH) |
	       (allowed->back_slash ? 0U : CANON_ENCODED_BACKSLASH) |
	       (allowed->null_character ? 0U : CANON_ENCODED_NUL) |
	       (allowed->semicolon ? 0U : CANON_ENCODED_SEMICOLON) |
	       (allowed->percent ? 0U : CANON_ENCODED_PERCENT) |
	       (allowed->question_mark ? 0U : CANON_ENCODED_QUESTION_MARK) |
	       (allowed->hash ? 0U : CANON_ENCODED_HASH);
}

static void init_times(struct entry *entry, const struct ep_transport *transport)
{
	const struct ep_responding_timeouts *timeouts = &transport->responding_timeouts;

	entry->idle_ns = or_else(timeouts->idle, IDLE_S);
	entry->read_ns = or_else(timeouts->read, ENTRY_WAIT_MAX_S);
	entry->read_header_ns = or_else(timeouts->read_header, READ_HEADER_S);
	if (entry->read_header_ns > entry->read_ns)
		entry->read_header_ns = entry->read_ns;
	entry->write_ns = or_else(timeouts->write, 0);
	entry->write_stall_ns = (uint64_t)ENTRY_WRITE_STALL_S * NS_PER_SEC;
	entry->handshake_ns = (uint64_t)ENTRY_HANDSHAKE_S * NS_PER_SEC;
	entry->keep_alive_max_ns = or_else(transport->keep_alive_max_time, 0);
	entry->keep_alive_max_requests = transport->keep_alive_max_requests > 0
						 ? (uint64_t)transport->keep_alive_max_requests
						 : 0;
}

static int init_forwarded(struct entry *entry, const struct static_config *config,
			  struct str server_name, struct arena *arena)
{
	const struct ep_forwarded_headers *conf = &entry->conf->forwarded_headers;
	struct cidr_set trusted;
	int error = parse_cidrs(&conf->trusted_ips, arena, &trusted);

	if (error)
		return error;
	entry->forwarded = (struct forwarded_options){
		.insecure = conf->insecure,
		.not_append_for = conf->not_append_x_forwarded_for ||
				  config->global.not_append_x_forwarded_for,
		.add_scheme_headers = conf->add_x_forwarded_scheme_headers,
		.underscores = underscores_of(entry->conf->http.underscore_headers_strategy),
		.n_trusted = (uint16_t)trusted.n,
		.trusted = trusted.at,
		.n_connection = (uint16_t)conf->connection.n,
		.connection = conf->connection.at,
		.server = server_name,
	};
	return 0;
}

int entry_init(struct entry *entry, uint16_t index, const struct static_entry_point *conf,
	       const struct static_config *config, struct str server_name, struct arena *arena)
{
	const struct ep_http *http = &conf->http;
	int64_t max_headers = config->limits.max_header_count;
	int error;

	*entry = (struct entry){
		.index = index,
		.name = conf->name,
		.conf = conf,
		.limits = {.max_head_bytes = http->max_header_bytes > 0
						     ? (uint32_t)http->max_header_bytes
						     : H1_MAX_HEAD_BYTES,
			   .max_headers = max_headers > 0 && max_headers <= HEADERS_MAX
						  ? (uint16_t)max_headers
						  : H1_MAX_HEADERS},
		.canon = {.keep_path = !http->sanitize_path,
			  .encode_query_semicolons = http->encode_query_semicolons},
		.denied_escapes = denied_of(http->encoded_characters),
	};
	init_times(entry, &conf->transport);
	error = init_forwarded(entry, config, server_name, arena);
	if (error || !conf->proxy_protocol)
		return error;
	entry->reads_proxy_header = true;
	entry->proxy_header_insecure = conf->proxy_protocol->insecure;
	return parse_cidrs(&conf->proxy_protocol->trusted_ips, arena, &entry->proxy_trusted);
}

bool entry_trusts_proxy_header(const struct entry *entry, const struct addr *peer)
{
	return entry->proxy_header_insecure || cidr_set_contains(&entry->proxy_trusted, peer);
}
