/* SPDX-License-Identifier: MIT */
/*
 * test_page_owner.c - a record for every page of a block, from allocation to free and over; its
 * text to the letter; the stacks in it.
 */
#include "fixture.h"
#include "os_stand_in.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "debug/debug.h"
#include "page/page_alloc.h"
#include "page/page_owner.h"
#include "util/module.h"

#define PAGES ((size_t)512)
#define TEXT ((size_t)1 << 20)

static char text[TEXT];
static uint64_t now;

static uint64_t tell_time(void *ctx)
{
	(void)ctx;
	return now;
}

static void make(enum qy_backing backing)
{
	instance_init(&in, backing == QY_BACKING_ARENA ? PAGES : 0);
	in.config.backing = backing;
	if (backing == QY_BACKING_ANON)
		in.config.size = 8192 * PAGE_BYTES;
	in.config.page_debug = QY_PAGE_OWNER;
	in.config.clock.fn = tell_time;
	now = 1000;
	instance_create(&in);
}

static const struct qy__page_owner *record(const struct qy_page *page)
{
	const struct qy__page_owner *rec = qy__page_owner_of(in.mm, qy_page_pfn(in.mm, page));

	assert_non_null(rec);
	return rec;
}

static void assert_live(const struct qy_page *page, unsigned int pages, unsigned int order)
{
	for (unsigned int i = 0; i < pages; i++) {
		const struct qy__page_owner *rec = record(page + i);

		assert_int_equal(rec->live, 1);
		assert_int_equal(rec->order, order);
		assert_int_equal(rec->pid, getpid());
		assert_int_equal(rec->tid, syscall(SYS_gettid));
	}
}

static void assert_freed(const struct qy_page *page, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++) {
		const struct qy__page_owner *rec = record(page + i);

		assert_int_equal(rec->live, 0);
		assert_true(rec->free_ts >= rec->ts);
	}
}

static void print(void)
{
	size_t len = qy_page_owner(in.mm, text, TEXT);

	assert_true(len < TEXT);
	assert_int_equal(len, strlen(text));
}

/* The entry of the block at @page, with its stack's lines taken out; NULL: none. */
static char *entry_of(const struct qy_page *page, unsigned int *frames)
{
	static char entry[4096];
	char key[64], *line, *end, *to = entry;

	print();
	snprintf(key, sizeof(key), "\nPFN %u type ", qy_page_pfn(in.mm, page));
	line = strstr(text, key);
	if (!line)
		return NULL;
	while (line > text && line[-1] != '\n')
		line--;
	*frames = 0;
	for (; *line && *line != '\n'; line = end + 1) {
		end = strchr(line, '\n');
		if (!memcmp(line, " #", 2)) {
			++*frames;
			continue;
		}
		memcpy(to, line, (size_t)(end - line) + 1);
		to += end - line + 1;
	}
	*to = '\0';
	return entry;
}

static unsigned int nr_entries(void)
{
	unsigned int n = 0;

	print();
	for (const char *at = text; (at = strstr(at, "Page allocated via order ")); at++)
		n++;
	return n;
}

/* ---- records ---- */

static void every_page_of_a_block_has_the_record(void **state)
{
	(void)state;
	for (unsigned int order = 0; order <= 5; order++) {
		struct qy_page *page;

		make(QY_BACKING_ARENA);
		page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, order);
		assert_live(page, 1u << order, order);
		assert_int_equal(record(page)->ts, 1000);
		now = 2000;
		qy_free_pages(in.mm, page, order);
		assert_freed(page, 1u << order);
		assert_int_equal(record(page + (1u << order) - 1)->free_ts, 2000);
		assert_int_equal(record(page)->ts, 1000);
		assert_clean(&in);
		tear_down(NULL);
	}
}

static void neighbours_keep_their_records(void **state)
{
	struct qy_page *page[8];
	unsigned int before;

	(void)state;
	make(QY_BACKING_ARENA);
	before = nr_entries();
	for (unsigned int i = 0; i < 8; i++) {
		now = 1000 + i;
		page[i] = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 2);
	}
	assert_int_equal(nr_entries(), before + 8);
	now = 5000;
	for (unsigned int i = 0; i < 8; i += 2)
		qy_free_pages(in.mm, page[i], 2);
	for (unsigned int i = 0; i < 8; i++) {
		if (i & 1)
			assert_live(page[i], 4, 2);
		else
			assert_freed(page[i], 4);
		assert_int_equal(record(page[i] + 3)->ts, 1000 + i);
	}
	assert_int_equal(nr_entries(), before + 4);
	assert_clean(&in);
}

