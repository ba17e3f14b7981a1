/* SPDX-License-Identifier: MIT */
/*
 * page_frag.c - small pieces cut from the end of a block, for one thread that needs many for a
 * short time.
 *
 *   va                       offset                     va + size
 *    | not yet cut              | piece n | … | piece 2 | piece 1 |
 *
 * The block is compound: from any piece the way leads to its head, whose `pieces` counts those that
 * are out. The top bit is the cache's hold. Whoever takes the last of both away puts the block. As
 * long as the cache holds it nobody else cuts: when no piece is out and there is no room left, the
 * cache begins again at the block's end, without the page allocator.
 *
 * Locks: none; `pieces` is atomic, the cache its thread's.
 */
#include <errno.h>
#include <string.h>

#include "page/page_alloc.h"
#include "page/page_report.h"
#include "util/align.h"
#include "util/bitops.h"
#include "util/fail.h"
#include "util/plant.h"

#define FRAG_BYTES ((size_t)32 << 10) /* of a block, and of the largest piece */
#define HOLD (UINT32_C(1) << 31)

/* The head of the block that @addr lies in, if pieces are cut from that. */
static struct qy_page *frag_block(struct qy_mm *mm, const void *addr)
{
	struct qy_page *page = qy__addr_page(mm, addr);

	if (!page)
		return NULL;
	if (qy__load_acquire(&page->type) == QY__PAGE_TAIL) {
		uint32_t head = qy__load_relaxed(&page->head);

		if (!qy__pfn_valid(mm, head))
			return NULL;
		page = qy__pfn_page(mm, head);
	}
	if (qy__load_acquire(&page->type) != QY__PAGE_ALLOC ||
	    (qy__page_flags(page) & QY__PAGE_F_RETIRED))
		return NULL;
	return qy__load_relaxed(&page->alloc.frag) ? page : NULL;
}

/* No piece is out and the cache let go: the block is like any other, and its one reference ends. */
static void put_block(struct qy_mm *mm, struct qy_page *head)
{
	qy__store_relaxed(&head->alloc.frag, 0);
	qy__page_put(mm, head);
}

static struct qy_page *alloc_frag_block(struct qy_mm *mm, size_t size, qy_gfp_t gfp)
{
	unsigned int least = qy__get_order(size), order = qy__get_order(FRAG_BYTES);
	struct qy_page *head = NULL;

	order = min(order, mm->max_order);
	gfp = (gfp & ~QY_GFP_ZERO) | QY_GFP_COMP;
	if (least > order)
		return qy__fail(ENOMEM);
	/* The large block is nice to have: no effort, no reserves, no message. */
	if (least < order)
		head = qy__alloc_block(mm,
				       qy__gfp_at_once(gfp) | QY_GFP_NORETRY | QY_GFP_NOMEMALLOC,
				       order, QY__PAGE_ALLOC);
	if (!head)
		head = qy__alloc_block(mm, gfp, least, QY__PAGE_ALLOC);
	if (!head)
		return NULL;
	qy__store_relaxed(&head->alloc.pieces, HOLD);
	qy__store_release(&head->alloc.frag, 1);
	return head;
}

/* Room for @size bytes at the end of a block. On failure the cache keeps what it has. */
static struct qy_page *refill(struct qy_mm *mm, struct qy_page_frag_cache *cache,
			      struct qy_page *head, size_t size, qy_gfp_t gfp)
{
	struct qy_page *fresh;

	/* Somebody else's reference to the block keeps what is in it. */
	if (head && cache->size >= size &&
	    (qy__load_acquire(&head->alloc.pieces) == HOLD || qy__planted(FRAG_TWICE)) &&
	    qy__load_acquire(&head->alloc.refcount) == 1) {
		cache->offset = cache->size;
		cache->pieces = 0;
		return head;
	}
	fresh = alloc_frag_block(mm, size, gfp);
	if (!fresh)
		return NULL;
	qy_page_frag_drain(mm, cache);
	cache->va = qy__page_addr(mm, fresh);
	cache->offset = cache->size = (uint32_t)(QY_PAGE_SIZE << fresh->order);
	return fresh;
}

void *qy_page_frag_alloc(struct qy_mm *mm, struct qy_page_frag_cache *cache, size_t size,
			 qy_gfp_t gfp, size_t align)
{
	struct qy_page *head = cache->va ? frag_block(mm, cache->va) : NULL;
	void *piece;

	if (!size || size > FRAG_BYTES || !qy__is_pow2(align) || align > QY_PAGE_SIZE)
		return qy__fail(EINVAL);
	if (!head || cache->offset < size) {
		head = refill(mm, cache, head, size, gfp);
		if (!head)
			return NULL;
	}
	qy__fetch_add(&head->alloc.pieces, 1);
	cache->offset = (uint32_t)qy__align_down(cache->offset - size, align);
	cache->pieces++;
	piece = (char *)cache->va + cache->offset;
	return gfp & QY_GFP_ZERO ? memset(piece, 0, size) : piece;
}

/* One piece less. -EINVAL: none is out. */
static int drop_piece(struct qy_mm *mm, struct qy_page *head)
{
	uint32_t now = qy__load_relaxed(&head->alloc.pieces);

	do {
		if (!(now & ~HOLD))
			return -EINVAL;
	} while (!qy__cas_acq_rel(&head->alloc.pieces, &now, now - 1));
	if (now == 1)
		put_block(mm, head);
	return 0;
}

int qy_page_frag_free(struct qy_mm *mm, const void *addr)
{
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	struct qy_page *head = frag_block(mm, addr);

	if (head && !drop_piece(mm, head))
		return 0;
	qy__report_bad_page(mm, QY_REPORT_BAD_PAGE_FREE, addr, head,
			    head ? "More pieces of a block freed than were cut from it"
				 : "Free of a piece that was cut from no block",
			    caller);
	return -EINVAL;
}

void qy_page_frag_drain(struct qy_mm *mm, struct qy_page_frag_cache *cache)
{
	struct qy_page *head = cache->va ? frag_block(mm, cache->va) : NULL;

	*cache = (struct qy_page_frag_cache){0};
	if (head && __atomic_fetch_and(&head->alloc.pieces, ~HOLD, __ATOMIC_ACQ_REL) == HOLD)
		put_block(mm, head);
}
