// SPDX-License-Identifier: Apache-2.0
/*
 * encoded_characters: refuses paths with escaped characters that servers read in different ways
 * (reference/traefik.md c.1): every one of them that is not allowed by name.
 */

#include <errno.h>

#include "http/canon.h"
#include "model/mw_conf_path.h"
#include "mw/mw_list.h"

struct encoded_characters {
	unsigned int denied; /* enum canon_encoded */
};

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_encoded_characters *from = decoded;
	const struct {
		bool allowed;
		unsigned int bit;
	} rows[] = {
		{from->slash, CANON_ENCODED_SLASH},
		{from->back_slash, CANON_ENCODED_BACKSLASH},
		{from->null_character, CANON_ENCODED_NUL},
		{from->semicolon, CANON_ENCODED_SEMICOLON},
		{from->percent, CANON_ENCODED_PERCENT},
		{from->question_mark, CANON_ENCODED_QUESTION_MARK},
		{from->hash, CANON_ENCODED_HASH},
	};
	struct encoded_characters *self = ARENA_NEW(prepare->arena, struct encoded_characters);

	if (!self)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!rows[i].allowed)
			self->denied |= rows[i].bit;
	*ret_conf = self;
	return 0;
}

static bool refuses(const struct encoded_characters *self, const struct request *request)
{
	return canon_check_encoded(request->raw_path, self->denied) != FAIL_NONE;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	if (!refuses(instance->conf, call->request))
		return MW_NEXT;
	call->reply.status = 400; /* without a body */
	return MW_REPLY;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	(void)arena;
	return refuses(instance->conf, request)
		       ? STR("refuses the path with 400: it holds an encoded character that is not "
			     "allowed")
		       : STR("lets the path pass");
}

const struct mw encoded_characters_mw = {
	.name = "encodedCharacters",
	.schema = &schema_mw_encoded_characters,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
