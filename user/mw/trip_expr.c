// SPDX-License-Identifier: Apache-2.0
/* trip_expr: recursive descent, one function for each line of the grammar in the header. */

#include "mw/trip_expr.h"

#include <errno.h>
#include <stdio.h>

#include "base/num.h"

enum node_op { OR, AND, TEST };
enum compare { ALONE, EQ, NE, LT, LE, GT, GE, COMPARE__COUNT };

static const char *const compare_texts[] = {
	[ALONE] = "", [EQ] = "==", [NE] = "!=", [LT] = "<", [LE] = "<=", [GT] = ">", [GE] = ">=",
};

struct trip_expr {
	uint8_t op;	 /* enum node_op */
	uint8_t compare; /* enum compare, of a test */
	const struct trip_expr *left, *right;
	const struct trip_function *function;
	size_t function_index;
	double args[TRIP_ARGS], number;
	struct str text;
};

struct parsing {
	struct str text;
	size_t at, depth;
	const struct trip_function *functions;
	size_t n_functions;
	struct arena *arena;
	struct trip_fault *fault;
	int error;
};

static struct trip_expr *fail(struct parsing *p, size_t column, const char *message,
			      struct str word)
{
	if (p->error)
		return NULL;
	p->error = -EINVAL;
	p->fault->column = column;
	snprintf(p->fault->message, sizeof(p->fault->message), message,
		 STR_ARG(str_take(word, 64)));
	return NULL;
}

static struct trip_expr *new_node(struct parsing *p, enum node_op op)
{
	struct trip_expr *node = ARENA_NEW(p->arena, struct trip_expr);

	if (!node)
		p->error = -ENOMEM;
	else
		node->op = (uint8_t)op;
	return node;
}

static void skip_blanks(struct parsing *p)
{
	while (p->at < p->text.len && strchr(" \t\r\n", p->text.at[p->at]) && p->text.at[p->at])
		p->at++;
}

static struct str rest(struct parsing *p)
{
	skip_blanks(p);
	return str_from(p->text, p->at);
}

static bool take(struct parsing *p, const char *mark)
{
	if (!str_starts(rest(p), str_of(mark)))
		return false;
	p->at += strlen(mark);
	return true;
}

static bool is_word(char c)
{
	char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The word, mark or byte that stands here, for messages. */
static struct str here(struct parsing *p)
{
	struct str text = rest(p);
	size_t n = 0;

	while (n < text.len && is_word(text.at[n]))
		n++;
	return text.len ? str_take(text, n ? n : 1) : STR("the end");
}

static struct str take_word(struct parsing *p)
{
	struct str text = rest(p);
	size_t n = 0;

	while (n < text.len && is_word(text.at[n]))
		n++;
	p->at += n;
	return str_take(text, n);
}

static bool take_number(struct parsing *p, double *ret_number)
{
	struct str text = rest(p);
	size_t n = 0;

	while (n < text.len && (is_word(text.at[n]) || text.at[n] == '.' ||
				((text.at[n] == '+' || text.at[n] == '-') && n > 0 &&
				 (text.at[n - 1] == 'e' || text.at[n - 1] == 'E'))))
		n++;
	if (n == 0 || !((text.at[0] >= '0' && text.at[0] <= '9') || text.at[0] == '.') ||
	    num_double(str_take(text, n), ret_number) < 0) {
		fail(p, p->at, "a number is expected, not " STR_FMT, here(p));
		return false;
	}
	p->at += n;
	return true;
}

static bool is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] == '\\' || (unsigned char)text.at[i] < ' ')
			return false;
	return true;
}

/* "GET" or `GET`; no escapes. */
static bool take_text(struct parsing *p, struct str *ret_text)
{
	struct str text = rest(p);
	char quote = text.len ? text.at[0] : 0;
	ptrdiff_t end = quote == '"' || quote == '`' ? str_find(str_from(text, 1), quote) : -1;

	if (end < 0 || !is_plain(str_take(text, (size_t)end + 1))) {
		fail(p, p->at, "a text in quotes is expected, not " STR_FMT, here(p));
		return false;
	}
	*ret_text = arena_str(p->arena, str_take(str_from(text, 1), (size_t)end));
	p->at += (size_t)end + 2;
	return true;
}

static bool take_args(struct parsing *p, struct trip_expr *node)
{
	const struct trip_function *function = node->function;

	if (!take(p, "(")) {
		fail(p, p->at, "( is expected, not " STR_FMT, here(p));
		return false;
	}
	for (uint8_t i = 0; i < function->n_args; i++) {
		if (i > 0 && !take(p, ",")) {
			fail(p, p->at, "a comma and a further argument are expected, not " STR_FMT,
			     here(p));
			return false;
		}
		if (!take_number(p, &node->args[i]))
			return false;
	}
	if (take(p, ")"))
		return true;
	fail(p, p->at, ") is expected, not " STR_FMT, here(p));
	return false;
}

static enum compare take_compare(struct parsing *p)
{
	/* Longer ones first. */
	static const uint8_t order[] = {EQ, NE, LE, GE, LT, GT};

	for (size_t i = 0; i < sizeof(order); i++)
		if (take(p, compare_texts[order[i]]))
			return order[i];
	return ALONE;
}

static const struct trip_function *find_function(struct parsing *p, struct str name)
{
	for (size_t i = 0; i < p->n_functions; i++)
		if (str_eq(p->functions[i].name, name))
			return &p->functions[i];
	return NULL;
}

/* What is missing or too much behind a call. */
static struct trip_expr *check_compare(struct parsing *p, struct trip_expr *node, size_t column)
{
	struct str name = node->function->name;

