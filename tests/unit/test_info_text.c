/* SPDX-License-Identifier: MIT */
/*
 * test_info_text.c - the kernel's texts read and printed again, to the letter; what is not well
 * formed, line by line; the caller's memory; the indices' formulas.
 */
#include "info_texts.h"

#include "info/info.h"

static void text_parsed_and_printed_is_the_same_bytes(void **state)
{
	(void)state;
	for
		EACH_FORMAT(f)
		{
			unsigned int line = 0, lines = 1;

			for (const char *at = f->text; *at; at++)
				lines += *at == '\n';
			assert_int_equal(parse_copy(f, f->text, strlen(f->text), &line), 0);
			assert_int_equal(line, lines);
			assert_prints(f, f->text);
			assert_int_equal(f->parse(f->text, strlen(f->text), NULL), 0);
		}
}

static void figures_are_where_they_belong(void **state)
{
	(void)state;
	assert_int_equal(parse_buddy(buddy_text, strlen(buddy_text), NULL), 0);
	assert_int_equal(buddy.nr_zones, 3);
	assert_int_equal(buddy.nr_orders, 5);
	assert_int_equal(buddy_zones[1].nr_free[4], 1234567);
	assert_int_equal(buddy_zones[1].nr_free[5], 0);
	assert_int_equal(buddy_zones[2].node, 13);
	assert_string_equal(buddy_zones[2].name, "HighMem");

	assert_int_equal(parse_types(type_text, strlen(type_text), NULL), 0);
	assert_int_equal(types.nr_zones, 2);
	assert_int_equal(types.nr_orders, 4);
	assert_int_equal(types.pageblock_order, 2);
	assert_int_equal(types.types, 0x3f);
	assert_false(types.has_mixed);
	assert_int_equal(type_zones[0].nr_free[QY_MIGRATE_RECLAIMABLE][1], 99999);
	assert_int_equal(type_zones[1].nr_free[QY_MIGRATE_UNMOVABLE][0], 100000);
	assert_int_equal(type_zones[1].nr_free[QY_MIGRATE_UNMOVABLE][3], 7);
	assert_int_equal(type_zones[1].blocks[QY_MIGRATE_MOVABLE], 1993);
	assert_int_equal(type_zones[1].blocks[QY_MIGRATE_ISOLATE], 3);
	assert_true(type_zones[1].mixed[0] == QY_INFO_NONE);

	assert_int_equal(parse_types(mixed_text, strlen(mixed_text), NULL), 0);
	assert_int_equal(types.types, 0x3f & ~(1u << QY_MIGRATE_CMA));
	assert_true(types.has_mixed);
	assert_int_equal(type_zones[0].nr_free[QY_MIGRATE_ISOLATE][1], 10);
	assert_true(type_zones[0].nr_free[QY_MIGRATE_CMA][0] == QY_INFO_NONE);
	assert_true(type_zones[0].blocks[QY_MIGRATE_CMA] == QY_INFO_NONE);
	assert_int_equal(type_zones[0].mixed[QY_MIGRATE_ISOLATE], 10);

	assert_int_equal(parse_zones(zone_text, strlen(zone_text), NULL), 0);
	assert_int_equal(zones.nr_zones, 2);
	assert_int_equal(zones.nr_cpus, 2);
	assert_true(zone_zones[0].per_node && zone_zones[0].pagesets);
	assert_int_equal(zone_zones[0].nr_slab_unreclaimable, 8768);
	assert_int_equal(zone_zones[0].high, 49);
	assert_int_equal(zone_zones[0].nr_protection, 5);
	assert_int_equal(zone_zones[0].protection[1], 3019);
	assert_int_equal(zone_zones[0].numa_hit, 819485342);
	assert_int_equal(zone_zones[0].free_highatomic, 511);
	assert_int_equal(zone_zones[0].nr_cpus, 2);
	assert_int_equal(zone_cpus[0].high, 4171);
	assert_int_equal(zone_cpus[1].cpu, 17);
	assert_int_equal(zone_cpus[1].stat_threshold, 4);
	assert_false(zone_zones[1].per_node || zone_zones[1].pagesets);
	assert_int_equal(zone_zones[1].node, 1);
	assert_int_equal(zone_zones[1].first_cpu, 2);
	assert_int_equal(zone_zones[1].nr_cpus, 0);
	assert_int_equal(zone_zones[1].nr_protection, 1);
	assert_true(zone_zones[1].nr_slab_reclaimable == QY_INFO_NONE);
	assert_true(zone_zones[1].numa_hit == QY_INFO_NONE);
	assert_true(zone_zones[1].start_pfn == QY_INFO_NONE);

	assert_int_equal(parse_mem(mem_text, strlen(mem_text), NULL), 0);
	assert_int_equal(mem.mem_total, 24684092);
	assert_true(mem.vmalloc_total == 34359738367);
	assert_int_equal(mem.s_reclaimable, 414780);
	assert_int_equal(mem.cma_free, 4);
	assert_int_equal(parse_mem("MemFree: 1 kB\n", 14, NULL), 0);
	assert_int_equal(mem.mem_free, 1);
	assert_true(mem.mem_total == QY_INFO_NONE && mem.cma_free == QY_INFO_NONE);
}

