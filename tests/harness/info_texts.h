/* SPDX-License-Identifier: MIT */
/*
 * info_texts.h - the kernel's texts, one of each kind, and the four formats seen alike: parsed into
 * static structs, printed from there.
 */
#ifndef TESTS_HARNESS_INFO_TEXTS_H
#define TESTS_HARNESS_INFO_TEXTS_H

#include "instance.h"

#include <errno.h>

#define TEXT_ZONES 12
#define TEXT_CPUS 40

static const char buddy_text[] = "Node 0, zone      DMA      0      0      1      0      3 \n"
				 "Node 0, zone   Normal      5     12      0 123456 1234567 \n"
				 "Node 13, zone  HighMem      0      0      0      0      0 \n";

static const char type_text[] =
	"Page block order: 2\n"
	"Pages per block:  4\n"
	"\n"
	"Free pages count per migrate type at order       0      1      2      3 \n"
	"Node    0, zone      DMA, type    Unmovable      1      2      3      4 \n"
	"Node    0, zone      DMA, type      Movable      0      0      0      0 \n"
	"Node    0, zone      DMA, type  Reclaimable      0  99999      0      0 \n"
	"Node    0, zone      DMA, type   HighAtomic      0      0      0      0 \n"
	"Node    0, zone      DMA, type          CMA      0      0      0      0 \n"
	"Node    0, zone      DMA, type      Isolate      0      0      0      0 \n"
	"Node    1, zone   Normal, type    Unmovable >100000      0      0      7 \n"
	"Node    1, zone   Normal, type      Movable      1      1      1      1 \n"
	"Node    1, zone   Normal, type  Reclaimable      0      0      0      0 \n"
	"Node    1, zone   Normal, type   HighAtomic      0      0      0      0 \n"
	"Node    1, zone   Normal, type          CMA      0      0      0      0 \n"
	"Node    1, zone   Normal, type      Isolate      0      0      0      0 \n"
	"\n"
	"Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic"
	"          CMA      Isolate \n"
	"Node 0, zone      DMA            1            7            0            0"
	"            0            0 \n"
	"Node 1, zone   Normal          131         1993          180            0"
	"            2            3 \n";

/* A kernel without CMA, with page_owner. */
static const char mixed_text[] =
	"Page block order: 9\n"
	"Pages per block:  512\n"
	"\n"
	"Free pages count per migrate type at order       0      1 \n"
	"Node    0, zone    DMA32, type    Unmovable      1      2 \n"
	"Node    0, zone    DMA32, type      Movable      3      4 \n"
	"Node    0, zone    DMA32, type  Reclaimable      5      6 \n"
	"Node    0, zone    DMA32, type   HighAtomic      7      8 \n"
	"Node    0, zone    DMA32, type      Isolate      9     10 \n"
	"\n"
	"Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate \n"
	"Node 0, zone    DMA32            1            2            3            4            5 \n"
	"\n"
	"Number of mixed blocks    Unmovable      Movable  Reclaimable   HighAtomic      Isolate \n"
	"Node 0, zone    DMA32            6            7            8            9           10 \n";

static const char zone_text[] = "Node 0, zone      DMA\n"
				"  per-node stats\n"
				"      nr_slab_reclaimable 79231\n"
				"      nr_slab_unreclaimable 8768\n"
				"  pages free     3840\n"
				"        boost    0\n"
				"        min      33\n"
				"        low      41\n"
				"        high     49\n"
				"        promo    57\n"
				"        spanned  4095\n"
				"        present  3998\n"
				"        managed  3840\n"
				"        cma      0\n"
				"        protection: (0, 3019, 7627, 7627, 7627)\n"
				"      nr_free_pages 3840\n"
				"      nr_free_pages_blocks 3584\n"
				"      nr_zone_inactive_anon 1\n"
				"      nr_zone_active_anon 2\n"
				"      nr_zone_inactive_file 3\n"
				"      nr_zone_active_file 4\n"
				"      nr_zone_unevictable 5\n"
				"      nr_zone_write_pending 6\n"
				"      nr_mlock     7\n"
				"      nr_zspages   8\n"
				"      nr_free_cma  9\n"
				"      numa_hit     819485342\n"
				"      numa_miss    10\n"
				"      numa_foreign 11\n"
				"      numa_interleave 12\n"
				"      numa_local   13\n"
				"      numa_other   14\n"
				"  pagesets\n"
				"    cpu: 0\n"
				"              count:    5\n"
				"              high:     4171\n"
				"              batch:    63\n"
				"              high_min: 4172\n"
				"              high_max: 48307\n"
				"  vm stats threshold: 24\n"
				"    cpu: 17\n"
				"              count:    6\n"
				"              high:     7\n"
				"              batch:    8\n"
				"              high_min: 9\n"
				"              high_max: 10\n"
				"  vm stats threshold: 4\n"
				"  node_unreclaimable:  0\n"
				"  start_pfn:           1\n"
				"  reserved_highatomic: 512\n"
				"  free_highatomic:     511\n"
				"Node 1, zone  Movable\n"
				"  pages free     0\n"
				"        boost    0\n"
				"        min      32\n"
				"        low      32\n"
				"        high     32\n"
				"        promo    32\n"
				"        spanned  0\n"
				"        present  0\n"
				"        managed  0\n"
				"        cma      0\n"
				"        protection: (0)\n";