	if (node->function->type == TRIP_BOOL)
		return node->compare == ALONE
			       ? node
			       : fail(p, column, STR_FMT "() cannot be compared", name);
	if (node->compare == ALONE)
		return fail(p, column, STR_FMT "() must be compared with a value", name);
	if (node->function->type == TRIP_TEXT && node->compare != EQ && node->compare != NE)
		return fail(p, column, STR_FMT "() can be compared by == and != only", name);
	return node;
}

static struct trip_expr *parse_call(struct parsing *p)
{
	struct trip_expr *node = new_node(p, TEST);
	struct str word;
	size_t column;
	bool ok;

	if (!node)
		return NULL;
	word = here(p); /* skips blanks */
	column = p->at;
	if (str_eq(word, STR("!")))
		return fail(p, column, "there is no negation here" STR_FMT, STR(""));
	word = take_word(p);
	if (word.len == 0)
		return fail(p, column, "a function is expected, not " STR_FMT, here(p));
	node->function = find_function(p, word);
	if (!node->function)
		return fail(p, column, "unknown function " STR_FMT, word);
	node->function_index = (size_t)(node->function - p->functions);
	if (!take_args(p, node))
		return NULL;
	skip_blanks(p);
	column = p->at;
	node->compare = (uint8_t)take_compare(p);
	if (!check_compare(p, node, column))
		return NULL;
	if (node->compare == ALONE)
		return node;
	ok = node->function->type == TRIP_TEXT ? take_text(p, &node->text)
					       : take_number(p, &node->number);
	return ok ? node : NULL;
}

static struct trip_expr *parse_or(struct parsing *p);

static struct trip_expr *parse_test(struct parsing *p)
{
	struct trip_expr *node;

	if (!take(p, "("))
		return parse_call(p);
	if (++p->depth > TRIP_DEPTH_MAX)
		return fail(p, p->at, "too many parentheses" STR_FMT, STR(""));
	node = parse_or(p);
	p->depth--;
	if (node && !take(p, ")"))
		return fail(p, p->at, ") is expected, not " STR_FMT, here(p));
	return node;
}

static struct trip_expr *join(struct parsing *p, enum node_op op, struct trip_expr *left,
			      struct trip_expr *right)
{
	struct trip_expr *node = left && right ? new_node(p, op) : NULL;

	if (node) {
		node->left = left;
		node->right = right;
	}
	return node;
}

static struct trip_expr *parse_and(struct parsing *p)
{
	struct trip_expr *node = parse_test(p);

	while (node && take(p, "&&"))
		node = join(p, AND, node, parse_test(p));
	return node;
}

static struct trip_expr *parse_or(struct parsing *p)
{
	struct trip_expr *node = parse_and(p);

	while (node && take(p, "||"))
		node = join(p, OR, node, parse_and(p));
	return node;
}

int trip_expr_parse(struct str text, const struct trip_function *functions, size_t n_functions,
		    struct arena *arena, const struct trip_expr **ret_expr,
		    struct trip_fault *ret_fault)
{
	struct parsing p = {
		.text = text,
		.functions = functions,
		.n_functions = n_functions,
		.arena = arena,
		.fault = ret_fault,
	};
	struct trip_expr *root = parse_or(&p);

	if (root && rest(&p).len > 0)
		root = fail(&p, p.at, "&& or || is expected, not " STR_FMT, here(&p));
	if (!root)
		return p.error ? p.error : -ENOMEM;
	*ret_expr = root;
	return 0;
}

static bool test(const struct trip_expr *node, const struct trip_values *values)
{
	double number;
	bool equal;

	if (node->function->type == TRIP_TEXT) {
		equal = str_eq(values->text(values, node->function_index), node->text);
		return node->compare == EQ ? equal : !equal;
	}
	number = values->number(values, node->function_index, node->args);
	switch (node->compare) {
	case EQ:
		return number == node->number;
	case NE:
		return number != node->number;
	case LT:
		return number < node->number;
	case LE:
		return number <= node->number;
	case GT:
		return number > node->number;
	case GE:
		return number >= node->number;
	default:
		return number != 0;
	}
}

bool trip_expr_eval(const struct trip_expr *expr, const struct trip_values *values)
{
	if (expr->op == TEST)
		return test(expr, values);
	bool left = trip_expr_eval(expr->left, values);

	if (expr->op == OR)
		return left || trip_expr_eval(expr->right, values);
	return left && trip_expr_eval(expr->right, values);
}

static struct str print_test(const struct trip_expr *node, struct arena *arena)
{
	struct str text = arena_printf(arena, STR_FMT "(", STR_ARG(node->function->name));

	for (uint8_t i = 0; i < node->function->n_args; i++)
		text = arena_printf(arena, STR_FMT "%s%.17g", STR_ARG(text), i ? ", " : "",
				    node->args[i]);
	if (node->compare == ALONE)
		return arena_printf(arena, STR_FMT ")", STR_ARG(text));
	if (node->function->type == TRIP_TEXT) {
		char quote = str_find(node->text, '"') >= 0 ? '`' : '"';

		return arena_printf(arena, STR_FMT ") %s %c" STR_FMT "%c", STR_ARG(text),
				    compare_texts[node->compare], quote, STR_ARG(node->text),
				    quote);
	}
	return arena_printf(arena, STR_FMT ") %s %.17g", STR_ARG(text),
			    compare_texts[node->compare], node->number);
}

struct str trip_expr_print(const struct trip_expr *expr, struct arena *arena)
{
	if (expr->op == TEST)
		return print_test(expr, arena);
	struct str left = trip_expr_print(expr->left, arena);
	struct str right = trip_expr_print(expr->right, arena);

	return arena_printf(arena, "(" STR_FMT " %s " STR_FMT ")", STR_ARG(left),
			    expr->op == OR ? "||" : "&&", STR_ARG(right));
}