struct broken {
	const char *text;
	unsigned int line;
};

static void assert_broken(int (*parse)(const char *text, size_t len, unsigned int *line),
			  const struct broken *b, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		unsigned int line = 9999;
		int ret = parse(b[i].text, strlen(b[i].text), &line);

		if (ret != -EINVAL || line != b[i].line)
			printf("%s\nreturned %d, line %u\n", b[i].text, ret, line);
		assert_int_equal(ret, -EINVAL);
		assert_int_equal(line, b[i].line);
	}
}
#define ASSERT_BROKEN(parse, table) assert_broken(parse, table, ARRAY_SIZE(table))

static void buddyinfo_malformed_line_is_named(void **state)
{
	static const struct broken table[] = {
		{"Node", 1},
		{"Node\n", 1},
		{"some words\nNode 0\n", 2},
		{"Node 0, zone\n", 1},
		{"Node 0, zone \n", 1},
		{"Node 0, zone DMA\n", 1},
		{"Node 0, zone DMA \n", 1},
		{"Node 0, zone DMA 1", 1},
		{"Node 0, zone DMA 1 \nNode 0, zone Normal 1 2 \n", 2},
		{"Node 0, zone DMA 1 2 \nNode 0, zone Normal 1 \n", 2},
		{"Node 0, zone DMA 1 \nNode 0, zone DMA 1 \n", 2},
		{"Node 0, zone DMA 1 \nx", 2},
		{"Node 0, zone DMA x \n", 1},
		{"Node 0, zone DMA 1x \n", 1},
		{"Node 0, zone DMA -1 \n", 1},
		{"Node 0, zone DMA +1 \n", 1},
		{"Node 0, zone DMA 1, 2 \n", 1},
		{"Node 0, zone DMA, 2 \n", 1},
		{"Node 0, zone DMA 18446744073709551615 \n", 1},
		{"Node 0, zone DMA 18446744073709551616 \n", 1},
		{"Node 0, zone DMA 99999999999999999999 \n", 1},
		{"Node -1, zone DMA 1 \n", 1},
		{"Node 2147483648, zone DMA 1 \n", 1},
		{"Node 0 zone DMA 1 \n", 1},
		{"Node 0, Zone DMA 1 \n", 1},
		{"Node 0, zone ABCDEFGHIJKL 1 \n", 1},
		{"Node 0, zone D\1 1 \n", 1},
		{"Node 0, zone D\xff 1 \n", 1},
		{"Node 0, zone DMA 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1"
		 " 2 \n",
		 1},
	};

	(void)state;
	ASSERT_BROKEN(parse_buddy, table);
	assert_int_equal(parse_buddy("Node 0, zone DMA \0001 \n", 20, NULL), -EINVAL);
}

