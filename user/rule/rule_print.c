// SPDX-License-Identifier: Apache-2.0
/* rule_print: trees as text. Strings are raw where they can be, else interpreted with the few
 * escapes that need be. */

#include <stdio.h>

#include "base/buf.h"
#include "rule/matcher.h"

enum { MAX_PRINT_BYTES = 1 << 20 };

static void print_string(struct buf *buf, struct str text, struct str tail)
{
	char escape[5];

	if (str_find(text, '`') < 0 && str_find(text, '\r') < 0) {
		buf_add_char(buf, '`');
		buf_add(buf, text);
		buf_add(buf, tail);
		buf_add_char(buf, '`');
		return;
	}
	buf_add_char(buf, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
			snprintf(escape, sizeof(escape), "\\x%02x", c);
			buf_add(buf, str_of(escape));
		} else {
			buf_add_char(buf, (char)c);
		}
	}
	buf_add(buf, tail);
	buf_add_char(buf, '"');
}

static void print_leaf(struct buf *buf, const struct rule *leaf)
{
	if (leaf->negated)
		buf_add_char(buf, '!');
	buf_add(buf, matcher_table[leaf->kind].name);
	buf_add_char(buf, '(');
	for (size_t i = 0; i < leaf->n_args; i++) {
		if (i > 0)
			buf_add(buf, STR(", "));
		/* A host loses one final dot when it is parsed, so one that still has a dot had
		 * two. */
		bool is_host = leaf->kind == MATCH_HOST || leaf->kind == MATCH_HOST_SNI;
		bool had_dot =
			is_host && leaf->args[i].len > 1 && str_ends(leaf->args[i], STR("."));

		print_string(buf, leaf->args[i], had_dot ? STR(".") : STR(""));
	}
	buf_add_char(buf, ')');
}

/* && binds tighter than ||: only an OR inside an AND needs parentheses. */
static void print_rule(struct buf *buf, const struct rule *rule, bool in_and)
{
	bool is_group = in_and && rule->op == RULE_OR;

	if (rule->op == RULE_LEAF) {
		print_leaf(buf, rule);
		return;
	}
	if (is_group)
		buf_add_char(buf, '(');
	for (size_t i = 0; i < rule->n_children; i++) {
		if (i > 0)
			buf_add(buf, rule->op == RULE_AND ? STR(" && ") : STR(" || "));
		print_rule(buf, rule->children[i], rule->op == RULE_AND);
	}
	if (is_group)
		buf_add_char(buf, ')');
}

static struct str taken(struct buf *buf, struct arena *arena)
{
	struct str text = {0};

	if (!buf->failed)
		text = arena_str(arena, str_n(buf->at, buf->len));
	buf_done(buf);
	return text;
}

struct str rule_print(const struct rule *root, struct arena *arena)
{
	struct buf buf;

	buf_init(&buf, MAX_PRINT_BYTES);
	print_rule(&buf, root, false);
	return taken(&buf, arena);
}

struct str rule_print_leaf(const struct rule *leaf, struct arena *arena)
{
	struct buf buf;

	buf_init(&buf, MAX_PRINT_BYTES);
	print_leaf(&buf, leaf);
	return taken(&buf, arena);
}