static void slabs_and_large_objects_have_records(void **state)
{
	struct qy_page *slab, *large;

	(void)state;
	make(QY_BACKING_ARENA);
	slab = qy__page_head(in.mm, qy_page_of(in.mm, qy_kmalloc(in.mm, 100, QY_GFP_KERNEL)));
	large = qy_page_of(in.mm, qy_kmalloc(in.mm, 5 * PAGE_BYTES, QY_GFP_KERNEL));
	assert_int_equal(slab->type, QY__PAGE_SLAB);
	assert_int_equal(large->type, QY__PAGE_LARGE);
	assert_live(slab, 1u << slab->order, slab->order);
	assert_live(large, 8, 3);
	assert_int_equal(record(slab)->locked, 1);
	assert_int_equal(record(large)->locked, 0);
	assert_clean(&in);
}

static void split_makes_single_pages_that_go_alone(void **state)
{
	struct qy_page *page;
	unsigned int before;

	(void)state;
	make(QY_BACKING_ARENA);
	before = nr_entries();
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 3);
	assert_int_equal(nr_entries(), before + 1);
	assert_int_equal(qy_split_page(in.mm, page, 3), 0);
	assert_live(page, 8, 0);
	assert_int_equal(nr_entries(), before + 8);
	for (unsigned int i = 0; i < 8; i += 2)
		assert_int_equal(qy_free_pages(in.mm, page + i, 0), 0);
	for (unsigned int i = 0; i < 8; i += 2) {
		assert_freed(page + i, 1);
		assert_live(page + i + 1, 1, 0);
	}
	assert_int_equal(nr_entries(), before + 4);
	assert_clean(&in);
}

static void exact_allocation_owns_just_its_pages(void **state)
{
	struct qy_page *page;
	unsigned int before;
	void *p;

	(void)state;
	make(QY_BACKING_ARENA);
	before = nr_entries();
	p = qy_alloc_pages_exact(in.mm, QY_GFP_KERNEL, 5 * PAGE_BYTES);
	assert_non_null(p);
	page = qy_page_of(in.mm, p);
	assert_live(page, 5, 0);
	assert_freed(page + 5, 3);
	assert_int_equal(nr_entries(), before + 5);
	assert_int_equal(qy_free_pages_exact(in.mm, p, 5 * PAGE_BYTES), 0);
	assert_freed(page, 8);
	assert_int_equal(nr_entries(), before);
	assert_clean(&in);
}

static void shared_block_loses_all_but_its_head(void **state)
{
	struct qy_page *page;

	(void)state;
	make(QY_BACKING_ARENA);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 2);
	assert_int_equal(qy_page_get(in.mm, page), 2);
	assert_int_equal(qy_free_pages(in.mm, page, 2), 0);
	assert_live(page, 1, 0);
	assert_freed(page + 1, 3);
	assert_int_equal(qy_page_put(in.mm, page), 0);
	assert_freed(page, 4);
	assert_clean(&in);
}

static void pages_that_come_in_later_have_records(void **state)
{
	struct qy_page *page;
	uint32_t first_end;

	(void)state;
	make(QY_BACKING_ANON);
	first_end = in.mm->end_pfn;
	assert_int_equal(in.mm->page_debug.owner_end, first_end);
	assert_null(qy__page_owner_of(in.mm, first_end));
	assert_null(qy__page_owner_of(in.mm, in.mm->min_pfn - 1));
	while ((page = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 2)))
		assert_live(page, 4, 2);
	assert_true(in.mm->end_pfn > first_end);
	assert_int_equal(in.mm->page_debug.owner_end, in.mm->end_pfn);
	assert_null(qy__page_owner_of(in.mm, in.mm->end_pfn));
	assert_clean(&in);
}

static const struct qy__osif_ops *real_ops;
static struct qy__osif_ops failing_ops;
static const char *records_start;