static void buddyinfo_unknown_lines_and_blanks_mean_nothing(void **state)
{
	static const char text[] = "\n# a comment\nNodes\n  Node\t7 ,  zone ABCDEFGHIJK "
				   "18446744073709551614\t0 \nnode 1\n";
	static const char full[] =
		"Node 0, zone DMA 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0"
		" 31\n";

	(void)state;
	assert_int_equal(parse_buddy(text, sizeof(text) - 1, NULL), 0);
	assert_int_equal(buddy.nr_zones, 1);
	assert_prints(&formats[0], "Node 7, zone ABCDEFGHIJK 18446744073709551614      0 \n");
	assert_int_equal(parse_buddy(full, sizeof(full) - 1, NULL), 0);
	assert_int_equal(buddy.nr_orders, 32);
	assert_int_equal(buddy_zones[0].nr_free[31], 31);
	assert_int_equal(parse_buddy(text, 0, NULL), 0);
	assert_int_equal(buddy.nr_zones, 0);
	assert_prints(&formats[0], "");
}

#define PT_HEAD "Page block order: 1\nPages per block:  2\n"
#define PT_ORDERS "Free pages count per migrate type at order 0 1 \n"
#define PT_ROW "Node 0, zone DMA, type Movable 1 2 \n"
#define PT_BLOCKS "Number of blocks type Movable \n"
#define PT_ALL PT_HEAD PT_ORDERS PT_ROW PT_BLOCKS "Node 0, zone DMA 1 \n"

static void pagetypeinfo_malformed_line_is_named(void **state)
{
	static const struct broken table[] = {
		{"", 1},
		{"\n", 2},
		{"Page block order: 32\n", 1},
		{"Page block order: \n", 1},
		{"Page block order: 1 2\n", 1},
		{"Page block order: 1\nPage block order: 1\n", 2},
		{"Pages per block: 2\n", 1},
		{"Page block order: 1\nPages per block: 3\n", 2},
		{PT_HEAD "Pages per block:  2\n", 3},
		{PT_HEAD, 3},
		{PT_ORDERS, 1},
		{PT_HEAD "Free pages count per migrate type at order \n", 3},
		{PT_HEAD "Free pages count per migrate type at order 0 2 \n", 3},
		{PT_HEAD "Free pages count per migrate type at order 1 \n", 3},
		{PT_HEAD PT_ORDERS PT_ORDERS, 4},
		{PT_HEAD PT_ROW, 3},
		{PT_HEAD PT_ORDERS PT_ROW, 5},
		{PT_HEAD PT_ORDERS PT_ROW PT_ROW, 5},
		{PT_HEAD PT_ORDERS "Node 0, zone DMA, type Movable 1 \n", 4},
		{PT_HEAD PT_ORDERS "Node 0, zone DMA, type Movable 1 2 3 \n", 4},
		{PT_HEAD PT_ORDERS "Node 0, zone DMA, type Movable >1 2 \n", 4},
		{PT_HEAD PT_ORDERS "Node 0, zone DMA, type Movable >99999 2 \n", 4},
		{PT_HEAD PT_ORDERS "Node 0, zone DMA, type Movable >100001 2 \n", 4},
		{PT_HEAD PT_ORDERS "Node 0, zone DMA, type Movable > \n", 4},
		{PT_HEAD PT_ORDERS "Node 0, zone DMA, type\n", 4},
		{PT_HEAD PT_ORDERS "Node 0, zone DMA, kind Movable 1 2 \n", 4},
		{PT_HEAD PT_ORDERS "Node 0, zone DMA type Movable 1 2 \n", 4},
		{PT_HEAD PT_ORDERS PT_ROW "Number of blocks type \n", 5},
		{PT_HEAD PT_ORDERS PT_ROW "Number of blocks type Unmovable \n", 5},
		{PT_HEAD PT_ORDERS PT_ROW "Number of blocks type Movable Isolate \n", 5},
		{PT_HEAD PT_ORDERS PT_ROW "Number of blocks type Movable Movable \n", 5},
		{PT_HEAD PT_ORDERS PT_ROW "Number of blocks type a b c d e f g h i j k l m n o p "
					  "Movable \n",
		 5},
		{PT_HEAD PT_ORDERS PT_ROW "Number of mixed blocks Movable \n", 5},
		{PT_HEAD PT_ORDERS PT_ROW PT_BLOCKS, 6},
		{PT_HEAD PT_ORDERS PT_ROW PT_BLOCKS "Node 0, zone DMA \n", 6},
		{PT_HEAD PT_ORDERS PT_ROW PT_BLOCKS "Node 0, zone DMA 1 2 \n", 6},
		{PT_HEAD PT_ORDERS PT_ROW PT_BLOCKS "Node 0, zone DMA x \n", 6},
		{PT_HEAD PT_ORDERS PT_ROW PT_BLOCKS "Node 1, zone DMA 1 \n", 6},
		{PT_HEAD PT_ORDERS PT_ROW PT_BLOCKS "Node 0, zone DMA32 1 \n", 6},
		{PT_ALL "Node 0, zone DMA 1 \n", 7},
		{PT_ALL PT_BLOCKS, 7},
		{PT_ALL PT_ORDERS, 7},
		{PT_ALL "Number of mixed blocks Movable \n", 8},
		{PT_ALL "Number of mixed blocks Movable \nNode 0, zone DMA 1 \n" PT_BLOCKS, 9},
		/* Two zones, one of them without a type, or without blocks. */
		{PT_HEAD PT_ORDERS PT_ROW "Node 1, zone DMA, type Movable 1 2 \n"
					  "Node 1, zone DMA, type Isolate 1 2 \n"
					  "Number of blocks type Movable Isolate \n"
					  "Node 0, zone DMA 1 2 \nNode 1, zone DMA 1 2 \n",
		 10},
		{PT_HEAD PT_ORDERS PT_ROW "Node 1, zone DMA, type Movable 1 2 \n" PT_BLOCKS
					  "Node 0, zone DMA 1 \n",
		 8},
	};

	(void)state;
	ASSERT_BROKEN(parse_types, table);
	assert_int_equal(parse_types(PT_ALL, strlen(PT_ALL), NULL), 0);
}

