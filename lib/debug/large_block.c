/* SPDX-License-Identifier: MIT */
/*
 * large_block.c - a large kmalloc block as block.h sees it, from the records in its descriptors.
 */
#include "debug/debug.h"

qy_slab_flags_t qy__debug_large_flags(const struct qy_mm *mm)
{
	return qy__debug_cache_flags(&mm->debug->config, "kmalloc-large", 0) & QY_SLAB_DEBUG_FLAGS;
}

static struct qy__track get_track(const struct qy_page *head, int which)
{
	const struct qy__page_track *t = &head[1 + which].track;

	return (struct qy__track){.when = t->when, .stack = t->stack, .tid = t->tid};
}

struct qy__block qy__debug_large_block(struct qy_mm *mm, const struct qy_page *head)
{
	const char *object = (char *)qy__page_addr(mm, head) + head->large.offset;

	return (struct qy__block){
		.mm = mm,
		.cache = "kmalloc-large",
		.flags = qy__debug_large_flags(mm),
		.start = qy__page_addr(mm, head),
		.length = QY_PAGE_SIZE << head->order,
		.offset = head->large.offset,
		.left = head->large.offset,
		.size = head->large.size,
		.align = head->large.align ? (size_t)1 << head->large.align : 0,
		.family = (enum qy_family)head->large.family,
		.alloc = get_track(head, QY__TRACK_ALLOC),
		.free = get_track(head, QY__TRACK_FREE),
		.poison = mm->classes == QY_CLASSES_FINE ? qy__poison_word(mm, object) : 0,
		.freed = head->large.live == QY__LARGE_FREED,
	};
}

void qy__debug_large_describe(struct qy_report *r, struct qy_mm *mm, struct qy_page *head)
{
	struct qy__block b = qy__debug_large_block(mm, head);

	qy__block_describe(r, &b);
}

bool qy__debug_large_find_poison(struct qy_mm *mm, struct qy_page *head, struct qy__damage *d)
{
	struct qy__block b = qy__debug_large_block(mm, head);

	return qy__block_find_poison(&b, d);
}
