/* SPDX-License-Identifier: MIT */
/*
 * info_json.c - an instance with something of everything: its JSON on one line, then the texts it
 * must agree with. Read by test_info_json.py.
 */
#include <stdio.h>
#include <stdlib.h>

#include <quarry/quarry.h>

#define PAGE_BYTES ((size_t)1 << QY_PAGE_SHIFT)

static struct qy_mm *make(void)
{
	static const uint8_t distance[] = {10, 31, 32, 10};
	struct qy_mm_config config = QY_MM_CONFIG_INIT;

	config.backing = QY_BACKING_ARENA;
	config.size = 2048 * PAGE_BYTES;
	config.base = aligned_alloc(64 * PAGE_BYTES, config.size);
	config.max_order = 6;
	config.zone_limit[QY_ZONE_DMA] = 700 * PAGE_BYTES;
	config.cpu_provider = QY_CPU_MANUAL;
	config.nr_cpus = 2;
	config.nr_nodes = 2;
	config.distance = distance;
	config.pcp = QY_ON;
	config.grouping = QY_ON;
	config.pageblock_order = 4;
	config.watermark.marks = QY_WATERMARKS_KERNEL;
	config.watermark.min_free_kbytes = 400;
	return qy_mm_create(&config);
}

static void use(struct qy_mm *mm)
{
	struct qy_cache *c = qy_cache_create(mm, "\"quote\\ \x01\x7f\xe4\n", 100, 0,
					     QY_SLAB_RECLAIM_ACCOUNT, NULL);

	if (!c || !qy_cache_alloc(c, QY_GFP_KERNEL) || !qy_kmalloc(mm, 9 * PAGE_BYTES, 0))
		exit(1);
	for (unsigned int i = 0; i < 100; i++) {
		struct qy_page *page =
			qy_alloc_pages_node(mm, i % 2, QY_GFP_HIGHUSER_MOVABLE, i % 3);

		if (!page || (i % 7 && qy_free_pages(mm, page, i % 3)))
			exit(1);
	}
}

static void print(struct qy_mm *mm, size_t (*fn)(struct qy_mm *mm, char *buf, size_t size))
{
	static char text[1 << 18];

	if (fn(mm, text, sizeof(text)) >= sizeof(text))
		exit(1);
	puts(text);
}

int main(void)
{
	struct qy_mm *mm = make();

	if (!mm)
		return 1;
	use(mm);
	print(mm, qy_info_json);
	print(mm, qy_buddyinfo);
	print(mm, qy_meminfo);
	print(mm, qy_slabinfo);
	qy_mm_destroy(mm);
	return 0;
}