static int failing_commit(struct qy__osif *os, void *addr, size_t len)
{
	if ((uintptr_t)addr - (uintptr_t)records_start <= in.mm->page_debug.owner_bytes)
		return -1;
	return real_ops->commit(os, addr, len);
}

static void pages_without_memory_for_records_work_all_the_same(void **state)
{
	struct qy_page *page = NULL, *last = NULL;
	uint32_t first_end;

	(void)state;
	make(QY_BACKING_ANON);
	first_end = in.mm->end_pfn;
	real_ops = qy__osif_ops(&in.mm->os);
	failing_ops = *real_ops;
	failing_ops.commit = failing_commit;
	records_start = (const char *)in.mm->page_debug.owner;
	os_stand_in(in.mm, &failing_ops);
	while (in.mm->end_pfn == first_end) {
		last = page;
		page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
		assert_non_null(page);
	}
	assert_non_null(last);
	assert_int_equal(in.mm->page_debug.owner_end, first_end);
	assert_null(qy__page_owner_of(in.mm, qy_page_pfn(in.mm, page)));
	assert_int_equal(qy_free_pages(in.mm, page, 0), 0);
	assert_true(qy_page_owner(in.mm, NULL, 0) > 100000);
	os_stand_in(in.mm, NULL);
	assert_int_equal(qy_mm_add_memory(in.mm, PAGE_BYTES * 64), 0);
	assert_int_equal(in.mm->page_debug.owner_end, in.mm->end_pfn);
	assert_live(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0), 1, 0);
	assert_clean(&in);
}

static struct qy_page *moved_to;

static int move(struct qy_mm *mm, struct qy_page *from, struct qy_page *to, unsigned int order,
		void *ctx)
{
	(void)ctx;
	memcpy(qy_page_address(mm, to), qy_page_address(mm, from), PAGE_BYTES << order);
	moved_to = to;
	return 0;
}

static void migrated_block_keeps_who_and_when(void **state)
{
	struct qy_page *from;
	unsigned int frames;
	uint32_t stack, pfn;

	(void)state;
	instance_init(&in, PAGES);
	in.config.page_debug = QY_PAGE_OWNER | QY_PAGE_POISON;
	in.config.grouping = QY_ON;
	in.config.pageblock_order = 4;
	in.config.clock.fn = tell_time;
	in.config.migrate.fn = move;
	now = 1000;
	instance_create(&in);
	do { /* a page block without books and slabs */
		from = qy_alloc_pages(in.mm, QY_GFP_HIGHUSER_MOVABLE, 1);
		assert_non_null(from);
		pfn = qy_page_pfn(in.mm, from) & ~15u;
	} while (qy_page_pfn(in.mm, from) != pfn || from[8].type == QY__PAGE_RESERVED);
	stack = record(from)->stack;
	now = 7000;
	assert_int_equal(qy_alloc_contig_range(in.mm, pfn, pfn + 16, QY_GFP_KERNEL), 0);
	assert_live(moved_to, 2, 1);
	assert_int_equal(record(moved_to + 1)->ts, 1000);
	assert_int_equal(record(moved_to + 1)->gfp, QY_GFP_HIGHUSER_MOVABLE);
	assert_int_equal(record(moved_to)->stack, stack);
	assert_non_null(strstr(entry_of(moved_to, &frames),
			       "\nPage has been migrated, last migrate reason: contig_range\n"));
	/* The range is somebody else's now. */
	assert_live(qy__pfn_page(in.mm, pfn), 16, 0);
	assert_int_equal(record(from)->ts, 7000);
	assert_int_equal(record(from)->free_ts, 7000);
	assert_null(strstr(entry_of(from, &frames), "migrated"));
	assert_int_equal(qy_free_contig_range(in.mm, pfn, 16), 0);
	assert_freed(qy__pfn_page(in.mm, pfn), 16);
	assert_int_equal(qy_free_pages(in.mm, moved_to, 1), 0);
	while (qy_alloc_pages(in.mm, QY_GFP_HIGHUSER_MOVABLE | QY_GFP_NOWARN, 1))
		; /* it is among them */
	assert_live(moved_to, 2, 1);
	assert_null(strstr(entry_of(moved_to, &frames), "migrated"));
	assert_clean(&in);
}

/* ---- text ---- */

