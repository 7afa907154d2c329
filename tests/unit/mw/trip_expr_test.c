// SPDX-License-Identifier: Apache-2.0
/* trip_expr_test: expressions of reference/traefik.md c.10 and c.11. */

#include "mw_lab.h"

#include "mw/trip_expr.h"

enum { ZERO, SEVEN, SUM, YES, WORD };

static const struct trip_function functions[] = {
	[ZERO] = {STR("Zero"), TRIP_NUMBER, 0}, [SEVEN] = {STR("Seven"), TRIP_NUMBER, 0},
	[SUM] = {STR("Sum"), TRIP_NUMBER, 4},	[YES] = {STR("Yes"), TRIP_BOOL, 0},
	[WORD] = {STR("Word"), TRIP_TEXT, 0},
};

static double number(const struct trip_values *values, size_t function, const double *args)
{
	(void)values;
	switch (function) {
	case SEVEN:
		return 7;
	case SUM:
		return args[0] + args[1] + args[2] + args[3];
	default:
		return function == YES;
	}
}

static struct str word(const struct trip_values *values, size_t function)
{
	(void)values;
	(void)function;
	return STR("GET");
}

static const struct trip_values values = {number, word};

static int parse(struct lab *lab, const char *text, const struct trip_expr **ret_expr,
		 struct trip_fault *ret_fault)
{
	return trip_expr_parse(str_of(text), functions, sizeof(functions) / sizeof(*functions),
			       &lab->arena, ret_expr, ret_fault);
}

static void expressions_mean_what_go_means(void **state)
{
	static const struct {
		const char *text;
		bool value;
	} rows[] = {
		{"Seven() == 7", true},
		{"Seven() > 7.0", false},
		{"Seven() >= 7", true},
		{"Seven() < 7.5", true},
		{"Seven()<=6", false},
		{"Seven() != 0", true},
		{" \tZero()\n== 0 ", true},
		{"Yes()", true},
		{"Yes() && Zero() > 1", false},
		{"Zero() > 1 || Yes()", true},
		/* && binds more tightly. */
		{"Yes() || Zero() > 1 && Zero() > 1", true},
		{"(Yes() || Zero() > 1) && Zero() > 1", false},
		{"((Yes()))", true},
		{"Sum(1, 2, 3.5, 0.5) == 7", true},
		{"Sum( 1e1,2 ,3,4)>18", true},
		{"Word() == \"GET\"", true},
		{"Word() != `GET`", false},
		{"Word() == \"\"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		const struct trip_expr *expr, *again;
		struct trip_fault fault;

		print_message("  %s\n", rows[i].text);
		lab_init(&lab);
		assert_int_equal(parse(&lab, rows[i].text, &expr, &fault), 0);
		assert_int_equal(trip_expr_eval(expr, &values), rows[i].value);
		struct str printed = trip_expr_print(expr, &lab.arena);

		assert_int_equal(parse(&lab, printed.at, &again, &fault), 0);
		assert_int_equal(trip_expr_eval(again, &values), rows[i].value);
		lab_done(&lab);
	}
}

static void faults_name_the_column(void **state)
{
	static const struct {
		const char *text;
		size_t column;
		const char *message;
	} rows[] = {
		{"", 0, "a function is expected, not the end"},
		{"!Yes()", 0, "there is no negation here"},
		{"Yess()", 0, "unknown function Yess"},
		{"Yes", 3, "( is expected, not the end"},
		{"Yes() == 1", 6, "Yes() cannot be compared"},
		{"Seven()", 7, "Seven() must be compared with a value"},
		{"Seven() && Yes()", 8, "Seven() must be compared with a value"},
		{"Seven() > \"a\"", 10, "a number is expected, not \""},
		{"Seven() > Yes()", 10, "a number is expected, not Yes"},
		{"Seven() > -1", 10, "a number is expected, not -"},
		{"Word() > \"a\"", 7, "Word() can be compared by == and != only"},
		{"Word() == 1", 10, "a text in quotes is expected, not 1"},
		{"Word() == \"a", 10, "a text in quotes is expected, not \""},
		{"Sum(1, 2)", 8, "a comma and a further argument are expected, not )"},
		{"Sum(1,2,3,4,5) > 1", 11, ") is expected, not ,"},
		{"(Yes()", 6, ") is expected, not the end"},
		{"Yes() Yes()", 6, "&& or || is expected, not Yes"},
		{"Yes() & Yes()", 6, "&& or || is expected, not &"},
		{"7 == Seven()", 0, "unknown function 7"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		const struct trip_expr *expr = NULL;
		struct trip_fault fault;

		print_message("  %s\n", rows[i].text);
		lab_init(&lab);
		assert_int_equal(parse(&lab, rows[i].text, &expr, &fault), -EINVAL);
		assert_string_equal(fault.message, rows[i].message);
		assert_int_equal(fault.column, rows[i].column);
		lab_done(&lab);
	}
}

static void nesting_is_bounded(void **state)
{
	struct lab lab;
	const struct trip_expr *expr;
	struct trip_fault fault;
	char text[1000];

	(void)state;
	lab_init(&lab);
	memset(text, '(', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(parse(&lab, text, &expr, &fault), -EINVAL);
	assert_string_equal(fault.message, "too many parentheses");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_mean_what_go_means),
		cmocka_unit_test(faults_name_the_column),
		cmocka_unit_test(nesting_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
