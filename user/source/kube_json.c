// SPDX-License-Identifier: Apache-2.0
/*
 * kube_json: as it is, which is nearly always; what fails is rewritten once, and read again. Bytes
 * that are no JSON are copied as they are, so that the second reading refuses them too.
 */
#include "source/kube_json.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/num.h"

enum { DEPTH_MAX = 512 };

struct rewrite {
	struct str rest;
	struct buf out;
	int depth; /* of what is written */
};

static struct str take_n(struct rewrite *rewrite, size_t n)
{
	struct str taken = str_take(rewrite->rest, n);

	rewrite->rest = str_from(rewrite->rest, n);
	return taken;
}

/* With both quotes. */
static void take_string(struct rewrite *rewrite, bool is_kept)
{
	struct str piece = take_n(rewrite, 1);

	while (rewrite->rest.len) {
		if (is_kept)
			buf_add(&rewrite->out, piece);
		if (str_starts(rewrite->rest, STR("\\u0000"))) {
			take_n(rewrite, strlen("\\u0000"));
			piece = STR("\\uFFFD");
		} else if (rewrite->rest.at[0] == '\\') {
			piece = take_n(rewrite, 2);
		} else {
			piece = take_n(rewrite, 1);
			if (piece.at[0] == '"')
				break;
		}
	}
	if (is_kept)
		buf_add(&rewrite->out, piece);
}

static void take_number(struct rewrite *rewrite)
{
	struct str number = {rewrite->rest.at, 0};
	int64_t value;

	while (number.len < rewrite->rest.len && (isalnum((unsigned char)number.at[number.len]) ||
						  strchr("+-.", number.at[number.len])))
		number.len++;
	take_n(rewrite, number.len);
	buf_add(&rewrite->out, number);
	/* Of an integer that does not fit: an exponent makes it a real. */
	if (str_find(number, '.') < 0 && str_find(number, 'e') < 0 && str_find(number, 'E') < 0 &&
	    num_int64(str_starts(number, STR("-")) ? str_from(number, 1) : number, &value))
		buf_add(&rewrite->out, STR("e0"));
}

/* Up to the bracket that closes the one that comes first. */
static void skip_value(struct rewrite *rewrite)
{
	size_t depth = 0;

	while (rewrite->rest.len) {
		char c = rewrite->rest.at[0];

		if (c == '"') {
			take_string(rewrite, false);
			continue;
		}
		take_n(rewrite, 1);
		depth += c == '[' || c == '{';
		depth -= c == ']' || c == '}';
		if (!depth)
			break;
	}
	buf_add(&rewrite->out, STR("null"));
}

static void take_any(struct rewrite *rewrite)
{
	char c = rewrite->rest.at[0];

	if (c == '"') {
		take_string(rewrite, true);
	} else if (c == '-' || isdigit((unsigned char)c)) {
		take_number(rewrite);
	} else if ((c == '[' || c == '{') && rewrite->depth == DEPTH_MAX) {
		skip_value(rewrite);
	} else {
		rewrite->depth += c == '[' || c == '{';
		rewrite->depth -= c == ']' || c == '}';
		buf_add(&rewrite->out, take_n(rewrite, 1));
	}
}

static bool can_be_rewritten(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);

	return code == json_error_null_character || code == json_error_null_byte_in_key ||
	       code == json_error_numeric_overflow || code == json_error_stack_overflow;
}

json_t *kube_json_load(struct str text)
{
	struct rewrite rewrite = {.rest = text};
	json_error_t error;
	json_t *json = json_loadb(text.at ? text.at : "", text.len, 0, &error);

	if (json || !can_be_rewritten(&error))
		return json;
	/* "1,2" of integers that do not fit grows by two bytes each. */
	buf_init(&rewrite.out, text.len * 2 + 1);
	while (rewrite.rest.len)
		take_any(&rewrite);
	if (!rewrite.out.failed)
		json = json_loadb(rewrite.out.at, rewrite.out.len, 0, NULL);
	if (rewrite.out.at)
		explicit_bzero(rewrite.out.at, rewrite.out.len);
	buf_done(&rewrite.out);
	return json;
}
