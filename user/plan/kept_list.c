// SPDX-License-Identifier: Apache-2.0
/* kept_list: see kept_list.h. */
#include "plan/kept_list.h"

#include <stdlib.h>
#include <string.h>

#include "plan/snapshot.h"

enum {
	CAP_BYTES = 256 << 20, /* ten million prefixes */
	BLOCK_BYTES = 4096,
};

/* One that was read. Its memory is its own. */
struct list {
	struct ref ref;
	struct arena arena;
	struct kernel_list prefixes;
};

/* What the registry keeps of one key. */
struct kept {
	struct list *good; /* NULL: none yet */
	bool is_read;
	uint64_t content_hash; /* of the text that was read last, good or not */
	struct kept_list_fault fault;
};

static void list_unref(void *thing)
{
	struct list *list = thing;

	if (!list || !ref_put(&list->ref))
		return;
	arena_done(&list->arena);
	free(list);
}

static void *kept_make(void *context)
{
	(void)context;
	return calloc(1, sizeof(struct kept));
}

static void kept_release(void *thing)
{
	struct kept *kept = thing;

	list_unref(kept->good);
	free(kept);
}

/* NULL without memory, or with *ret_fault. */
static struct list *read_list(const struct kept_list_text *text, struct kept_list_fault *ret_fault)
{
	struct list *list = calloc(1, sizeof(*list));
	struct kernel_list_fault fault = {0};

	if (!list)
		return NULL;
	ref_init(&list->ref);
	arena_init(&list->arena, CAP_BYTES, BLOCK_BYTES);
	if (!kernel_list_parse(text->text, text->action, &list->arena, &list->prefixes, &fault))
		return list;
	ret_fault->line = fault.line;
	snprintf(ret_fault->word, sizeof(ret_fault->word), STR_FMT,
		 STR_ARG(str_take(fault.text, KEPT_LIST_WORD_MAX)));
	list_unref(list);
	return NULL;
}

static void take_text(struct kept *kept, const struct kept_list_text *text)
{
	struct list *list;

	if (!text->text.at) {
		if (text->action == KERNEL_ALLOW) {
			list_unref(kept->good);
			kept->good = NULL;
		}
		kept->is_read = false;
		kept->fault = (struct kept_list_fault){0};
		return;
	}
	if (kept->is_read && kept->content_hash == text->content_hash)
		return;
	kept->fault = (struct kept_list_fault){0};
	list = read_list(text, &kept->fault);
	if (!list && !kept->fault.line)
		return; /* without memory: the next compile tries again */
	kept->is_read = true;
	kept->content_hash = text->content_hash;
	if (!list)
		return;
	list_unref(kept->good);
	kept->good = list;
}

const struct kernel_list *kept_list(struct registry *registry, struct part *part,
				    const struct kept_list_text *text,
				    struct kept_list_fault *ret_fault)
{
	struct kept *kept;
	void *thing = NULL;

	*ret_fault = (struct kept_list_fault){0};
	if (registry_thing(registry, text->key, kept_make, NULL, kept_release, &thing) < 0)
		return NULL;
	kept = thing;
	take_text(kept, text);
	*ret_fault = kept->fault;
	if (!kept->good)
		return NULL;
	ref_get(&kept->good->ref);
	part_own(part, kept->good, list_unref);
	return &kept->good->prefixes;
}
