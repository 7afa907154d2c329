// SPDX-License-Identifier: Apache-2.0
/* kernel_list: see kernel_list.h. */
#include "plan/kernel_list.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"

static size_t count_lines(struct str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.at[i] == '\n';
	return n;
}

/* The first word of a line, or nothing. */
static struct str first_word(struct str line)
{
	size_t n = 0;

	line = str_trim_space(line);
	while (n < line.len && !strchr(" \t#;", line.at[n]))
		n++;
	return str_take(line, n);
}

int kernel_list_parse(struct str text, enum kernel_action action, struct arena *arena,
		      struct kernel_list *ret_list, struct kernel_list_fault *ret_fault)
{
	struct kernel_acl *at = ARENA_ARRAY(arena, struct kernel_acl, count_lines(text));
	struct str rest = text, line;
	size_t n = 0, n_lines = 0;

	if (!at)
		return -ENOMEM;
	while (str_next(&rest, '\n', &line)) {
		struct str word = first_word(line);

		n_lines++;
		if (!word.len)
			continue;
		if (cidr_parse(word, &at[n].cidr)) {
			*ret_fault = (struct kernel_list_fault){n_lines, word};
			return -EINVAL;
		}
		at[n++].action = action;
	}
	*ret_list = (struct kernel_list){.at = at, .n = n};
	ret_list->digest = kernel_list_digest(ret_list);
	return 0;
}

uint64_t kernel_list_digest(const struct kernel_list *list)
{
	uint64_t h = hash_keyed(STR("list")) + list->n;

	if (list->digest)
		return list->digest;
	for (const struct kernel_acl *acl = list->at; acl < list->at + list->n; acl++) {
		uint64_t half[2];

		memcpy(half, acl->cidr.addr.byte, sizeof(half));
		h = hash_mix64(hash_mix64(h ^ half[0]) ^ half[1]);
		h = hash_mix64(h ^ ((uint64_t)acl->cidr.bits << 16 |
				    (uint64_t)acl->cidr.is_v4 << 8 | (uint64_t)acl->action));
	}
	return h ? h : 1;
}

const struct kernel_acl *kernel_list_match(const struct kernel_list *list,
					   const struct addr *source, const struct kernel_acl *best)
{
	bool is_v4 = addr_is_v4(source);

	for (size_t i = 0; i < list->n; i++) {
		const struct kernel_acl *acl = &list->at[i];

		if (acl->cidr.is_v4 != is_v4 || !cidr_contains(&acl->cidr, source))
			continue;
		if (!best || acl->cidr.bits > best->cidr.bits ||
		    (acl->cidr.bits == best->cidr.bits && acl->action == KERNEL_DENY))
			best = acl;
	}
	return best;
}