static void text_is_the_kernels_to_the_letter(void **state)
{
	char name[512], comm[16], expected[512], *got;
	struct qy_page *page;
	unsigned int frames;

	(void)state;
	make(QY_BACKING_ARENA);
	snprintf(comm, sizeof(comm), "%s", qy__program_name(name, sizeof(name)));
	now = 123456789;
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 3);
	got = entry_of(page, &frames);
	snprintf(expected, sizeof(expected),
		 "Page allocated via order 3, mask 0xcc0(GFP_KERNEL), pid %d, tgid %d (%s), "
		 "ts 123456789 ns, free_ts 0 ns\n"
		 "PFN %u type Unmovable Block %u type Unmovable Flags 0x0(node=0|zone=%u)\n",
		 (int)syscall(SYS_gettid), (int)getpid(), comm, qy_page_pfn(in.mm, page),
		 qy_page_pfn(in.mm, page) >> in.mm->pageblock_order, qy_page_zone(in.mm, page));
	assert_string_equal(got, expected);
	assert_true(frames > 0);
	assert_clean(&in);
}

static void entries_end_with_an_empty_line(void **state)
{
	(void)state;
	make(QY_BACKING_ARENA);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0));
	print();
	assert_string_equal(text + strlen(text) - 2, "\n\n");
	assert_null(strstr(text, "\n\n\n"));
	for (const char *at = text; *at;) {
		const char *gap = strstr(at, "\n\n");

		assert_memory_equal(at, "Page allocated via order ", 25);
		at = gap + 2;
	}
}

static void previous_free_is_told_of_a_block_in_use(void **state)
{
	struct qy_page *page, *again;
	unsigned int frames;

	(void)state;
	make(QY_BACKING_ARENA);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
	now = 3000;
	qy_free_pages(in.mm, page, 0);
	now = 4000;
	again = qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0);
	assert_ptr_equal(again, page);
	assert_non_null(strstr(entry_of(page, &frames), ", ts 4000 ns, free_ts 3000 ns\n"));
	assert_non_null(strstr(entry_of(page, &frames), ", mask 0x2800(GFP_NOWAIT), "));
	assert_clean(&in);
}

static void no_flags_are_a_mask_of_0(void **state)
{
	struct qy_page *page;
	unsigned int frames;

	(void)state;
	make(QY_BACKING_ARENA);
	page = qy_alloc_pages(in.mm, 0, 0);
	assert_non_null(strstr(entry_of(page, &frames), " order 0, mask 0("));
}

static void types_of_page_and_page_block_are_named(void **state)
{
	struct qy_page *page;
	unsigned int frames;
	char *entry;

	(void)state;
	instance_init(&in, PAGES);
	in.config.page_debug = QY_PAGE_OWNER;
	in.config.grouping = QY_ON;
	in.config.pageblock_order = 4;
	instance_create(&in);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_RECLAIMABLE, 0);
	assert_non_null(strstr(entry_of(page, &frames), " type Reclaimable Block "));
	page = qy_alloc_pages(in.mm, QY_GFP_HIGHUSER_MOVABLE, 4);
	entry = entry_of(page, &frames);
	assert_non_null(strstr(entry, " type Movable Block "));
	assert_non_null(strstr(entry, " type Movable Flags 0x40(movable|node=0|zone="));
}

static void slab_says_so_in_its_flags(void **state)
{
	unsigned int frames;
	void *p;

	(void)state;
	make(QY_BACKING_ARENA);
	p = qy_kmalloc(in.mm, 64, QY_GFP_KERNEL);
	assert_non_null(
		strstr(entry_of(qy__page_head(in.mm, qy_page_of(in.mm, p)), &frames), "(slab|"));
}

static void text_is_cut_but_counted(void **state)
{
	char small[100];
	size_t len;

	(void)state;
	make(QY_BACKING_ARENA);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0));
	print();
	len = strlen(text);
	memset(small, 'x', sizeof(small));
	assert_int_equal(qy_page_owner(in.mm, NULL, 0), len);
	assert_int_equal(qy_page_owner(in.mm, small, 50), len);
	assert_memory_equal(small, text, 49);
	assert_int_equal(small[49], '\0');
	assert_int_equal(small[50], 'x');
	assert_int_equal(qy_page_owner(in.mm, small, 1), len);
	assert_string_equal(small, "");
}

