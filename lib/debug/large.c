/* SPDX-License-Identifier: MIT */
/*
 * large.c - kmalloc objects above the size classes, under debugging: a page block with zones around
 * the object (block.h).
 *
 * Request and state stand in the head's descriptor, the tracks in the first two tails': out of
 * reach of any overflow. A debug block therefore has at least four pages.
 *
 * State (large.live): LIVE → IN_CHANGE → FREED, in quarantine. Lock: debug->large_lock over `live`;
 * who made it IN_CHANGE owns the bytes until he says what it is then.
 */
#include <errno.h>
#include <string.h>

#include "debug/debug.h"
#include "page/page_alloc.h"
#include "util/bitops.h"

enum { FREED = QY__LARGE_FREED, LIVE = QY__LARGE_LIVE, IN_CHANGE = QY__LARGE_IN_CHANGE };

#define LEAST_ORDER 2u /* two tail descriptors hold the tracks */

size_t qy__debug_large_zones(const struct qy_mm *mm, const struct qy_page *head)
{
	if (!qy__debug_large_flags(mm))
		return 0;
	return head->large.offset + qy__large_red_zone(mm->debug->config.red_zone);
}

static void set_track(struct qy_page *head, int which, const struct qy__call *call)
{
	head[1 + which].track =
		(struct qy__page_track){.when = call->when, .stack = call->stack, .tid = call->tid};
}

static bool has(const struct qy__block *b, qy_slab_flags_t flag)
{
	return qy__debug_has(b->flags, flag);
}

static bool change_state(struct qy_mm *mm, struct qy_page *head, int from, int to)
{
	bool ok;

	qy__lock(&mm->debug->large_lock);
	ok = head->type == QY__PAGE_LARGE && head->large.live == from;
	if (ok)
		head->large.live = (uint8_t)to;
	qy__unlock(&mm->debug->large_lock);
	return ok;
}

static void set_request(struct qy_page *head, const struct qy__call *call)
{
	head->large.size = call->size;
	head->large.align = (uint8_t)(call->align ? qy__ilog2(call->align) : 0);
	head->large.family = (uint8_t)call->family;
	set_track(head, QY__TRACK_ALLOC, call);
}

/* Pages for it, laid out with or without a left zone. */
static struct qy_page *alloc_block(struct qy_mm *mm, size_t size, size_t align, qy_gfp_t gfp,
				   bool left)
{
	struct qy__large_layout l;
	struct qy_page *head;
	unsigned int order;

	qy__layout_large(&l, size, align, mm->debug->config.red_zone, left);
	order = max(qy__get_order(l.total), qy__get_order(align));
	head = qy__alloc_block(mm, gfp & ~QY_GFP_ZERO, max(order, LEAST_ORDER), QY__PAGE_LARGE);
	if (head)
		head->large.offset = (uint32_t)l.offset;
	return head;
}

/*
 * A left zone is as long as the alignment, and a power of two of KERNEL classes is aligned to
 * itself: such a block is four times as large as the object. Where that is not to be had at once
 * the object begins its block, and an underwrite is found by whoever lies in front.
 */
static struct qy_page *find_block(struct qy_mm *mm, size_t align, qy_gfp_t gfp,
				  const struct qy__call *call)
{
	struct qy_page *head;

	if (align <= QY__MAX_LEFT_ALIGN)
		return alloc_block(mm, call->size, align, gfp, true);
	head = alloc_block(mm, call->size, align, qy__gfp_at_once(gfp), true);
	return head ? head : alloc_block(mm, call->size, align, gfp, false);
}

void *qy__debug_large_alloc(struct qy_mm *mm, size_t align, qy_gfp_t gfp, struct qy__call *call)
{
	struct qy_page *head;
	struct qy__block b;

	if (qy__debug_has(qy__debug_large_flags(mm), QY_SLAB_STORE_USER))
		qy__debug_call(mm, call);
	head = find_block(mm, align, gfp, call);
	if (!head)
		return NULL;
	set_request(head, call);
	b = qy__debug_large_block(mm, head);
	qy__block_fill_zones(&b, QY_RED_ACTIVE);
	if (gfp & QY_GFP_ZERO)
		memset(qy__block_object(&b), 0, b.size);
	else
		qy__block_fill_poison(&b, 0);
	change_state(mm, head, IN_CHANGE, LIVE);
	return qy__block_object(&b);
}

