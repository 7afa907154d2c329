// SPDX-License-Identifier: Apache-2.0
/* reading: no decisions but defaults. */

#include "plan/reading.h"

#include <errno.h>

enum { HEADERS_MAX = 1000 };

int reading_cidrs(const struct strs *texts, struct arena *arena, struct cidr_set *ret_set)
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

int reading_init(struct reading *reading, const struct static_entry_point *conf,
		 const struct static_config *config, struct str server_name, struct arena *arena)
{
	const struct ep_forwarded_headers *headers = &conf->forwarded_headers;
	int64_t max_headers = config->limits.max_header_count;
	int64_t max_bytes = conf->http.max_header_bytes;
	struct cidr_set trusted;
	int error = reading_cidrs(&headers->trusted_ips, arena, &trusted);

	if (error)
		return error;
	*reading = (struct reading){
		.limits = {.max_head_bytes = max_bytes > 0 && max_bytes < UINT32_MAX
						     ? (uint32_t)max_bytes
						     : H1_MAX_HEAD_BYTES,
			   .max_headers = max_headers > 0 && max_headers <= HEADERS_MAX
						  ? (uint16_t)max_headers
						  : H1_MAX_HEADERS},
		.canon = {.keep_path = !conf->http.sanitize_path,
			  .encode_query_semicolons = conf->http.encode_query_semicolons},
		.denied_escapes = denied_of(conf->http.encoded_characters),
		.forwarded = {.insecure = headers->insecure,
			      .not_append_for = headers->not_append_x_forwarded_for ||
						config->global.not_append_x_forwarded_for,
			      .add_scheme_headers = headers->add_x_forwarded_scheme_headers,
			      .underscores = underscores_of(conf->http.underscore_headers_strategy),
			      .n_trusted = (uint16_t)trusted.n,
			      .trusted = trusted.at,
			      .n_connection = (uint16_t)headers->connection.n,
			      .connection = headers->connection.at,
			      .server = server_name},
	};
	return 0;
}