static void nothing_is_told_when_it_is_off(void **state)
{
	(void)state;
	instance_make(&in, PAGES, NULL);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0));
	text[0] = 'x';
	assert_int_equal(qy_page_owner(in.mm, text, TEXT), 0);
	assert_string_equal(text, "");
	assert_int_equal(qy_page_owner(in.mm, NULL, 0), 0);
	assert_null(in.mm->page_debug.owner);
}

/* ---- stacks ---- */

static __attribute__((noinline)) struct qy_page *take_here(void)
{
	struct qy_page *page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);

	__asm__ volatile("" : : : "memory");
	return page;
}

static __attribute__((noinline)) void free_here(struct qy_page *page)
{
	qy_free_pages(in.mm, page, 0);
	__asm__ volatile("" : : : "memory");
}

#ifdef __OPTIMIZE__
#define MOST_ABOVE 4
#else
#define MOST_ABOVE 8 /* nothing is inlined */
#endif

/* A return address in the first bytes of @fn, and few of the library's own on top. */
static bool stack_has(uint32_t handle, uintptr_t fn)
{
	const uintptr_t *pc;
	unsigned int nr = qy__depot_fetch(in.mm->depot, handle, &pc);

	for (unsigned int i = 0; i < nr && i < MOST_ABOVE; i++)
		if (pc[i] > fn && pc[i] < fn + 100)
			return true;
	return false;
}

static void stacks_show_who_took_it_and_who_gave_it_back(void **state)
{
	struct qy_page *page;

	(void)state;
	for (int backing = 0; backing < 2; backing++) {
		make((enum qy_backing)backing);
		page = take_here();
		assert_true(stack_has(record(page)->stack, (uintptr_t)take_here));
		assert_int_equal(record(page)->free_stack, 0);
		free_here(page);
		assert_true(stack_has(record(page)->free_stack, (uintptr_t)free_here));
		assert_int_not_equal(record(page)->free_stack, record(page)->stack);
		assert_clean(&in);
		tear_down(NULL);
	}
}

static void report_of_damaged_poison_has_both_stacks(void **state)
{
	struct qy_page *page;
	struct record r;

	(void)state;
	instance_init(&in, PAGES);
	in.config.page_debug = QY_PAGE_OWNER | QY_PAGE_POISON;
	instance_create(&in);
	page = take_here();
	free_here(page);
	*(char *)hide(qy_page_address(in.mm, page)) = 0;
	while (!in.reports.nr)
		assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0));
	r = take_report(&in, QY_REPORT_USE_AFTER_FREE);
	assert_true(r.alloc_frames > 0);
	assert_true(r.free_frames > 0);
	assert_sound(in.mm);
}

static struct qy_report told;
static unsigned int nr_told;

static void keep_report(const struct qy_report *r, void *ctx)
{
	(void)ctx;
	told = *r;
	nr_told++;
}

/* Of a block with many histories, that of the damaged page counts. */
static void report_names_who_had_the_damaged_page(void **state)
{
	struct qy_page *page;

	(void)state;
	instance_init(&in, PAGES);
	in.config.page_debug = QY_PAGE_OWNER | QY_PAGE_POISON;
	in.config.clock.fn = tell_time;
	in.config.sink.fn = keep_report;
	instance_create(&in);
	now = 1000;
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 6);
	assert_non_null(page);
	assert_int_equal(qy_split_page(in.mm, page, 6), 0);
	for (unsigned int i = 0; i < 64; i++) {
		now = 2000 + i;
		assert_int_equal(qy_free_pages(in.mm, page + i, 0), 0);
	}
	*((char *)hide(qy_page_address(in.mm, page + 37)) + 5) = 0;
	nr_told = 0;
	assert_int_equal(qy_validate(in.mm), 1);
	assert_int_equal(nr_told, 1);
	assert_ptr_equal(told.damage, (char *)qy_page_address(in.mm, page + 37) + 5);
	assert_int_equal(told.alloc.when, 1000);
	assert_int_equal(told.free.when, 2037);
	assert_int_equal(told.alloc.tid, syscall(SYS_gettid));
	assert_int_equal(told.free.tid, syscall(SYS_gettid));
	assert_true(told.here.nr > 0);
	assert_sound(in.mm);
}

