/* SPDX-License-Identifier: MIT */
/*
 * large.c - kmalloc objects above the size classes, under debugging: a page block with zones around
 * the object.
 *
 *   block  [ left red zone | object | right red zone … to the end of the block ]
 *
 * Request and state stand in the head's descriptor, the tracks in the first two tails': out of
 * reach of any overflow. A debug block therefore has at least four pages.
 *
 * State (large.live): 1 live → 2 in change → 0 freed, in quarantine. Lock: debug->large_lock over
 * `live`; who made it 2 owns the bytes until he sets it to 0 or 1.
 */
#include <errno.h>
#include <string.h>

#include "debug/debug.h"
#include "page/page_alloc.h"
#include "util/bitops.h"

enum { FREED = QY__LARGE_FREED, LIVE = QY__LARGE_LIVE, IN_CHANGE = QY__LARGE_IN_CHANGE };

qy_slab_flags_t qy__debug_large_flags(const struct qy_mm *mm)
{
	return qy__debug_cache_flags(&mm->debug->config, "kmalloc-large", 0) & QY_SLAB_DEBUG_FLAGS;
}

static bool has(const struct qy_mm *mm, qy_slab_flags_t flag)
{
	return qy__debug_has(qy__debug_large_flags(mm), flag);
}

static char *block_start(const struct qy_mm *mm, const struct qy_page *head)
{
	return qy__page_addr(mm, head);
}

static void fill_zones(struct qy_mm *mm, struct qy_page *head, uint8_t value)
{
	char *start = block_start(mm, head);
	size_t end = head->large.offset + head->large.size;

	if (!has(mm, QY_SLAB_RED_ZONE))
		return;
	memset(start, value, head->large.offset);
	memset(start + end, value, (QY_PAGE_SIZE << head->order) - end);
}

static void fill_poison(struct qy_mm *mm, struct qy_page *head, size_t from)
{
	char *object = block_start(mm, head) + head->large.offset;

	if (!has(mm, QY_SLAB_POISON) || head->large.size <= from)
		return;
	memset(object + from, QY_POISON_FREE, head->large.size - from);
	object[head->large.size - 1] = (char)QY_POISON_END;
}

static void set_track(struct qy_page *head, int which, const struct qy__call *call)
{
	head[1 + which].track =
		(struct qy__page_track){.when = call->when, .stack = call->stack, .tid = call->tid};
}

static void get_track(struct qy_mm *mm, const struct qy_page *head, int which,
		      struct qy_stack *stack)
{
	const struct qy__page_track *t = &head[1 + which].track;

	*stack = (struct qy_stack){.tid = t->tid, .when = t->when};
	qy__debug_get_stack(mm, t->stack, stack);
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

void *qy__debug_large_alloc(struct qy_mm *mm, struct qy_page *head, size_t offset, qy_gfp_t gfp,
			    struct qy__call *call)
{
	char *object = block_start(mm, head) + offset;