/* A migratetype nobody knows: its row and its column are passed over. */
static void pagetypeinfo_unknown_type_is_skipped(void **state)
{
	static const char text[] = PT_HEAD PT_ORDERS PT_ROW
		"Node 0, zone DMA, type Reserve 3 4 \n"
		"Number of blocks type Reserve Movable Other \nNode 0, zone DMA 7 8 9 \n";

	(void)state;
	assert_int_equal(parse_types(text, sizeof(text) - 1, NULL), 0);
	assert_int_equal(types.types, 1u << QY_MIGRATE_MOVABLE);
	assert_int_equal(type_zones[0].nr_free[QY_MIGRATE_MOVABLE][1], 2);
	assert_int_equal(type_zones[0].blocks[QY_MIGRATE_MOVABLE], 8);
}

#define ZI "Node 0, zone DMA\n  pages free 1\n"
#define ZI_P "protection: (0)\n"

static void zoneinfo_malformed_line_is_named(void **state)
{
	static const struct broken table[] = {
		{"Node 0, zone\n", 1},
		{"Node 0, zone DMA 1\n", 1},
		{"Node 0, zone DMA\n", 2},
		{"Node 0, zone DMA\nprotection: (0)\n", 3},
		{ZI, 3},
		{ZI "Node 0, zone Normal\n", 3},
		{ZI ZI_P ZI, 4},
		{ZI "pages free 1\n", 3},
		{ZI "min\n", 3},
		{ZI "min x\n", 3},
		{ZI "min 1 2\n", 3},
		{ZI "min 1\nmin 1\n", 4},
		{ZI "min 18446744073709551615\n", 3},
		{ZI "protection: 0\n", 3},
		{ZI "protection: ()\n", 3},
		{ZI "protection: (\n", 3},
		{ZI "protection: (1\n", 3},
		{ZI "protection: (1,\n", 3},
		{ZI "protection: (1,)\n", 3},
		{ZI "protection: (1 2)\n", 3},
		{ZI "protection: (1) 2\n", 3},
		{ZI "protection: (1, 2, 3, 4, 5, 6, 7, 8, 9)\n", 3},
		{ZI ZI_P ZI_P, 4},
		{ZI ZI_P "per-node stats x\n", 4},
		{ZI ZI_P "per-node stats\nper-node stats\n", 5},
		{ZI ZI_P "pagesets\npagesets\n", 5},
		{ZI ZI_P "pagesets:\ncpu: 0\n", 5},
		{ZI ZI_P "cpu: 0\n", 4},
		{ZI ZI_P "pagesets\ncpu:\n", 5},
		{ZI ZI_P "pagesets\ncpu: x\n", 5},
		{ZI ZI_P "pagesets\ncpu: 2147483648\n", 5},
		{ZI ZI_P "count: 1\n", 4},
		{ZI ZI_P "pagesets\ncount: 1\n", 5},
		{ZI ZI_P "vm stats threshold: 1\n", 4},
		{ZI ZI_P "pagesets\ncpu: 0\ncount: 1\ncount: 1\n", 7},
		{ZI ZI_P "pagesets\ncpu: 0\nhigh: x\n", 6},
		{ZI ZI_P "nr_free_pages\n", 4},
		{ZI ZI_P "numa_hit 1\nnuma_hit 1\n", 5},
		{ZI ZI_P "start_pfn: -1\n", 4},
		{ZI ZI_P "start_pfn: 1", 4},
	};

	(void)state;
	ASSERT_BROKEN(parse_zones, table);
	assert_int_equal(parse_zones(ZI ZI_P, strlen(ZI ZI_P), NULL), 0);
}

