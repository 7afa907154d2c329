// SPDX-License-Identifier: Apache-2.0
// link: base http model mw obs rule net
/* trip_expr_fuzz: any bytes as an expression of a circuit breaker. What parses is printed, and the
 * print parses to the same; both decide alike. */

#include <errno.h>

#include "base/die.h"
#include "mw/trip_expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct trip_function functions[] = {
	{STR("NetworkErrorRatio"), TRIP_NUMBER, 0},   {STR("ResponseCodeRatio"), TRIP_NUMBER, 4},
	{STR("LatencyAtQuantileMS"), TRIP_NUMBER, 1}, {STR("IsNetworkError"), TRIP_BOOL, 0},
	{STR("RequestMethod"), TRIP_TEXT, 0},
};

static double number(const struct trip_values *values, size_t function, const double *args)
{
	(void)values;
	return (double)function + args[0];
}

static struct str text_of(const struct trip_values *values, size_t function)
{
	(void)values;
	(void)function;
	return STR("GET");
}

static int parse(struct str text, struct arena *arena, const struct trip_expr **ret_expr,
		 struct trip_fault *ret_fault)
{
	return trip_expr_parse(text, functions, sizeof(functions) / sizeof(*functions), arena,
			       ret_expr, ret_fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct trip_values values = {number, text_of};
	struct str text = str_n((const char *)data, size);
	const struct trip_expr *expr = NULL, *again = NULL;
	struct trip_fault fault = {0};
	struct arena arena;
	int result;

	arena_init(&arena, 64 << 20, 0);
	result = parse(text, &arena, &expr, &fault);
	ASSERT(result == 0 ? expr != NULL : expr == NULL);
	ASSERT(result != -EINVAL || (fault.message[0] && fault.column <= size));
	if (result == 0 && size < 4096) {
		bool decision = trip_expr_eval(expr, &values);
		struct str printed = trip_expr_print(expr, &arena);

		result = parse(printed, &arena, &again, &fault);
		/* The print has a pair of parentheses for each operator. */
		ASSERT(result == 0 || str_eq(str_of(fault.message), STR("too many parentheses")));
		ASSERT(result != 0 || trip_expr_eval(again, &values) == decision);
	}
	arena_done(&arena);
	return 0;
}