/* @held: large_lock is; else the block is ours. */
static unsigned int check(const struct qy__block *b, struct qy_page *head, bool held,
			  const struct qy__call *call)
{
	const struct qy__overrun from = {
		.mm = b->mm,
		.large = head,
		.large_freed = b->freed,
		.large_held = held,
	};
	struct qy__damage d;
	unsigned int n;

	for (n = 0; n < QY__BLOCK_REGIONS && qy__block_find_damage(b, &d); n++)
		if (!qy__debug_overrun(&from, &d, NULL, call))
			qy__block_tell_damage(b, &d, call);
	return n;
}

unsigned int qy__debug_large_check(struct qy_mm *mm, struct qy_page *head)
{
	struct qy__block b = qy__debug_large_block(mm, head);

	return check(&b, head, true, NULL);
}

/* Make the object ours, or report that it is not live. */
static bool claim(struct qy_mm *mm, struct qy_page *head, enum qy_report_kind dead,
		  struct qy__call *call)
{
	struct qy__block b;
	struct qy_report r;

	if (qy__debug_has(qy__debug_large_flags(mm), QY_SLAB_STORE_USER))
		qy__debug_call(mm, call);
	if (change_state(mm, head, LIVE, IN_CHANGE))
		return true;
	b = qy__debug_large_block(mm, head);
	b.freed = true;
	qy__block_report(&r, &b, dead, call);
	qy__report_title(&r, "Object already free");
	qy__report_emit(&r);
	return false;
}

int qy__debug_large_end(struct qy_mm *mm, struct qy_page *head, struct qy__call *call)
{
	unsigned int damage = 0;
	struct qy__block b;

	if (!claim(mm, head, QY_REPORT_DOUBLE_FREE, call))
		return -EINVAL;
	b = qy__debug_large_block(mm, head);
	if (has(&b, QY_SLAB_CONSISTENCY_CHECKS))
		damage = check(&b, head, false, call);
	qy__block_check_claim(&b, call);
	set_track(head, QY__TRACK_FREE, call);
	b.freed = true;
	qy__block_fill_zones(&b, QY_RED_INACTIVE);
	qy__block_fill_poison(&b, 0);
	change_state(mm, head, IN_CHANGE, FREED);
	return damage == 0;
}

void qy__debug_large_release(struct qy_mm *mm, struct qy_page *head)
{
	struct qy__block b = qy__debug_large_block(mm, head);

	/* Validation holds on to a block that is not in change. */
	if (!change_state(mm, head, FREED, IN_CHANGE))
		return;
	if (has(&b, QY_SLAB_CONSISTENCY_CHECKS) && check(&b, head, false, NULL)) {
		change_state(mm, head, IN_CHANGE, FREED);
		return; /* given up: it stays where it is */
	}
	qy__free_block(mm, head);
}

int qy__debug_large_resize(struct qy_mm *mm, struct qy_page *head, struct qy__call *call)
{
	struct qy__block b;
	size_t old;

	if (!claim(mm, head, QY_REPORT_BAD_REALLOC, call))
		return -EINVAL;
	b = qy__debug_large_block(mm, head);
	old = b.size;
	if (has(&b, QY_SLAB_CONSISTENCY_CHECKS))
		check(&b, head, false, call);
	qy__block_check_claim(&b, call);
	set_request(head, call); /* it is realloc's from now on, as if it had moved */
	b = qy__debug_large_block(mm, head);
	qy__block_fill_zones(&b, QY_RED_ACTIVE);
	qy__block_fill_poison(&b, old);
	change_state(mm, head, IN_CHANGE, LIVE);
	return 0;
}