/* What stands before the first zone, counters and lines of other kernels. */
static void zoneinfo_unknown_lines_are_skipped(void **state)
{
	static const char text[] = "min 7\n" ZI "  scanned  0 (a: 1)\n" ZI_P
				   "nr_dirty 12\nall_unreclaimable: 0\n  inactive_ratio:    1\n";

	(void)state;
	assert_int_equal(parse_zones(text, sizeof(text) - 1, NULL), 0);
	assert_int_equal(zones.nr_zones, 1);
	assert_true(zone_zones[0].min == QY_INFO_NONE);
	assert_prints(&formats[3], "Node 0, zone      DMA\n  pages free     1\n"
				   "        protection: (0)\n");
}

static void meminfo_malformed_line_is_named(void **state)
{
	static const struct broken table[] = {
		{"MemFree: 1 kB\nMemFree: 1 kB\n", 2},
		{"\nMemFree: 1\n", 2},
		{"MemFree:\n", 1},
		{"MemFree: kB\n", 1},
		{"MemFree: 1 MB\n", 1},
		{"MemFree: 1kB\n", 1},
		{"MemFree: 1 kB x\n", 1},
		{"MemFree: 1 kB", 1},
		{"MemFree: 0x1 kB\n", 1},
		{"MemFree: 18446744073709551615 kB\n", 1},
	};
	static const char text[] = "Buffers: 12 kB\nHugePages_Total: 0\nMemFree:\t2 kB \nSlabs: 1\n"
				   "MemFrees: x\n";

	(void)state;
	ASSERT_BROKEN(parse_mem, table);
	assert_int_equal(parse_mem(text, sizeof(text) - 1, NULL), 0);
	assert_prints(&formats[4], "MemFree:               2 kB\n");
	assert_int_equal(parse_mem("", 0, NULL), 0);
	assert_prints(&formats[4], "");
}

/* ---- the caller's memory ---- */

static void struct_of_another_size_is_refused(void **state)
{
	struct qy_buddyinfo b = {.struct_size = sizeof(b) - 1};
	struct qy_pagetypeinfo t = {.struct_size = 0};
	struct qy_zoneinfo z = {.struct_size = sizeof(z) + 8};
	struct qy_meminfo m = {.struct_size = 1};
	unsigned int line;

	(void)state;
	line = 7;
	assert_int_equal(qy_buddyinfo_parse(buddy_text, sizeof(buddy_text) - 1, &b, &line),
			 -EINVAL);
	assert_int_equal(line, 0);
	line = 7;
	assert_int_equal(qy_pagetypeinfo_parse(type_text, sizeof(type_text) - 1, &t, &line),
			 -EINVAL);
	assert_int_equal(line, 0);
	line = 7;
	assert_int_equal(qy_zoneinfo_parse(zone_text, sizeof(zone_text) - 1, &z, &line), -EINVAL);
	assert_int_equal(line, 0);
	line = 7;
	assert_int_equal(qy_meminfo_parse(mem_text, sizeof(mem_text) - 1, &m, &line), -EINVAL);
	assert_int_equal(line, 0);
}

