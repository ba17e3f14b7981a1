/* SPDX-License-Identifier: MIT */
/*
 * memblock_handover.c - the end of the boot: what is free goes to a page allocator.
 *
 *   free range      [ . . # # # # # # # # . . )         pages 6 … 17
 *   given as        [1][  3: 8 … 15   ][1]
 *
 * MB10 Given are memory less reserved in whole pages, each once, never of NOMAP memory.
 */
#include "early/memblock.h"

#include <errno.h>

#include "util/bitops.h"
#include "util/plant.h"

/* The largest aligned blocks that [start, end) is made of. */
static uint64_t give_pages(uint64_t start, uint64_t end, unsigned int max_order,
			   qy_memblock_give_fn give, void *ctx)
{
	uint64_t pages = 0;

	while (start < end) {
		unsigned int order = min(max_order, start ? qy__ctz(start) : 63u);

		order = min(order, qy__ilog2(end - start) + qy__planted(MAP_BEYOND));
		give(ctx, start, order);
		start += UINT64_C(1) << order;
		pages += UINT64_C(1) << order;
	}
	return pages;
}

static uint64_t give_range(qy_addr_t base, qy_addr_t end, unsigned int max_order,
			   qy_memblock_give_fn give, void *ctx)
{
	return give_pages(qy__pfn_up(base), qy__pfn_down(end), max_order, give, ctx);
}

int qy_memblock_free_all(struct qy_memblock *mb, unsigned int max_order, qy_memblock_give_fn give,
			 void *ctx, uint64_t *pages)
{
	struct qy__memblock_change spread = {.verb = QY__MEMBLOCK_SPREAD, .nodes = &mb->memory};
	struct qy__memblock_change unmark = {
		.verb = QY__MEMBLOCK_CHANGE, .end = QY__ADDR_MAX, .clear = QY_MEMBLOCK_HOTPLUG};
	uint64_t cursor = 0, total = 0;
	qy_addr_t start, end;
	int err = qy__memblock_change(mb, &mb->reserved, &spread);

	if (err)
		return err;
	qy__memblock_apply(&mb->memory, &unmark); /* the whole of it: nothing is split */
	while (qy_memblock_next_free(mb, &cursor, &start, &end))
		total += give_range(start, end, max_order, give, ctx);
	if (pages)
		*pages = total;
	return 0;
}

int qy_memblock_free_late(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size,
			  unsigned int max_order, qy_memblock_give_fn give, void *ctx,
			  uint64_t *pages)
{
	const uint32_t unusable = QY_MEMBLOCK_NOMAP | QY_MEMBLOCK_DRIVER_MANAGED;
	qy_addr_t end = qy__range_end(base, size);
	uint64_t total;
	int err;

	if (base < end && (!qy__memblock_covers(&mb->reserved, base, end, 0) ||
			   !qy__memblock_covers(&mb->memory, base, end, unusable)))
		return -EINVAL;
	err = qy_memblock_free(mb, base, size);
	if (err)
		return err;
	total = give_range(base, end, max_order, give, ctx);
	if (pages)
		*pages = total;
	return 0;
}

static uint64_t discard_array(const struct qy_memblock *mb, const struct qy_memblock_type *type,
			      unsigned int max_order, qy_memblock_give_fn give, void *ctx)
{
	if (!type->array_size)
		return 0;
	if (type->array_addr)
		return give_range(type->array_addr, type->array_addr + type->array_size, max_order,
				  give, ctx);
	if (mb->ops && mb->ops->array_free)
		mb->ops->array_free(mb->ctx, type->regions, type->array_size);
	return 0;
}

uint64_t qy_memblock_discard(struct qy_memblock *mb, unsigned int max_order,
			     qy_memblock_give_fn give, void *ctx)
{
	uint64_t total = discard_array(mb, &mb->memory, max_order, give, ctx);

	total += discard_array(mb, &mb->reserved, max_order, give, ctx);
	total += discard_array(mb, &mb->physmem, max_order, give, ctx);
	qy__memblock_reset(mb);
	mb->nr_names = 0;
	return total;
}
