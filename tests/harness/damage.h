/* SPDX-License-Identifier: MIT */
/*
 * damage.h - break one thing in an instance, and have the checker name it.
 *
 *   set up, instance_save() once; then for each thing: break it, expect_violation(in, "B3").
 *
 * White-box tests only.
 */
#ifndef TESTS_HARNESS_DAMAGE_H
#define TESTS_HARNESS_DAMAGE_H

#include "instance.h"

#include "page/page.h"
#include "slab/slub.h"
#include "util/hash.h"

static inline uint64_t checksum(const struct instance *inst)
{
	return qy__hash_words((const uintptr_t *)inst->buf, inst->size / sizeof(uintptr_t), 1);
}

static inline bool has_violation(const struct qy_check_result *r, const char *id)
{
	for (unsigned int i = 0; i < r->nr && i < QY_CHECK_MAX; i++)
		if (!strcmp(r->v[i].id, id))
			return true;
	return false;
}

/* Check what is broken: @id is among the violations, nothing was written. Then mend it. */
#define expect_violation(in, id) expect_violation_at(in, id, __FILE__, __LINE__)

static inline void expect_violation_at(struct instance *inst, const char *id, const char *file,
				       int line)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};
	uint64_t before = checksum(inst);
	unsigned int nr = qy_check(inst->mm, QY_CHECK_ALL, &r);

	if (nr != r.nr || !has_violation(&r, id)) {
		printf("%s:%d: expected %s\n", file, line, id);
		print_violations(&r);
	}
	_assert_true(has_violation(&r, id), "the violation is named", file, line);
	_assert_int_equal(nr, r.nr, file, line);
	_assert_int_equal(checksum(inst), before, file, line);
	_assert_int_equal(qy_check(inst->mm, QY_CHECK_ALL, NULL), nr, file, line);
	instance_restore(inst);
	_assert_int_equal(qy_check(inst->mm, QY_CHECK_ALL, &r), 0, file, line);
}

/* The first block whose head has @type and an order of at least @order, from @from on. */
static inline struct qy_page *find_block(const struct qy_mm *mm, enum qy__page_type type,
					 unsigned int order, const struct qy_page *from)
{
	uint32_t pfn = from ? qy__page_pfn(mm, from) + 1 : mm->min_pfn;

	for (; pfn < mm->end_pfn; pfn++) {
		struct qy_page *page = qy__pfn_page(mm, pfn);

		if (page->type == type && page->order >= order)
			return page;
	}
	return NULL;
}

/* The first free block of zone Normal of at least @order. */
static inline struct qy_page *free_block(const struct qy_mm *mm, unsigned int order)
{
	struct qy_page *page = NULL;

	do
		page = find_block(mm, QY__PAGE_BUDDY, order, page);
	while (page && page->zone != QY_ZONE_NORMAL);
	assert_non_null(page);
	return page;
}

static inline struct qy__zone *zone_of(struct qy_mm *mm, const struct qy_page *page)
{
	return &mm->zone[page->zone];
}

static inline struct qy_page *slab_of_object(const struct qy_mm *mm, const void *object)
{
	return qy__page_head(mm, qy__addr_page(mm, object));
}

/*
 * Take a block off its list; put one on the head of a list. As the allocator does, but at our will.
 */
static inline void unlist(struct qy_mm *mm, struct qy__free_area *area, struct qy_page *page)
{
	uint32_t *head = &area->head[page->migratetype], *tail = &area->tail[page->migratetype];

	*(page->prev == QY__PFN_NONE ? head : &qy__pfn_page(mm, page->prev)->next) = page->next;
	*(page->next == QY__PFN_NONE ? tail : &qy__pfn_page(mm, page->next)->prev) = page->prev;
	area->nr_free--;
}

static inline void enlist(struct qy_mm *mm, struct qy__free_area *area, struct qy_page *page)
{
	uint32_t pfn = qy__page_pfn(mm, page), *head = &area->head[page->migratetype];

	page->prev = QY__PFN_NONE;
	page->next = *head;
	*(*head == QY__PFN_NONE ? &area->tail[page->migratetype] : &qy__pfn_page(mm, *head)->prev) =
		pfn;
	*head = pfn;
	area->nr_free++;
}

#endif
