/* SPDX-License-Identifier: MIT */
/*
 * test_info.c - slabinfo and buddyinfo: to the letter, and read back they are what the figures say.
 */
#include "damage.h"
#include "fixture.h"

static const char first_line[] = "slabinfo - version: 2.1\n";
static const char second_line[] =
	"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
	" : tunables <limit> <batchcount> <sharedfactor>"
	" : slabdata <active_slabs> <num_slabs> <sharedavail>\n";

static char text[65536];

/* A row printed by the rule of the format. */
static size_t expected_row(char *row, size_t size, const struct qy_cache_info *i)
{
	return (size_t)snprintf(
		row, size,
		"%-17s %6lu %6lu %6u %4u %4u : tunables %4u %4u %4u : slabdata %6lu %6lu %6lu\n",
		i->name, (unsigned long)i->live_objects, (unsigned long)i->total_objects,
		i->slot_size, i->objs_per_slab, 1u << i->order, 0, 0, 0, (unsigned long)i->nr_slabs,
		(unsigned long)i->nr_slabs, 0ul);
}

static void check_slabinfo(void)
{
	size_t len = qy_slabinfo(in.mm, text, sizeof(text));
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	const char *at = text;
	struct qy_cache *c;
	char row[256];

	assert_int_equal(len, strlen(text));
	assert_memory_equal(at, first_line, strlen(first_line));
	at += strlen(first_line);
	assert_memory_equal(at, second_line, strlen(second_line));
	at += strlen(second_line);
	for (unsigned int i = 0; (c = qy_cache_at(in.mm, i)) != NULL; i++) {
		size_t n;

		qy_cache_info(c, &info);
		n = expected_row(row, sizeof(row), &info);
		assert_memory_equal(at, row, n);
		at += n;
	}
	assert_int_equal(*at, '\0');
}

/* As a program that watches /proc/slabinfo would read it. */
static void check_slabinfo_scans(void)
{
	unsigned int rows = 0;

	for (char *line = strchr(strchr(text, '\n') + 1, '\n') + 1; *line;
	     line = strchr(line, '\n') + 1, rows++) {
		unsigned long active, objs, size, per, pages, t[3], slabs[3];
		char name[64];
		int n = -1;

		sscanf(line,
		       "%63s %lu %lu %lu %lu %lu : tunables %lu %lu %lu : slabdata %lu %lu %lu%n",
		       name, &active, &objs, &size, &per, &pages, &t[0], &t[1], &t[2], &slabs[0],
		       &slabs[1], &slabs[2], &n);
		assert_true(n > 0 && line[n] == '\n');
		assert_true(active <= objs && per * size <= pages * PAGE_BYTES);
		assert_true(objs <= slabs[1] * per && slabs[0] == slabs[1]);
	}
	assert_true(rows >= 18);
}

static void use_caches(void)
{
	struct qy_cache *c = qy_cache_create(in.mm, "fifty", 50, 0, 0, NULL);
	void *p[200];

	assert_non_null(c);
	for (int i = 0; i < 200; i++)
		p[i] = qy_cache_alloc(c, QY_GFP_KERNEL);
	for (int i = 0; i < 200; i += 3)
		assert_int_equal(qy_cache_free(c, p[i]), 0);
	for (size_t size = 1; size < 3000; size = size * 2 + 1)
		assert_non_null(qy_kmalloc(in.mm, size, QY_GFP_KERNEL));
}

static void slabinfo_reads_back(void **state)
{
	static const char *const debug[] = {NULL, "slab_debug=FZPU"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		instance_make(&in, 256, debug[i]);
		check_slabinfo();
		use_caches();
		check_slabinfo();
		check_slabinfo_scans();
		tear_down(NULL);
	}
}

static void slabinfo_counts_what_users_hold(void **state)
{
	struct qy_cache *c;
	void *p[10];
	char *row;

	(void)state;
	if (QY_PAGE_SHIFT != 12)
		skip(); /* the figures are those of 4 KiB pages */
	instance_make(&in, 128, NULL);
	c = qy_cache_create(in.mm, "held", 64, 0, 0, NULL);
	for (int i = 0; i < 10; i++)
		p[i] = qy_cache_alloc(c, QY_GFP_KERNEL);
	qy_cache_free(c, p[4]); /* to the sheaf */
	qy_slabinfo(in.mm, text, sizeof(text));
	row = strstr(text, "\nheld ");
	assert_non_null(row);
	assert_memory_equal(
		row + 1,
		"held                   9     64     64   64    1 : tunables    0    0    0"
		" : slabdata      1      1      0\n",
		100);
	tear_down(NULL);
}

