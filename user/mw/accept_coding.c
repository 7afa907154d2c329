// SPDX-License-Identifier: Apache-2.0
/*
 * accept_coding: the highest weight wins; among equals "*" comes first, then the configured order,
 * then identity. Unknown codings do not count, and neither does one whose weight is malformed.
 *
 * "*" means any coding that is not named otherwise: one that is refused by name is not chosen by it
 * (which the original does).
 */

#include "mw/accept_coding.h"

#include "base/num.h"

struct wishes {
	double weight[CODING__COUNT]; /* of identity and of each coding; 0: not acceptable */
	double any;
	bool is_refused[CODING__COUNT];
};

/* The parameter q; 1 when there is none. */
static double weight_of(struct str parameters)
{
	double weight;

	parameters = str_trim(parameters);
	if (!str_starts_nocase(parameters, STR("q")))
		return 1;
	parameters = str_trim(str_from(parameters, 1));
	if (!parameters.len || parameters.at[0] != '=')
		return 1;
	if (num_double(str_trim(str_from(parameters, 1)), &weight) < 0 || !(weight > 0))
		return 0;
	return weight;
}

static void add_item(const struct accept_coding *offer, struct wishes *wishes, struct str item)
{
	struct str name = {0}, rest = item;
	double weight;
	enum coding_id id;

	str_next(&rest, ';', &name);
	name = str_trim(name);
	weight = weight_of(rest);
	if (str_eq(name, STR("*"))) {
		wishes->any = weight > wishes->any ? weight : wishes->any;
		return;
	}
	id = coding_find(name);
	if (id == CODING_IDENTITY && !str_eq_nocase(name, STR("identity")))
		return;
	for (uint8_t i = 0; id != CODING_IDENTITY; i++) {
		if (i == offer->n)
			return;
		if (offer->order[i] == id)
			break;
	}
	wishes->is_refused[id] = !(weight > 0);
	if (weight > wishes->weight[id])
		wishes->weight[id] = weight;
}

static enum coding_id meaning_of_any(const struct accept_coding *offer, const struct wishes *wishes)
{
	if (offer->preset != CODING_IDENTITY && !wishes->is_refused[offer->preset])
		return offer->preset;
	for (uint8_t i = 0; i < offer->n; i++)
		if (!wishes->is_refused[offer->order[i]])
			return offer->order[i];
	return CODING_IDENTITY;
}

static enum coding_id best(const struct accept_coding *offer, const struct wishes *wishes)
{
	enum coding_id any = wishes->any > 0 ? meaning_of_any(offer, wishes) : CODING_IDENTITY;
	enum coding_id chosen = CODING_IDENTITY;
	double weight = 0;

	if (any != CODING_IDENTITY) {
		chosen = any;
		weight = wishes->any;
	}
	for (uint8_t i = 0; i < offer->n; i++) {
		if (wishes->weight[offer->order[i]] > weight) {
			chosen = offer->order[i];
			weight = wishes->weight[chosen];
		}
	}
	return wishes->weight[CODING_IDENTITY] > weight ? CODING_IDENTITY : chosen;
}

enum coding_id accept_coding_choose(const struct accept_coding *offer,
				    const struct headers *request)
{
	struct wishes wishes = {0};
	bool is_said = false;

	for (uint16_t i = 0; i < request->n; i++) {
		const struct header *header = &request->at[i];
		struct str rest = header->value, item;

		if (header->gone || header->id != HEADER_ACCEPT_ENCODING)
			continue;
		is_said = true;
		while (str_next(&rest, ',', &item))
			add_item(offer, &wishes, item);
	}
	return is_said ? best(offer, &wishes) : offer->preset;
}
