/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIST_H
#define LIST_H

/* list: an intrusive doubly linked ring with a head. A node that is in no list points at itself. */

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *node)
{
	node->next = node->prev = node;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* Removes node from its list; harmless for a node that is in none. */
static inline void list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

static inline void list_add_front(struct list *head, struct list *node)
{
	node->next = head->next;
	node->prev = head;
	head->next->prev = node;
	head->next = node;
}

static inline void list_add_back(struct list *head, struct list *node)
{
	list_add_front(head->prev, node);
}

#define LIST_OF(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))
/* Safe against removal of the current node. */
#define LIST_EACH(head, it)                                                       \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head); \
	     it = it##_next, it##_next = it->next)

#endif
