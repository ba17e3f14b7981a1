/* SPDX-License-Identifier: MIT */
/*
 * rig.h - what every rig has: an instance in a buffer, the first thing that was wrong with it in
 * words, the library's checker; and for rigs of the page floor how an instance comes to be, and
 * pages and free lists under their hands.
 *
 *   | instance, descriptors, all taken: zone DMA | page 0 …             |
 *                                                  ^ rig.origin, a pfn
 *
 * Included by buddy_rig.h, pcp_rig.h, slab_rig.h and types_rig.h; what such a rig has besides is
 * in a struct of its own (`own`).
 */
#ifndef TESTS_MODEL_RIG_H
#define TESTS_MODEL_RIG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/quarry.h>

#include "page/buddy.h"
#include "page/mm.h"
#include "page/rmqueue.h"

#define RIG_LEAD 64u /* pages before page 0; a multiple of the largest block */

static struct {
	char *buf;
	size_t bytes; /* of it */
	struct qy_mm *mm;
	uint32_t origin;      /* pfn of page 0 */
	size_t taken;	      /* pages of zone DMA */
	unsigned int reports; /* … of this kind */
	enum qy_report_kind kind;
	char wrong[200];
} rig;

/* A violation: said once, the first one. */
QY_PRINTF(1, 2) static bool wrong(const char *fmt, ...)
{
	va_list ap;

	if (*rig.wrong)
		return false;
	va_start(ap, fmt);
	vsnprintf(rig.wrong, sizeof(rig.wrong), fmt, ap);
	va_end(ap);
	return false;
}

/* The library's own checker has looked, and is content. */
static inline bool is_sound(unsigned int flags)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};

	if (qy_check(rig.mm, flags, &r) || !r.assertions)
		return wrong("qy_check: %u violations, %s: %s", r.nr, r.v[0].id, r.v[0].text);
	return true;
}

/* ---- the instance ---- */

static inline void count_report(const struct qy_report *r, void *ctx)
{
	(void)ctx;
	if (r->kind == QY_REPORT_NOMEM)
		return; /* the models foresee failures */
	rig.reports++;
	rig.kind = r->kind;
}

/* Nothing but a buffer for @pages, a multiple of the largest block, from page 0 on. */
static inline void rig_begin(unsigned int pages)
{
	memset(&rig, 0, sizeof(rig));
	rig.bytes = (RIG_LEAD + pages) * QY_PAGE_SIZE;
	rig.buf = aligned_alloc(pages * QY_PAGE_SIZE, rig.bytes);
	if (!rig.buf)
		exit(2);
	rig.origin = RIG_LEAD;
}

/* Pages 0 to @pages, and before page @start zone DMA. */
static inline struct qy_mm_config rig_config(unsigned int start, unsigned int pages,
					     unsigned int max_order)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;

	cfg.backing = QY_BACKING_ARENA;
	cfg.base = rig.buf;
	cfg.size = (RIG_LEAD + pages) * QY_PAGE_SIZE;
	cfg.max_order = max_order;
	cfg.max_order_zero = !max_order;
	cfg.cpu_provider = QY_CPU_MANUAL;
	cfg.policy = QY_POLICY_REPORT;
	cfg.sink.fn = count_report;
	cfg.zone_limit[QY_ZONE_DMA] = (RIG_LEAD + start) * QY_PAGE_SIZE;
	return cfg;
}

static inline void rig_place(const struct qy_mm_config *cfg)
{
	memset(rig.buf, 0x11, rig.bytes);
	rig.mm = qy__mm_place(cfg);
	if (!rig.mm || qy__mm_handover(rig.mm)) {
		printf("no instance\n");
		exit(2);
	}
}

/* All of zone DMA is taken, so that what remains is the ground. */
static inline void rig_take_lead(void)
{
	while (qy__rmqueue_locked(rig.mm, &rig.mm->zone[QY_ZONE_DMA], 0, 0, 0))
		rig.taken++;
	rig.mm->usage.pages = rig.taken;
	rig.mm->usage.high_water = SIZE_MAX;
}

static inline void rig_end(void)
{
	qy__mm_release(rig.mm);
	free(rig.buf);
}

/* ---- pages and free lists ---- */

static inline struct qy_page *page_at(unsigned int bit)
{
	return qy__pfn_page(rig.mm, rig.origin + bit);
}

static inline unsigned int bit_of(uint32_t pfn)
{
	return pfn - rig.origin;
}

static inline void cut(struct qy__free_area *area, unsigned int type, struct qy_page *page)
{
	if (page->prev == QY__PFN_NONE)
		area->head[type] = page->next;
	else
		qy__pfn_page(rig.mm, page->prev)->next = page->next;
	if (page->next == QY__PFN_NONE)
		area->tail[type] = page->prev;
	else
		qy__pfn_page(rig.mm, page->next)->prev = page->prev;
}

static inline void put_first(struct qy__free_area *area, unsigned int type, struct qy_page *page)
{
	uint32_t *head = &area->head[type];

	page->prev = QY__PFN_NONE;
	page->next = *head;
	*head = qy__page_pfn(rig.mm, page);
	if (page->next == QY__PFN_NONE)
		area->tail[type] = *head;
	else
		qy__pfn_page(rig.mm, page->next)->prev = *head;
}

static inline void put_last(struct qy__free_area *area, unsigned int type, struct qy_page *page)
{
	uint32_t *tail = &area->tail[type];

	page->next = QY__PFN_NONE;
	page->prev = *tail;
	*tail = qy__page_pfn(rig.mm, page);
	if (page->prev == QY__PFN_NONE)
		area->head[type] = *tail;
	else
		qy__pfn_page(rig.mm, page->prev)->next = *tail;
}

/*
 * A page of @type with values that mislead, other ones for each @x: its links lead anywhere in the
 * @n pages from page @start on.
 */
static inline void mislead(struct qy_page *page, uint64_t x, enum qy__page_type type,
			   unsigned int start, unsigned int n, unsigned int max_order)
{
	uint32_t first = rig.origin + start;

	x *= UINT64_C(0x9e3779b97f4a7c15);
	page->type = (uint8_t)type;
	page->flags = 0;
	page->order = (uint8_t)((x >> 32) % (max_order + 2));
	page->head = first + (uint32_t)(x >> 40) % n;
	page->next = first + (uint32_t)(x >> 45) % n;
	page->prev = first + (uint32_t)(x >> 50) % n;
	page->track.when = x;
	page->track.stack = (uint32_t)x;
	page->track.tid = (int32_t)(x >> 32);
	/* Who takes a page from a list looks at that. */
	page->alloc.refcount = type == QY__PAGE_ALLOC;
}

#endif