static void records_go_with_their_instance(void **state)
{
	void *records;

	(void)state;
	make(QY_BACKING_ANON);
	records = in.mm->page_debug.owner;
	assert_int_equal(msync(records, PAGE_BYTES, MS_ASYNC), 0);
	tear_down(NULL);
	assert_int_equal(msync(records, PAGE_BYTES, MS_ASYNC), -1);
	assert_int_equal(errno, ENOMEM);
}

static __attribute__((noinline)) struct qy_page *take_left(unsigned int turns);

/* A stack of its own for each number. */
static __attribute__((noinline)) struct qy_page *take_right(unsigned int turns)
{
	struct qy_page *page = turns <= 1  ? take_here()
			       : turns & 1 ? take_right(turns / 2)
					   : take_left(turns / 2);

	__asm__ volatile("" : : : "memory");
	return page;
}

static struct qy_page *take_left(unsigned int turns)
{
	struct qy_page *page = turns <= 1  ? take_here()
			       : turns & 1 ? take_right(turns / 2)
					   : take_left(turns / 2);

	__asm__ volatile("" : : : "memory");
	return page;
}

static void depot_grows_without_end_of_recursion(void **state)
{
	(void)state;
	make(QY_BACKING_ARENA);
	for (unsigned int turns = 256; turns < 512; turns++) {
		struct qy_page *page = take_left(turns);

		assert_non_null(page);
		assert_true(stack_has(record(page)->stack, (uintptr_t)take_here));
		free_here(page);
	}
	assert_true(in.mm->depot->nr_pools >= 2);
	assert_true(in.mm->depot->nr_stacks > 256);
	assert_clean(&in);
}

static void child_goes_on_with_its_copy(void **state)
{
	struct qy_page *page;
	int status = 0;
	pid_t pid;

	(void)state;
	make(QY_BACKING_ANON);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
	qy_mm_fork_prepare(in.mm);
	pid = fork();
	if (!pid) {
		struct qy_page *mine;

		qy_mm_fork_child(in.mm);
		mine = take_left(7);
		qy_free_pages(in.mm, page, 0);
		_exit(mine && record(mine)->pid == getpid() && !record(page)->live ? 0 : 1);
	}
	qy_mm_fork_parent(in.mm);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_live(page, 1, 0);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_page_of_a_block_has_the_record, tear_down),
		cmocka_unit_test_teardown(neighbours_keep_their_records, tear_down),
		cmocka_unit_test_teardown(slabs_and_large_objects_have_records, tear_down),
		cmocka_unit_test_teardown(split_makes_single_pages_that_go_alone, tear_down),
		cmocka_unit_test_teardown(exact_allocation_owns_just_its_pages, tear_down),
		cmocka_unit_test_teardown(shared_block_loses_all_but_its_head, tear_down),
		cmocka_unit_test_teardown(pages_that_come_in_later_have_records, tear_down),
		cmocka_unit_test_teardown(pages_without_memory_for_records_work_all_the_same,
					  tear_down),
		cmocka_unit_test_teardown(migrated_block_keeps_who_and_when, tear_down),
		cmocka_unit_test_teardown(text_is_the_kernels_to_the_letter, tear_down),
		cmocka_unit_test_teardown(entries_end_with_an_empty_line, tear_down),
		cmocka_unit_test_teardown(previous_free_is_told_of_a_block_in_use, tear_down),
		cmocka_unit_test_teardown(no_flags_are_a_mask_of_0, tear_down),
		cmocka_unit_test_teardown(types_of_page_and_page_block_are_named, tear_down),
		cmocka_unit_test_teardown(slab_says_so_in_its_flags, tear_down),
		cmocka_unit_test_teardown(text_is_cut_but_counted, tear_down),
		cmocka_unit_test_teardown(nothing_is_told_when_it_is_off, tear_down),
		cmocka_unit_test_teardown(stacks_show_who_took_it_and_who_gave_it_back, tear_down),
		cmocka_unit_test_teardown(report_of_damaged_poison_has_both_stacks, tear_down),
		cmocka_unit_test_teardown(report_names_who_had_the_damaged_page, tear_down),
		cmocka_unit_test_teardown(records_go_with_their_instance, tear_down),
		cmocka_unit_test_teardown(depot_grows_without_end_of_recursion, tear_down),
		cmocka_unit_test_teardown(child_goes_on_with_its_copy, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
