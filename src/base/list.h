/* An intrusive, circular, doubly linked list. The node sits in the thing; the list owns nothing. Not for threads: the owner locks. */
#ifndef TAF_BASE_LIST_H
#define TAF_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

#define LIST_INIT(name) {&(name), &(name)}
#define LIST_ITEM(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}
static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}
static inline void list_append(struct list *l, struct list *node)
{
	node->prev = l->prev;
	node->next = l;
	l->prev->next = node;
	l->prev = node;
}
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}
/** Take the first node off, or NULL. */
static inline struct list *list_pop(struct list *l)
{
	struct list *node = l->next;
	if (node == l)
		return NULL;
	list_remove(node);
	return node;
}

#endif