static void slabinfo_name_with_blanks_stays_one_column(void **state)
{
	(void)state;
	if (QY_PAGE_SHIFT != 12)
		skip(); /* the figures are those of 4 KiB pages */
	instance_make(&in, 128, NULL);
	assert_non_null(qy_cache_create(in.mm, "my own\tcache\n", 8, 0, 0, NULL));
	assert_non_null(qy_cache_create(in.mm, "a-name-of-exactly-31-characters", 8, 0, 0, NULL));
	qy_slabinfo(in.mm, text, sizeof(text));
	assert_non_null(strstr(text, "\nmy_own_cache_          0      0      8  512    1 :"));
	assert_non_null(strstr(text, "\na-name-of-exactly-31-characters      0      0"));
	check_slabinfo_scans();
	tear_down(NULL);
}

/* The length is that of the whole text; what does not fit is left out, and the end is marked. */
static void text_is_cut_to_the_buffer(void **state)
{
	char small[40];
	size_t len;

	(void)state;
	instance_make(&in, 128, NULL);
	len = qy_slabinfo(in.mm, text, sizeof(text));
	assert_int_equal(qy_slabinfo(in.mm, NULL, 0), len);
	for (size_t size = 1; size < sizeof(small); size++) {
		memset(small, 'x', sizeof(small));
		assert_int_equal(qy_slabinfo(in.mm, small, size), len);
		assert_int_equal(strlen(small), size - 1);
		assert_memory_equal(small, text, size - 1);
		assert_int_equal(small[size], 'x');
	}
	len = qy_buddyinfo(in.mm, text, sizeof(text));
	assert_int_equal(len, strlen(text));
	assert_int_equal(qy_buddyinfo(in.mm, NULL, 0), len);
	assert_int_equal(qy_buddyinfo(in.mm, small, 10), len);
	assert_memory_equal(small, text, 9);
	assert_int_equal(small[9], '\0');
	tear_down(NULL);
}

/* One line per zone that has pages; the columns add up to the page floor's figures. */
static void check_buddyinfo(unsigned int zones)
{
	unsigned int orders = qy_mm_max_order(in.mm) + 1, lines = 0;
	size_t sum[32] = {0}, free = 0;
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};

	qy_buddyinfo(in.mm, text, sizeof(text));
	for (char *at = text; *at; lines++) {
		char name[16], head[40];
		int node, n = -1;

		assert_int_equal(sscanf(at, "Node %d, zone %15s%n", &node, name, &n), 2);
		snprintf(head, sizeof(head), "Node %d, zone %8s ", 0, name);
		assert_memory_equal(at, head, strlen(head));
		at += strlen(head);
		for (unsigned int order = 0; order < orders; order++) {
			char column[24];
			unsigned long blocks = strtoul(at, NULL, 10);

			snprintf(column, sizeof(column), "%6lu ", blocks);
			assert_memory_equal(at, column, strlen(column));
			at += strlen(column);
			sum[order] += blocks;
		}
		assert_int_equal(*at++, '\n');
	}
	assert_int_equal(lines, zones);
	qy_page_stats(in.mm, &stats);
	for (unsigned int order = 0; order < orders; order++) {
		assert_int_equal(sum[order], stats.nr_free[order]);
		free += sum[order] << order;
	}
	assert_int_equal(free, stats.free);
}

static void buddyinfo_reads_back(void **state)
{
	(void)state;
	for (unsigned int max_order = 0; max_order <= 10; max_order += 2) {
		instance_init(&in, 300);
		in.config.max_order = max_order;
		in.config.max_order_zero = max_order == 0;
		in.config.zone_limit[QY_ZONE_DMA] = 100 * PAGE_BYTES;
		in.config.zone_limit[QY_ZONE_DMA32] = 150 * PAGE_BYTES;
		instance_create(&in);
		check_buddyinfo(3);
		for (unsigned int i = 0; i < 40; i++)
			(void)!qy_alloc_pages(in.mm, i & 1 ? QY_GFP_DMA : QY_GFP_NOWAIT, i % 3);
		check_buddyinfo(3);
		assert_sound(in.mm);
		tear_down(NULL);
	}
	instance_make(&in, 300, NULL);
	check_buddyinfo(1);
	assert_memory_equal(text, "Node 0, zone   Normal ", 22);
	tear_down(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(slabinfo_reads_back, tear_down),
		cmocka_unit_test_teardown(slabinfo_counts_what_users_hold, tear_down),
		cmocka_unit_test_teardown(slabinfo_name_with_blanks_stays_one_column, tear_down),
		cmocka_unit_test_teardown(text_is_cut_to_the_buffer, tear_down),
		cmocka_unit_test_teardown(buddyinfo_reads_back, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