static const char mem_text[] = "MemTotal:       24684092 kB\n"
			       "MemFree:        24160884 kB\n"
			       "MemAvailable:   24296480 kB\n"
			       "KReclaimable:     316924 kB\n"
			       "Slab:             351996 kB\n"
			       "SReclaimable:     414780 kB\n"
			       "SUnreclaim:        35072 kB\n"
			       "VmallocTotal:   34359738367 kB\n"
			       "VmallocUsed:       14284 kB\n"
			       "VmallocChunk:          0 kB\n"
			       "Percpu:              784 kB\n"
			       "CmaTotal:          16384 kB\n"
			       "CmaFree:               4 kB\n";

/* ---- the four formats, seen alike ---- */

static struct qy_buddyinfo_zone buddy_zones[TEXT_ZONES];
static struct qy_buddyinfo buddy;
static struct qy_pagetypeinfo_zone type_zones[TEXT_ZONES];
static struct qy_pagetypeinfo types;
static struct qy_zoneinfo_zone zone_zones[TEXT_ZONES];
static struct qy_zoneinfo_cpu zone_cpus[TEXT_CPUS];
static struct qy_zoneinfo zones;
static struct qy_meminfo mem;

static inline int parse_buddy(const char *text, size_t len, unsigned int *line)
{
	memset(buddy_zones, 0xaa, sizeof(buddy_zones));
	buddy = (struct qy_buddyinfo){sizeof(buddy), buddy_zones, TEXT_ZONES, 77, 77};
	return qy_buddyinfo_parse(text, len, &buddy, line);
}

static inline size_t print_buddy(char *buf, size_t size)
{
	return qy_buddyinfo_print(&buddy, buf, size);
}

static inline int parse_types(const char *text, size_t len, unsigned int *line)
{
	memset(type_zones, 0xaa, sizeof(type_zones));
	types = (struct qy_pagetypeinfo){
		sizeof(types), type_zones, TEXT_ZONES, 77, 77, 77, 77, true,
	};
	return qy_pagetypeinfo_parse(text, len, &types, line);
}

static inline size_t print_types(char *buf, size_t size)
{
	return qy_pagetypeinfo_print(&types, buf, size);
}

static inline int parse_zones(const char *text, size_t len, unsigned int *line)
{
	memset(zone_zones, 0xaa, sizeof(zone_zones));
	memset(zone_cpus, 0xaa, sizeof(zone_cpus));
	zones = (struct qy_zoneinfo){
		sizeof(zones), zone_zones, TEXT_ZONES, 77, zone_cpus, TEXT_CPUS, 77,
	};
	return qy_zoneinfo_parse(text, len, &zones, line);
}

static inline size_t print_zones(char *buf, size_t size)
{
	return qy_zoneinfo_print(&zones, buf, size);
}

static inline int parse_mem(const char *text, size_t len, unsigned int *line)
{
	memset(&mem, 0xaa, sizeof(mem));
	mem.struct_size = sizeof(mem);
	return qy_meminfo_parse(text, len, &mem, line);
}

static inline size_t print_mem(char *buf, size_t size)
{
	return qy_meminfo_print(&mem, buf, size);
}

static const struct format {
	const char *name, *text, *file;
	int (*parse)(const char *text, size_t len, unsigned int *line);
	size_t (*print)(char *buf, size_t size);
	bool all_lines; /* a kernel's file has no line that is not known */
} formats[] = {
	{"buddyinfo", buddy_text, "/proc/buddyinfo", parse_buddy, print_buddy, true},
	{"pagetypeinfo", type_text, "/proc/pagetypeinfo", parse_types, print_types, true},
	{"pagetypeinfo, mixed", mixed_text, "/proc/pagetypeinfo", parse_types, print_types, true},
	{"zoneinfo", zone_text, "/proc/zoneinfo", parse_zones, print_zones, false},
	{"meminfo", mem_text, "/proc/meminfo", parse_mem, print_mem, false},
};
#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))
#define EACH_FORMAT(f) (const struct format *f = formats; f < formats + NR_FORMATS; f++)

static char printed[1 << 20], again[1 << 20];

/* Parse a copy of its own, so that a sanitizer sees the first byte too far. */
static inline int parse_copy(const struct format *f, const char *text, size_t len,
			     unsigned int *line)
{
	char *copy = malloc(len ? len : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, text, len);
	ret = f->parse(copy, len, line);
	free(copy);
	return ret;
}

static inline void assert_prints(const struct format *f, const char *text)
{
	size_t len = f->print(printed, sizeof(printed));

	if (strcmp(printed, text))
		printf("%s:\n%s\n", f->name, printed);
	assert_string_equal(printed, text);
	assert_int_equal(len, strlen(text));
}

/* What was parsed, printed, parsed and printed is what was printed first. */
static inline void assert_cycles(const struct format *f)
{
	size_t len = f->print(printed, sizeof(printed));

	assert_int_equal(len, strlen(printed));
	assert_int_equal(f->parse(printed, len, NULL), 0);
	assert_int_equal(f->print(again, sizeof(again)), len);
	assert_memory_equal(printed, again, len + 1);
}

#endif
