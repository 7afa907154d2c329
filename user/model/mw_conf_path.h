/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_CONF_PATH_H
#define MW_CONF_PATH_H

/* mw_conf_path: settings of the middlewares that look at or change the URL, the client's address,
 * or the Content-Type (reference c.1, c.2, c.4, c.14). */

#include "model/mw_conf.h"

struct mwc_add_prefix {
	struct str prefix;
};

struct mwc_strip_prefix_regex {
	struct strs regex;
};

struct mwc_replace_path {
	struct str path;
};

struct mwc_replace_path_regex {
	struct str regex, replacement;
};

struct mwc_redirect_regex {
	struct str regex, replacement;
	bool permanent;
};

/* What is allowed. */
struct mwc_encoded_characters {
	bool slash, back_slash, null_character, semicolon, percent, question_mark, hash;
};

struct mwc_content_type {
	struct opt_bool auto_detect;
};

struct mwc_ip_white_list {
	struct strs source_range;
	struct ip_strategy *ip_strategy;
};

extern const struct schema schema_mw_add_prefix, schema_mw_strip_prefix_regex;
extern const struct schema schema_mw_replace_path, schema_mw_replace_path_regex;
extern const struct schema schema_mw_redirect_regex, schema_mw_encoded_characters;
extern const struct schema schema_mw_content_type, schema_mw_ip_white_list;

#endif