/* Too small an array is filled, nothing behind it is touched, and what is needed is known. */
static void array_too_small_says_how_many(void **state)
{
	struct qy_buddyinfo b = {sizeof(b), buddy_zones, 2, 0, 0};
	struct qy_pagetypeinfo t = {sizeof(t), type_zones, 1, 0, 0, 0, 0, false};
	struct qy_zoneinfo z = {sizeof(z), zone_zones, 1, 0, zone_cpus, 1, 0};
	struct qy_buddyinfo_zone b_guard;
	struct qy_pagetypeinfo_zone t_guard;
	struct qy_zoneinfo_zone z_guard;
	struct qy_zoneinfo_cpu c_guard;

	(void)state;
	memset(buddy_zones, 0xaa, sizeof(buddy_zones));
	memset(&b_guard, 0xaa, sizeof(b_guard));
	assert_int_equal(qy_buddyinfo_parse(buddy_text, sizeof(buddy_text) - 1, &b, NULL), -ENOSPC);
	assert_int_equal(b.nr_zones, 3);
	assert_int_equal(b.zone[1].nr_free[1], 12);
	assert_memory_equal(&b.zone[2], &b_guard, sizeof(b_guard));
	assert_int_equal(qy_buddyinfo_print(&b, printed, sizeof(printed)),
			 strstr(buddy_text, "Node 13") - buddy_text);

	memset(type_zones, 0xaa, sizeof(type_zones));
	memset(&t_guard, 0xaa, sizeof(t_guard));
	assert_int_equal(qy_pagetypeinfo_parse(type_text, sizeof(type_text) - 1, &t, NULL),
			 -ENOSPC);
	assert_int_equal(t.nr_zones, 2);
	assert_int_equal(t.zone[0].blocks[1], 7);
	assert_memory_equal(&t.zone[1], &t_guard, sizeof(t_guard));

	memset(zone_zones, 0xaa, sizeof(zone_zones));
	memset(zone_cpus, 0xaa, sizeof(zone_cpus));
	memset(&z_guard, 0xaa, sizeof(z_guard));
	memset(&c_guard, 0xaa, sizeof(c_guard));
	assert_int_equal(qy_zoneinfo_parse(zone_text, sizeof(zone_text) - 1, &z, NULL), -ENOSPC);
	assert_int_equal(z.nr_zones, 2);
	assert_int_equal(z.nr_cpus, 2);
	assert_int_equal(z.cpu[0].count, 5);
	assert_memory_equal(&z.zone[1], &z_guard, sizeof(z_guard));
	assert_memory_equal(&z.cpu[1], &c_guard, sizeof(c_guard));
	assert_true(qy_zoneinfo_print(&z, printed, sizeof(printed)) < strlen(zone_text));
	assert_null(strstr(printed, "cpu: 17"));
	z.max_zones = 2; /* either array */
	assert_int_equal(qy_zoneinfo_parse(zone_text, sizeof(zone_text) - 1, &z, NULL), -ENOSPC);
	z.max_cpus = 2;
	assert_int_equal(qy_zoneinfo_parse(zone_text, sizeof(zone_text) - 1, &z, NULL), 0);

	/* None at all: to ask how many. */
	b = (struct qy_buddyinfo){.struct_size = sizeof(b)};
	assert_int_equal(qy_buddyinfo_parse(buddy_text, sizeof(buddy_text) - 1, &b, NULL), -ENOSPC);
	assert_int_equal(b.nr_zones, 3);
	t = (struct qy_pagetypeinfo){.struct_size = sizeof(t)};
	assert_int_equal(qy_pagetypeinfo_parse(type_text, sizeof(type_text) - 1, &t, NULL),
			 -ENOSPC);
	assert_int_equal(t.nr_zones, 2);
	z = (struct qy_zoneinfo){.struct_size = sizeof(z)};
	assert_int_equal(qy_zoneinfo_parse(zone_text, sizeof(zone_text) - 1, &z, NULL), -ENOSPC);
	assert_int_equal(z.nr_zones, 2);
	assert_int_equal(z.nr_cpus, 2);
}