	head->large.size = call->size;
	head->large.offset = (uint32_t)offset;
	head->large.align = (uint8_t)(call->align ? qy__ilog2(call->align) : 0);
	head->large.family = (uint8_t)call->family;
	set_track(head, QY__TRACK_ALLOC, call);
	fill_zones(mm, head, QY_RED_ACTIVE);
	if (gfp & QY_GFP_ZERO)
		memset(object, 0, call->size);
	else
		fill_poison(mm, head, 0);
	change_state(mm, head, IN_CHANGE, LIVE);
	return object;
}

void qy__debug_large_describe(struct qy_report *r, struct qy_mm *mm, struct qy_page *head)
{
	char *start = block_start(mm, head);

	r->cache = "kmalloc-large";
	r->flags = qy__debug_large_flags(mm);
	r->slab = start;
	r->object = start + head->large.offset;
	r->object_size = head->large.size;
	r->family_alloc = (enum qy_family)head->large.family;
	r->object_dump_len = min(head->large.size, (uint64_t)(QY_PAGE_SIZE << head->order));
	r->left = (const uint8_t *)start + head->large.offset - 64;
	r->left_len = 64;
	r->right = (const uint8_t *)r->object + head->large.size;
	r->right_len = min((size_t)64,
			   (QY_PAGE_SIZE << head->order) - head->large.offset - head->large.size);
	get_track(mm, head, QY__TRACK_ALLOC, &r->alloc);
	if (head->large.live != LIVE)
		get_track(mm, head, QY__TRACK_FREE, &r->free);
}

static void describe(struct qy_report *r, struct qy_mm *mm, struct qy_page *head,
		     enum qy_report_kind kind, const struct qy__call *call)
{
	qy__report_init(r, mm, kind, "kmalloc-large");
	qy__debug_large_describe(r, mm, head);
	if (!call)
		return;
	r->family_free = call->family;
	r->here = (struct qy_stack){.cpu = call->cpu, .tid = call->tid, .when = call->when};
	qy__debug_get_stack(mm, call->stack, &r->here);
}

static unsigned int restore_range(struct qy_mm *mm, struct qy_page *head, uint8_t *first,
				  uint8_t *last, uint8_t value, enum qy_report_kind kind,
				  const char *what, const struct qy__call *call)
{
	struct qy_report r;

	describe(&r, mm, head, kind, call);
	qy__report_title(&r, "%s overwritten", what);
	r.damage = first;
	r.damage_len = (size_t)(last + 1 - first);
	r.damage_offset = (const char *)first - (const char *)r.object;
	r.expected = value;
	r.found = *first;
	qy__report_fix(&r, "Restoring %s 0x%lx-0x%lx=0x%x", what, (unsigned long)(uintptr_t)first,
		       (unsigned long)(uintptr_t)last, value);
	qy__report_emit(&r);
	memset(first, value, (size_t)(last + 1 - first));
	return 1;
}

static unsigned int check_range(struct qy_mm *mm, struct qy_page *head, size_t from, size_t to,
				uint8_t value, enum qy_report_kind kind, const char *what,
				const struct qy__call *call)
{
	uint8_t *last = NULL,
		*first = qy__find_not(block_start(mm, head) + from, to - from, value, &last);

	return first ? restore_range(mm, head, first, last, value, kind, what, call) : 0;
}

/* One write may run over the body's end and the end byte: one finding. */
static unsigned int check_poison(struct qy_mm *mm, struct qy_page *head,
				 const struct qy__call *call)
{
	uint8_t *body = (uint8_t *)block_start(mm, head) + head->large.offset;
	uint8_t *end = body + head->large.size - 1, *last = NULL;
	uint8_t *first = qy__find_not(body, head->large.size - 1, QY_POISON_FREE, &last);
	unsigned int n = 0;

	if (first && last + 1 == end && *end != QY_POISON_END) {
		n = restore_range(mm, head, first, end, QY_POISON_FREE, QY_REPORT_USE_AFTER_FREE,
				  "Poison", call);
		*end = QY_POISON_END;
		return n;
	}
	if (first)
		n = restore_range(mm, head, first, last, QY_POISON_FREE, QY_REPORT_USE_AFTER_FREE,
				  "Poison", call);
	if (*end != QY_POISON_END)
		n += restore_range(mm, head, end, end, QY_POISON_END, QY_REPORT_USE_AFTER_FREE,
				   "End Poison", call);
	return n;
}

unsigned int qy__debug_large_check(struct qy_mm *mm, struct qy_page *head, bool live,
				   const struct qy__call *call)
{
	size_t begin = head->large.offset, end = begin + head->large.size,
	       bytes = QY_PAGE_SIZE << head->order;
	uint8_t zone = live ? QY_RED_ACTIVE : QY_RED_INACTIVE;
	unsigned int n = 0;

	if (has(mm, QY_SLAB_RED_ZONE)) {
		n += check_range(mm, head, 0, begin, zone, QY_REPORT_UNDERWRITE, "Left Redzone",
				 call);
		n += check_range(mm, head, end, bytes, zone, QY_REPORT_OVERFLOW, "Right Redzone",
				 call);
	}
	if (!live && end > begin && has(mm, QY_SLAB_POISON))
		n += check_poison(mm, head, call);
	return n;
}

static void bug(struct qy_mm *mm, struct qy_page *head, enum qy_report_kind kind, const char *title,
		const struct qy__call *call)
{
	struct qy_report r;

	describe(&r, mm, head, kind, call);
	qy__report_title(&r, "%s", title);
	qy__report_emit(&r);
}

/* Make the object ours, or report why it is not there to be freed or resized. */
static bool claim(struct qy_mm *mm, struct qy_page *head, const void *p, enum qy_report_kind kind,
		  struct qy__call *call)
{
	if (has(mm, QY_SLAB_STORE_USER))
		qy__debug_call(mm, call);
	if (p != block_start(mm, head) + head->large.offset) {
		qy__debug_bad_pointer(mm, kind, p, call);
		return false;
	}
	if (change_state(mm, head, LIVE, IN_CHANGE))
		return true;
	bug(mm, head, kind == QY_REPORT_INVALID_FREE ? QY_REPORT_DOUBLE_FREE : kind,
	    "Object already free", call);
	return false;
}

static void check_claim(struct qy_mm *mm, struct qy_page *head, const struct qy__call *call)
{
	struct qy__origin origin = {.known = true,
				    .size = head->large.size,
				    .align = head->large.align ? (size_t)1 << head->large.align : 0,
				    .family = (enum qy_family)head->large.family};
	enum qy_report_kind kind = qy__debug_mismatch(&origin, call);
	struct qy_report r;

	if (kind == QY_REPORT_NONE)
		return;
	describe(&r, mm, head, kind, call);
	qy__debug_mismatch_title(&r, &origin, call);
	qy__report_emit(&r);
}

int qy__debug_large_free(struct qy_mm *mm, struct qy_page *head, void *p, struct qy__call *call)
{
	unsigned int damage = 0;

	qy__debug_tick(mm);
	if (!claim(mm, head, p, QY_REPORT_INVALID_FREE, call))
		return -EINVAL;
	if (has(mm, QY_SLAB_CONSISTENCY_CHECKS))
		damage = qy__debug_large_check(mm, head, true, call);
	check_claim(mm, head, call);
	set_track(head, QY__TRACK_FREE, call);
	fill_zones(mm, head, QY_RED_INACTIVE);
	fill_poison(mm, head, 0);
	change_state(mm, head, IN_CHANGE, FREED);
	if (!damage && !qy__quarantine_put(mm, p, QY_PAGE_SIZE << head->order))
		qy__debug_large_release(mm, head);
	return 0;
}

void qy__debug_large_release(struct qy_mm *mm, struct qy_page *head)
{
	/* Validation holds on to a block that is not in change. */
	if (!change_state(mm, head, FREED, IN_CHANGE))
		return;
	if (has(mm, QY_SLAB_CONSISTENCY_CHECKS) && qy__debug_large_check(mm, head, false, NULL)) {
		change_state(mm, head, IN_CHANGE, FREED);
		return; /* given up: it stays where it is */
	}
	qy__free_block(mm, head);
}

int qy__debug_large_resize(struct qy_mm *mm, struct qy_page *head, void *p, size_t size,
			   struct qy__call *call)
{
	size_t old = head->large.size;

	if (!claim(mm, head, p, QY_REPORT_BAD_REALLOC, call))
		return -EINVAL;
	if (has(mm, QY_SLAB_CONSISTENCY_CHECKS))
		qy__debug_large_check(mm, head, true, call);
	check_claim(mm, head, call);
	head->large.size = size;
	head->large.align = 0;
	head->large.family =
		(uint8_t)call->family; /* it is realloc's from now on, as if it had moved */
	fill_zones(mm, head, QY_RED_ACTIVE);
	if (size > old)
		fill_poison(mm, head, old);
	set_track(head, QY__TRACK_ALLOC, call);
	change_state(mm, head, IN_CHANGE, LIVE);
	return 0;
}
