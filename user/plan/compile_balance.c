// SPDX-License-Identifier: Apache-2.0
/*
 * compile_balance: who gets which turn, and the cookie that makes a choice stick (reference d.1,
 * a.1).
 *
 * Earliest deadline first, as Traefik's wrr: a member's next deadline lies 1/weight after its last,
 * the smallest is served. The order repeats after sum(weights)/gcd turns, so it is unrolled once
 * here and workers only count. Sums beyond TURNS_MAX are scaled down: shares then err by at most
 * 1/TURNS_MAX each.
 */

#include "plan/compile_services.h"

enum { TURNS_MAX = 4096 };

static int64_t gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Reduced weights and their sum. */
static uint64_t reduce(const int64_t *weights, size_t n, uint32_t *ret_shares)
{
	int64_t divisor = 0;
	double sum = 0;
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		if (weights[i] > 0) {
			divisor = gcd(weights[i], divisor);
			sum += (double)weights[i];
		}
	for (size_t i = 0; i < n; i++) {
		if (weights[i] <= 0) {
			ret_shares[i] = 0;
		} else if (sum / (double)divisor <= TURNS_MAX) {
			ret_shares[i] = (uint32_t)(weights[i] / divisor);
		} else {
			double share = (double)weights[i] / sum * TURNS_MAX + 0.5;

			/* who has a weight gets a turn */
			ret_shares[i] = share < 1 ? 1 : (uint32_t)share;
		}
		total += ret_shares[i];
	}
	return total;
}

/* The member with the smallest next deadline (taken + 1) / share; the first of equals. */
static size_t earliest(const uint32_t *shares, const uint32_t *taken, size_t n)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if (shares[i] && (best == n || (uint64_t)(taken[i] + 1) * shares[best] <
						       (uint64_t)(taken[best] + 1) * shares[i]))
			best = i;
	return best;
}

bool compile_balance_turns(const int64_t *weights, size_t n, struct arena *arena,
			   struct turn_order *ret_turns)
{
	uint32_t *shares = ARENA_ARRAY(arena, uint32_t, n + 1);
	uint32_t *taken = ARENA_ARRAY(arena, uint32_t, n + 1);
	bool is_equal = true;
	uint64_t total;

	*ret_turns = (struct turn_order){0};
	if (!shares || !taken)
		return false;
	total = reduce(weights, n, shares);
	if (!total)
		return true;
	ret_turns->order = ARENA_ARRAY(arena, uint16_t, total);
	if (!ret_turns->order)
		return false;
	ret_turns->n_order = (uint32_t)total;
	for (size_t i = 0; i < n; i++)
		is_equal = is_equal && shares[i] <= 1;
	for (size_t turn = 0, next = 0; turn < total; turn++) {
		size_t i = is_equal ? next : earliest(shares, taken, n);

		while (!shares[i])
			i++;
		next = i + 1;
		taken[i]++;
		ret_turns->order[turn] = (uint16_t)i;
	}
	return true;
}

/* A round for each level from the greatest weight down to nothing: who weighs that much gets a
 * turn. */
bool compile_balance_steps(const int64_t *weights, size_t n, struct arena *arena,
			   struct turn_order *ret_turns)
{
	uint32_t *shares = ARENA_ARRAY(arena, uint32_t, n + 1), most = 0, at = 0;
	uint64_t total;

	*ret_turns = (struct turn_order){0};
	if (!shares)
		return false;
	total = reduce(weights, n, shares);
	if (!total)
		return true;
	ret_turns->order = ARENA_ARRAY(arena, uint16_t, total);
	if (!ret_turns->order)
		return false;
	ret_turns->n_order = (uint32_t)total;
	for (size_t i = 0; i < n; i++)
		most = shares[i] > most ? shares[i] : most;
	for (uint32_t level = most; level > 0; level--)
		for (size_t i = 0; i < n; i++)
			if (shares[i] >= level)
				ret_turns->order[at++] = (uint16_t)i;
	return true;
}

/* Go's cookie attributes drop what could end them (net/http: sanitizeCookiePath). */
static struct str attribute_clean(struct str text, struct arena *arena)
{
	char *out = arena_alloc(arena, text.len + 1, 1);
	size_t n = 0;

	for (size_t i = 0; out && i < text.len; i++)
		if (text.at[i] >= 0x20 && text.at[i] < 0x7f && text.at[i] != ';')
			out[n++] = text.at[i];
	return str_n(out, out ? n : 0);
}

static const char *same_site(struct str text)
{
	if (str_eq_nocase(text, STR("none")))
		return "; SameSite=None";
	if (str_eq_nocase(text, STR("lax")))
		return "; SameSite=Lax";
	if (str_eq_nocase(text, STR("strict")))
		return "; SameSite=Strict";
	return "";
}

const struct sticky *compile_balance_sticky(const struct sticky_conf *conf, struct str service,
					    struct arena *arena)
{
	const struct sticky_cookie *cookie = conf ? conf->cookie : NULL;
	struct sticky *sticky = cookie ? ARENA_NEW(arena, struct sticky) : NULL;
	struct str path, domain, age = {0};

	if (!sticky)
		return NULL;
	sticky->cookie_name = cookie->name.len ? names_cookie_clean(cookie->name, arena)
					       : names_cookie(service, arena);
	path = attribute_clean(cookie->path, arena);
	domain = attribute_clean(cookie->domain, arena);
	if (cookie->max_age)
		age = arena_printf(arena, "; Max-Age=%lld",
				   cookie->max_age > 0 ? (long long)cookie->max_age : 0);
	sticky->attributes = arena_printf(
		arena, "%s" STR_FMT "%s" STR_FMT STR_FMT "%s%s%s", path.len ? "; Path=" : "",
		STR_ARG(path), domain.len ? "; Domain=" : "", STR_ARG(domain), STR_ARG(age),
		cookie->http_only ? "; HttpOnly" : "", cookie->secure ? "; Secure" : "",
		same_site(cookie->same_site));
	return sticky;
}