static void text_is_cut_to_the_buffer_at_every_length(void **state)
{
	(void)state;
	for
		EACH_FORMAT(f)
		{
			size_t len = strlen(f->text);

			assert_int_equal(f->parse(f->text, len, NULL), 0);
			assert_int_equal(f->print(NULL, 0), len);
			for (size_t size = 1; size <= len + 2; size++) {
				char *small = malloc(size);

				memset(small, 'x', size);
				assert_int_equal(f->print(small, size), len);
				assert_int_equal(strlen(small), min(size - 1, len));
				assert_memory_equal(small, f->text, min(size - 1, len));
				free(small);
			}
		}
}

/* ---- indices ---- */

static void unusable_index_vectors(void **state)
{
	(void)state;
	assert_int_equal(qy__unusable_index(0, 0, 0), 1000);
	assert_int_equal(qy__unusable_index(9, 0, 0), 1000);
	assert_int_equal(qy__unusable_index(0, 7, 7), 0);
	/* one block of 4, one of 2, one of 1 */
	assert_int_equal(qy__unusable_index(1, 7, 3), 142);
	assert_int_equal(qy__unusable_index(2, 7, 1), 428);
	assert_int_equal(qy__unusable_index(3, 7, 0), 1000);
	assert_int_equal(qy__unusable_index(10, (UINT64_C(1) << 40) + 1, 1 << 30), 0);
	assert_int_equal(qy__unusable_index(24, UINT64_C(1) << 40, 1 << 15), 500);
}

static void fragmentation_index_vectors(void **state)
{
	(void)state;
	assert_int_equal(qy__fragmentation_index(3, 0, 0, 0), 0); /* nothing is free */
	assert_int_equal(qy__fragmentation_index(0, 5, 5, 5), -1000);
	assert_int_equal(qy__fragmentation_index(3, 100, 1, 20), -1000);
	/* 1 - (1 + 1024/1024) / 1024 */
	assert_int_equal(qy__fragmentation_index(10, 1024, 0, 1024), 999);
	/* 1 - (1 + 512/1024) / 512, 1 - (1 + 8/1024) / 8 */
	assert_int_equal(qy__fragmentation_index(10, 512, 0, 512), 998);
	assert_int_equal(qy__fragmentation_index(10, 8, 0, 8), 875);
	/* two blocks of half the size: together just enough; one: far too little */
	assert_int_equal(qy__fragmentation_index(4, 16, 0, 2), 0);
	assert_int_equal(qy__fragmentation_index(4, 8, 0, 1), -500);
	assert_int_equal(qy__fragmentation_index(4, 1, 0, 1), -62);
	/* 3 pages in 3 blocks for a request of 2: 1 - (1 + 1.5) / 3 */
	assert_int_equal(qy__fragmentation_index(1, 3, 0, 3), 167);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_parsed_and_printed_is_the_same_bytes),
		cmocka_unit_test(figures_are_where_they_belong),
		cmocka_unit_test(buddyinfo_malformed_line_is_named),
		cmocka_unit_test(buddyinfo_unknown_lines_and_blanks_mean_nothing),
		cmocka_unit_test(pagetypeinfo_malformed_line_is_named),
		cmocka_unit_test(pagetypeinfo_unknown_type_is_skipped),
		cmocka_unit_test(zoneinfo_malformed_line_is_named),
		cmocka_unit_test(zoneinfo_unknown_lines_are_skipped),
		cmocka_unit_test(meminfo_malformed_line_is_named),
		cmocka_unit_test(struct_of_another_size_is_refused),
		cmocka_unit_test(array_too_small_says_how_many),
		cmocka_unit_test(text_is_cut_to_the_buffer_at_every_length),
		cmocka_unit_test(unusable_index_vectors),
		cmocka_unit_test(fragmentation_index_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
