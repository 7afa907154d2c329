// SPDX-License-Identifier: Apache-2.0
/*
 * mw_conf_path: the field tables of the middlewares that look at or change the URL, the client's
 * address, or the Content-Type (reference c.1, c.2, c.4, c.14).
 *
 * Expressions are compiled trimmed where Traefik trims them, so their format is checked when they
 * are prepared, not here.
 */
#include "model/mw_conf_path.h"

static const struct field add_prefix_fields[] = {
	FIELD(struct mwc_add_prefix, prefix, .name = "prefix", .required = true, .min = 1,
	      .max = INT64_MAX, .format = "path",
	      .doc = "What is put before the path, unescaped; begins with a slash."),
};

const struct schema schema_mw_add_prefix = {
	.name = "addPrefix",
	.doc = "Puts a prefix before the path.",
	.size = sizeof(struct mwc_add_prefix),
	SCHEMA_FIELDS(add_prefix_fields),
};

static const struct field strip_prefix_regex_fields[] = {
	FIELD(struct mwc_strip_prefix_regex, regex, .name = "regex",
	      .doc = "Expressions for the beginning of the decoded path; what the first one that "
		     "matches there has matched is removed."),
};

const struct schema schema_mw_strip_prefix_regex = {
	.name = "stripPrefixRegex",
	.doc = "Removes a prefix of the path that matches an expression.",
	.size = sizeof(struct mwc_strip_prefix_regex),
	SCHEMA_FIELDS(strip_prefix_regex_fields),
};

static const struct field replace_path_fields[] = {
	FIELD(struct mwc_replace_path, path, .name = "path", .format = "value",
	      .doc = "The new path, escaped. The old one is told in X-Replaced-Path."),
};

const struct schema schema_mw_replace_path = {
	.name = "replacePath",
	.doc = "Replaces the path.",
	.size = sizeof(struct mwc_replace_path),
	SCHEMA_FIELDS(replace_path_fields),
};

static const struct field replace_path_regex_fields[] = {
	FIELD(struct mwc_replace_path_regex, regex, .name = "regex",
	      .doc = "Expression for the parts of the escaped path that are replaced."),
	FIELD(struct mwc_replace_path_regex, replacement, .name = "replacement",
	      .doc = "What replaces them, escaped; $1, ${1} and ${name} stand for groups ($1x for "
		     "the group named 1x)."),
};

const struct schema schema_mw_replace_path_regex = {
	.name = "replacePathRegex",
	.doc = "Replaces parts of the path.",
	.size = sizeof(struct mwc_replace_path_regex),
	SCHEMA_FIELDS(replace_path_regex_fields),
};

static const struct field redirect_regex_fields[] = {
	FIELD(struct mwc_redirect_regex, regex, .name = "regex", .format = "regex",
	      .doc = "Expression that the whole URL (scheme://host:port/path?query) must match."),
	FIELD(struct mwc_redirect_regex, replacement, .name = "replacement",
	      .doc = "What replaces the matches: the URL to go to; $1, ${1} and ${name} stand for "
		     "groups."),
	FIELD(struct mwc_redirect_regex, permanent, .name = "permanent",
	      .doc = "Redirects for ever: 301 or 308."),
};

const struct schema schema_mw_redirect_regex = {
	.name = "redirectRegex",
	.doc = "Redirects URLs that match an expression.",
	.size = sizeof(struct mwc_redirect_regex),
	SCHEMA_FIELDS(redirect_regex_fields),
};

static const struct field encoded_characters_fields[] = {
	FIELD(struct mwc_encoded_characters, slash, .name = "allowEncodedSlash",
	      .doc = "Allows %2F in the path."),
	FIELD(struct mwc_encoded_characters, back_slash, .name = "allowEncodedBackSlash",
	      .doc = "Allows %5C in the path."),
	FIELD(struct mwc_encoded_characters, null_character, .name = "allowEncodedNullCharacter",
	      .doc = "Allows %00 in the path."),
	FIELD(struct mwc_encoded_characters, semicolon, .name = "allowEncodedSemicolon",
	      .doc = "Allows %3B in the path."),
	FIELD(struct mwc_encoded_characters, percent, .name = "allowEncodedPercent",
	      .doc = "Allows %25 in the path."),
	FIELD(struct mwc_encoded_characters, question_mark, .name = "allowEncodedQuestionMark",
	      .doc = "Allows %3F in the path."),
	FIELD(struct mwc_encoded_characters, hash, .name = "allowEncodedHash",
	      .doc = "Allows %23 in the path."),
};

const struct schema schema_mw_encoded_characters = {
	.name = "encodedCharacters",
	.doc = "Refuses requests with escaped characters in the path that servers read in "
	       "different ways.",
	.size = sizeof(struct mwc_encoded_characters),
	SCHEMA_FIELDS(encoded_characters_fields),
};

static const struct field content_type_fields[] = {
	FIELD(struct mwc_content_type, auto_detect, .name = "autoDetect",
	      .doc = "Deprecated: the middleware detects by being there; false makes it do "
		     "nothing."),
};

const struct schema schema_mw_content_type = {
	.name = "contentType",
	.doc = "Guesses the Content-Type of responses without one from how their bodies begin.",
	.size = sizeof(struct mwc_content_type),
	SCHEMA_FIELDS(content_type_fields),
};

static const struct field ip_white_list_fields[] = {
	FIELD(struct mwc_ip_white_list, source_range, .name = "sourceRange", .required = true,
	      .min = 1, .max = INT64_MAX, .format = "cidr",
	      .doc = "Addresses that may make requests."),
	FIELD_SUB(struct mwc_ip_white_list, ip_strategy, &schema_ip_strategy, .name = "ipStrategy",
		  .doc = "How the client's address is found; the peer's address without it."),
};

const struct schema schema_mw_ip_white_list = {
	.name = "ipWhiteList",
	.doc = "Deprecated: use ipAllowList.",
	.size = sizeof(struct mwc_ip_white_list),
	SCHEMA_FIELDS(ip_white_list_fields),
};
