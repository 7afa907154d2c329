// SPDX-License-Identifier: Apache-2.0
/*
 * rule_parse: recursive descent over or, and, not, primary. Negation travels down as a flag, so
 * that the tree comes out with negation at the leaves only (De Morgan), and chains of one operator
 * come out flat.
 */

#include <errno.h>
#include <stdio.h>

#include "rule/matcher.h"
#include "rule/rule_lex.h"
#include "rule/rule_v2.h"

enum { MAX_TEXT_BYTES = 65535, MAX_DEPTH = 128, FIRST_CHILDREN = 4 };

struct parser {
	struct rule_lex lex;
	struct rule_token token; /* the next one */
	struct arena *arena;
	struct rule *owned; /* leaves with expressions, for when parsing fails */
	struct rule_fault *fault;
	unsigned int depth;
	int error;
	enum rule_syntax syntax;
	struct rule_arg args[RULE_ARGS_MAX]; /* of the matcher that is being read */
};

static struct rule *parse_or(struct parser *parser, bool negated);

static void advance(struct parser *parser)
{
	parser->token = rule_lex_next(&parser->lex);
}

/* The first fault counts: what follows it is guesswork. */
static void *fail_at(struct parser *parser, size_t column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void *fail_at(struct parser *parser, size_t column, const char *format, ...)
{
	va_list args;

	if (parser->error)
		return NULL;
	parser->error = -EINVAL;
	parser->fault->column = column;
	va_start(args, format);
	vsnprintf(parser->fault->message, sizeof(parser->fault->message), format, args);
	va_end(args);
	return NULL;
}

static void *no_memory(struct parser *parser)
{
	if (!parser->error) {
		parser->error = -ENOMEM;
		parser->fault->column = 0;
		snprintf(parser->fault->message, sizeof(parser->fault->message), "out of memory");
	}
	return NULL;
}

/* What the next token is, when something else was expected. */
static void *unexpected(struct parser *parser, const char *expected)
{
	const struct rule_token *token = &parser->token;
	struct str text = str_take(token->value, 40);

	switch (token->kind) {
	case RULE_TOKEN_BAD:
		return fail_at(parser, token->column, STR_FMT, STR_ARG(token->value));
	case RULE_TOKEN_END:
		return fail_at(parser, token->column, "expected %s, found the end of the rule",
			       expected);
	case RULE_TOKEN_NEWLINE:
		return fail_at(
			parser, token->column,
			"the line ends the rule here: put the operator or comma at the end of "
			"this line");
	case RULE_TOKEN_OPERATOR:
		return fail_at(parser, token->column, "operator " STR_FMT " is not supported",
			       STR_ARG(text));
	case RULE_TOKEN_LITERAL:
		return fail_at(parser, token->column, "expected %s, found " STR_FMT, expected,
			       STR_ARG(text));
	case RULE_TOKEN_STRING:
		return fail_at(parser, token->column, "expected %s, found a string", expected);
	default:
		return fail_at(parser, token->column, "expected %s, found " STR_FMT, expected,
			       STR_ARG(text));
	}
}

static bool take(struct parser *parser, enum rule_token_kind kind, const char *expected)
{
	if (parser->token.kind != kind) {
		unexpected(parser, expected);
		return false;
	}
	advance(parser);
	return true;
}

/* ( "a" , "b" [,] ): into parser->args; too many are counted, not kept. */
static bool parse_args(struct parser *parser, size_t *ret_n)
{
	size_t n = 0;

	if (!take(parser, RULE_TOKEN_OPEN, "("))
		return false;
	while (parser->token.kind != RULE_TOKEN_CLOSE) {
		const struct rule_token *token = &parser->token;

		if (token->kind == RULE_TOKEN_LITERAL || token->kind == RULE_TOKEN_NAME) {
			fail_at(parser, token->column,
				"an argument must be a string: write `" STR_FMT "`",
				STR_ARG(str_take(token->value, 40)));
			return false;
		}
		if (token->kind != RULE_TOKEN_STRING) {
			unexpected(parser, "a string");
			return false;
		}
		if (token->value.len == 0) {
			fail_at(parser, token->column, "an argument must not be empty");
			return false;
		}
		if (n < RULE_ARGS_MAX)
			parser->args[n] = (struct rule_arg){token->value, token->column};
		n++;
		advance(parser);
		if (parser->token.kind == RULE_TOKEN_COMMA)
			advance(parser);
		else if (parser->token.kind != RULE_TOKEN_CLOSE) {
			unexpected(parser, ", or )");
			return false;
		}
	}
	*ret_n = n;
	return true;
}

/* What is told of a matcher before its arguments are checked. */
struct leaf_place {
	struct str name;
	size_t column, end;
	bool negated;
};

/* A leaf of a kind, with copies of args; columns are those of the arguments. */
static struct rule *make_leaf(struct parser *parser, const struct leaf_place *place,
			      enum matcher_kind kind, const struct rule_arg *args, size_t n,
			      bool first_value)
{
	struct rule *leaf = ARENA_NEW(parser->arena, struct rule);
	char why[RULE_WHY_BYTES] = "";
	int bad;

	if (!leaf)
		return no_memory(parser);
	*leaf = (struct rule){.op = RULE_LEAF,
			      .kind = (uint8_t)kind,
			      .negated = place->negated,
			      .first_value = first_value,
			      .n_args = (uint8_t)n,
			      .column = (uint16_t)place->column,
			      .end = (uint16_t)place->end};
	for (size_t i = 0; i < n; i++) {
		leaf->args[i] = arena_str(parser->arena, args[i].value);
		if (!leaf->args[i].at)
			return no_memory(parser);
	}
	bad = matcher_table[kind].check(leaf, parser->arena, why);
	if (leaf->regex) {
		leaf->next_owned = parser->owned;
		parser->owned = leaf;
	}
	if (bad >= 0)
		return fail_at(parser, args[bad].column, STR_FMT ": %s", STR_ARG(place->name), why);
	return parser->arena->failed ? no_memory(parser) : leaf;
}

static bool is_v2(const struct parser *parser)
{
	return parser->syntax == RULE_V2 || parser->syntax == RULE_TCP_V2;
}

static bool is_tcp(const struct parser *parser)
{
	return parser->syntax == RULE_TCP_V3 || parser->syntax == RULE_TCP_V2;
}

static struct rule *unknown_matcher(struct parser *parser)
{
	struct str name = str_take(parser->token.value, 60);
	struct str meant = is_v2(parser) ? rule_v2_suggest(parser->token.value, is_tcp(parser))
					 : matcher_suggest(parser->token.value, is_tcp(parser));

	if (meant.len == 0)
		return fail_at(parser, parser->token.column, "unknown matcher " STR_FMT,
			       STR_ARG(name));
	return fail_at(parser, parser->token.column,
		       "unknown matcher " STR_FMT "; did you mean " STR_FMT "?", STR_ARG(name),
		       STR_ARG(meant));
}

static struct rule *parse_leaf_v3(struct parser *parser, bool negated)
{
	struct leaf_place place = {.column = parser->token.column, .negated = negated};
	int kind = matcher_find(parser->token.value, is_tcp(parser));
	const struct matcher *matcher;
	size_t n = 0;

	if (kind < 0)
		return unknown_matcher(parser);
	matcher = &matcher_table[kind];
	place.name = matcher->name;
	advance(parser);
	if (!parse_args(parser, &n))
		return NULL;
	place.end = parser->token.end;
	if (n < matcher->min_args || n > matcher->max_args)
		return fail_at(parser, place.column, STR_FMT " takes %s, found %zu",
			       STR_ARG(matcher->name),
			       matcher->max_args == 1	? "one argument"
			       : matcher->min_args == 2 ? "two arguments"
							: "one or two arguments",
			       n);
	advance(parser);
	return make_leaf(parser, &place, (enum matcher_kind)kind, parser->args, n, false);
}

static bool add_child(struct parser *parser, struct rule *node, size_t *cap,
		      const struct rule *child);

/* The terms as a tree; "all of them" turns into "one of them" where it is negated. */
static struct rule *join_terms(struct parser *parser, const struct leaf_place *place,
			       const struct rule_v2_terms *terms)
{
	struct rule *node = ARENA_NEW(parser->arena, struct rule);
	size_t cap = 0;

	if (!node || !terms->at)
		return no_memory(parser);
	node->op = terms->all != place->negated ? RULE_AND : RULE_OR;
	for (size_t i = 0; i < terms->n; i++) {
		const struct rule_v2_term *term = &terms->at[i];
		struct rule_arg args[2] = {{term->args[0], term->column},
					   {term->args[1], term->column}};
		struct rule *leaf =
			make_leaf(parser, place, term->kind, args, term->n_args, term->first_value);

		if (!leaf || terms->n == 1)
			return leaf;
		if (!add_child(parser, node, &cap, leaf))
			return NULL;
	}
	return node;
}

static struct rule *parse_leaf_v2(struct parser *parser, bool negated)
{
	struct leaf_place place = {.column = parser->token.column, .negated = negated};
	int index = rule_v2_find(parser->token.value, is_tcp(parser));
	char why[RULE_WHY_BYTES] = "";
	struct rule_v2_terms terms;
	size_t n = 0, bad = 0;

	if (index < 0)
		return unknown_matcher(parser);
	place.name = rule_v2_name(index);
	advance(parser);
	if (!parse_args(parser, &n))
		return NULL;
	place.end = parser->token.end;
	if (n > RULE_ARGS_MAX)
		return fail_at(parser, place.column, STR_FMT " has more than %d arguments",
			       STR_ARG(place.name), RULE_ARGS_MAX);
	if (!rule_v2_translate(index, parser->args, n, parser->arena, &terms, &bad, why))
		return fail_at(parser, bad < n ? parser->args[bad].column : place.column,
			       STR_FMT "%s %s", STR_ARG(place.name), bad < n ? ":" : "", why);
	advance(parser);
	return join_terms(parser, &place, &terms);
}

static struct rule *parse_group(struct parser *parser, bool negated)
{
	struct rule *inner;

	advance(parser);
	inner = parse_or(parser, negated);
	return inner && take(parser, RULE_TOKEN_CLOSE, "&&, || or )") ? inner : NULL;
}

static struct rule *parse_unary(struct parser *parser, bool negated)
{
	struct rule *inner = NULL;

	if (++parser->depth > MAX_DEPTH)
		return fail_at(parser, parser->token.column, "nested deeper than %d", MAX_DEPTH);
	switch (parser->token.kind) {
	case RULE_TOKEN_NOT:
		advance(parser);
		inner = parse_unary(parser, !negated);
		break;
	case RULE_TOKEN_OPEN:
		inner = parse_group(parser, negated);
		break;
	case RULE_TOKEN_NAME:
		inner = is_v2(parser) ? parse_leaf_v2(parser, negated)
				      : parse_leaf_v3(parser, negated);
		break;
	default:
		unexpected(parser, "a matcher");
	}
	parser->depth--;
	return inner;
}

static bool add_child(struct parser *parser, struct rule *node, size_t *cap,
		      const struct rule *child)
{
	if (node->n_children == *cap) {
		size_t more = *cap ? *cap * 2 : FIRST_CHILDREN;
		const struct rule **children =
			ARENA_ARRAY(parser->arena, const struct rule *, more);

		if (!children) {
			no_memory(parser);
			return false;
		}
		if (node->n_children)
			memcpy(children, node->children, node->n_children * sizeof(*children));
		node->children = children;
		*cap = more;
	}
	node->children[node->n_children++] = child;
	return true;
}

/* A child with the parent's own operator gives its children: (a && b) && c is a && b && c. */
static bool add_flat(struct parser *parser, struct rule *node, size_t *cap,
		     const struct rule *child)
{
	if (child->op != node->op)
		return add_child(parser, node, cap, child);
	for (size_t i = 0; i < child->n_children; i++) {
		if (!add_child(parser, node, cap, child->children[i]))
			return false;
	}
	return true;
}

/* One level of the grammar: items joined by one operator; made an AND or OR node when there are two
 * or more. */
static struct rule *parse_chain(struct parser *parser, bool negated, enum rule_token_kind joiner,
				struct rule *(*item)(struct parser *, bool))
{
	bool is_and = (joiner == RULE_TOKEN_AND) != negated;
	struct rule *node, *child = item(parser, negated);
	size_t cap = 0;

	if (!child || parser->token.kind != joiner)
		return child;
	node = ARENA_NEW(parser->arena, struct rule);
	if (!node)
		return no_memory(parser);
	node->op = is_and ? RULE_AND : RULE_OR;
	while (add_flat(parser, node, &cap, child)) {
		if (parser->token.kind != joiner)
			return node;
		advance(parser);
		child = item(parser, negated);
		if (!child)
			return NULL;
	}
	return NULL;
}

static struct rule *parse_and(struct parser *parser, bool negated)
{
	return parse_chain(parser, negated, RULE_TOKEN_AND, parse_unary);
}

static struct rule *parse_or(struct parser *parser, bool negated)
{
	return parse_chain(parser, negated, RULE_TOKEN_OR, parse_and);
}

enum rule_syntax rule_syntax_of(struct str word)
{
	return str_eq(word, STR("v2")) ? RULE_V2 : RULE_V3;
}

enum rule_syntax rule_syntax_tcp_of(struct str word)
{
	return str_eq(word, STR("v2")) ? RULE_TCP_V2 : RULE_TCP_V3;
}

int rule_parse(struct str text, struct arena *arena, const struct rule **ret_rule,
	       struct rule_fault *ret_fault)
{
	return rule_parse_as(RULE_V3, text, arena, ret_rule, ret_fault);
}

int rule_parse_as(enum rule_syntax syntax, struct str text, struct arena *arena,
		  const struct rule **ret_rule, struct rule_fault *ret_fault)
{
	struct parser parser = {.lex = {.text = text, .arena = arena},
				.arena = arena,
				.fault = ret_fault,
				.syntax = syntax};
	struct rule *root;

	if (text.len > MAX_TEXT_BYTES) {
		fail_at(&parser, MAX_TEXT_BYTES, "the rule is longer than %d bytes",
			MAX_TEXT_BYTES);
		return -EINVAL;
	}
	advance(&parser);
	if (parser.token.kind == RULE_TOKEN_END) {
		fail_at(&parser, 0, "the rule is empty");
		return -EINVAL;
	}
	root = parse_or(&parser, false);
	if (root) {
		/* A newline after the last operand is fine as long as nothing follows it. */
		struct rule_token newline = parser.token;

		if (newline.kind == RULE_TOKEN_NEWLINE)
			advance(&parser);
		if (parser.token.kind != RULE_TOKEN_END) {
			if (newline.kind == RULE_TOKEN_NEWLINE)
				parser.token = newline;
			unexpected(&parser, "&& or ||");
		}
	}
	if (parser.error) {
		for (struct rule *leaf = parser.owned; leaf; leaf = leaf->next_owned)
			regex_free(leaf->regex);
		return parser.error;
	}
	*ret_rule = root;
	return 0;
}

void rule_done(const struct rule *root)
{
	if (!root)
		return;
	if (root->op == RULE_LEAF)
		regex_free(root->regex);
	for (size_t i = 0; i < root->n_children; i++)
		rule_done(root->children[i]);
}
