// SPDX-License-Identifier: Apache-2.0
/*
 * yaml_scalar: what a plain scalar means, by the rules of the YAML library that Kubernetes' tools
 * use (sigs.k8s.io/yaml: YAML 1.1 with Go's number syntax), so that a manifest means the same here
 * and there. But y and n alone are text: writers of YAML leave them bare where they mean names.
 */
#include <math.h>

#include "base/num.h"
#include "model/yaml_json.h"

static bool is_one_of(struct str text, const char *words)
{
	struct str rest = str_of(words), word;

	while (str_next(&rest, '|', &word))
		if (str_eq(word, text))
			return true;
	return false;
}

static unsigned digit_of(char c)
{
	c = ascii_lower(c);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
}

/* Go's strconv.ParseInt(text, 0, 64): 12, -12, 0x1f, 0b101, 0o17, 017. */
static bool integer(const char *text, int64_t *ret_value)
{
	bool negative = *text == '-';
	struct str digits = str_of(text + (*text == '-' || *text == '+'));
	uint64_t value = 0;
	unsigned base = 10;

	if (digits.len > 1 && digits.at[0] == '0') {
		char c = ascii_lower(digits.at[1]);

		base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
		digits = str_from(digits, c == 'x' || c == 'b' || c == 'o' ? 2 : 1);
	}
	for (size_t i = 0; i < digits.len; i++) {
		unsigned digit = digit_of(digits.at[i]);

		if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (!digits.len || value > (uint64_t)INT64_MAX + negative)
		return false;
	*ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

/* ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$ */
static bool looks_real(const char *text)
{
	size_t before, after = 0;

	text += *text == '-' || *text == '+';
	before = strspn(text, "0123456789");
	text += before;
	if (*text == '.') {
		after = strspn(++text, "0123456789");
		text += after;
	}
	if (!before && !after)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '-' || *text == '+';
		if (!strspn(text, "0123456789"))
			return false;
		text += strspn(text, "0123456789");
	}
	return *text == '\0';
}

static json_t *number(struct str text)
{
	char plain[64];
	size_t n = 0;
	int64_t value;
	double real;

	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '_')
			continue;
		if (n + 1 == sizeof(plain) || text.at[i] == '\0')
			return NULL;
		plain[n++] = text.at[i];
	}
	plain[n] = '\0';
	if (integer(plain, &value))
		return json_integer(value);
	if (!looks_real(plain) || num_double(str_n(plain, n), &real) || !isfinite(real))
		return NULL;
	/* JSON has one kind of number: 1e3 is the integer 1000. */
	if (real == floor(real) && fabs(real) < 9007199254740992.0)
		return json_integer((json_int_t)real);
	return json_real(real);
}

json_t *yaml_json_scalar(struct str text)
{
	json_t *json = NULL;

	if (text.len == 0 || is_one_of(text, "~|null|Null|NULL"))
		return json_null();
	if (is_one_of(text, "yes|Yes|YES|true|True|TRUE|on|On|ON"))
		return json_true();
	if (is_one_of(text, "no|No|NO|false|False|FALSE|off|Off|OFF"))
		return json_false();
	if (text.len < 64 && memchr("+-.0123456789", text.at[0], 13))
		json = number(text);
	return json ? json : json_stringn(text.at, text.len);
}
