/* SPDX-License-Identifier: MIT */
/*
 * test_runs_random.c - everything that deals with runs of pages, in random order, on instances of
 * many shapes: who owns each page is written down beside, what a page holds is looked at, and the
 * checker looks at the rest.
 */
#include "page_map.h"

static struct instance in;
static struct users users;
static uint64_t state;

/* Runs and single pages that cannot be moved; 0 pages: an empty slot. */
#define MAX_RUNS 64
static struct {
	uint32_t pfn, nr;
	struct qy_cma *area;
	unsigned char fill;
} runs[MAX_RUNS];
static struct qy_cma *areas[2];
static unsigned int got[8];

static uint32_t random_below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % n;
}

static int slot(bool filled)
{
	int first = (int)random_below(MAX_RUNS);

	for (int i = 0; i < MAX_RUNS; i++) {
		int at = (first + i) % MAX_RUNS;

		if (!!runs[at].nr == filled)
			return at;
	}
	return -1;
}

/* Nobody else has a page of the run. */
static void run_add(uint32_t pfn, uint32_t nr, struct qy_cma *area)
{
	int at = slot(false);

	assert_true(at >= 0);
	assert_singles(in.mm, pfn, nr);
	for (uint32_t i = pfn; i < pfn + nr; i++)
		assert_int_equal(user_of(&users, i), -1);
	for (int i = 0; i < MAX_RUNS; i++)
		assert_false(runs[i].nr && pfn < runs[i].pfn + runs[i].nr &&
			     runs[i].pfn < pfn + nr);
	runs[at].pfn = pfn;
	runs[at].nr = nr;
	runs[at].area = area;
	runs[at].fill = (unsigned char)random_below(256);
	memset(qy__pfn_addr(in.mm, pfn), runs[at].fill, nr * PAGE_BYTES);
}

static void run_free(int at)
{
	uint32_t pfn = runs[at].pfn, nr = runs[at].nr;
	unsigned char *p = qy__pfn_addr(in.mm, pfn);

	assert_int_equal(p[0], runs[at].fill);
	assert_memory_equal(p, p + 1, nr * PAGE_BYTES - 1);
	runs[at].nr = 0;
	if (runs[at].area) {
		assert_true(qy_cma_release(runs[at].area, qy__pfn_page(in.mm, pfn), nr));
		return;
	}
	switch (random_below(3)) {
	case 0: assert_int_equal(qy_free_contig_range(in.mm, pfn, nr), 0); return;
	case 1: assert_int_equal(qy_free_pages_exact(in.mm, p, nr * PAGE_BYTES), 0); return;
	default:
		for (uint32_t i = 0; i < nr; i++)
			assert_int_equal(qy_free_pages_addr(in.mm, p + i * PAGE_BYTES, 0), 0);
	}
}

static void op_users(void)
{
	if (users.nr < MAX_USERS && random_below(2)) {
		qy_gfp_t gfp = random_below(4) ? 0 : QY_GFP_COMP;

		users_add(&users, in.mm, gfp, random_below(1 + in.mm->max_order % 5));
		return;
	}
	for (unsigned int i = 0; users.nr && i < 4; i++) {
		unsigned int at = random_below(users.nr);

		if (users.page[at])
			users_drop(&users, at);
	}
}

static void op_range(void)
{
	uint32_t nr = 1 + random_below(random_below(2) ? 6 : 70);
	uint32_t at = in.mm->min_pfn + random_below(in.mm->end_pfn - in.mm->min_pfn);
	int err;

	if (slot(false) < 0)
		return;
	users.refuse = random_below(4) ? 0 : -EAGAIN;
	err = qy_alloc_contig_range(in.mm, at, at + nr, 0);
	users.refuse = 0;
	got[0] += err == 0;
	got[1] += err == -EBUSY;
	got[2] += err == -ENOMEM;
	if (!err)
		run_add(at, nr, NULL);
	else
		assert_true(err == -EBUSY || err == -ENOMEM || err == -EINVAL);
}

static void op_pages(void)
{
	uint32_t nr = 1 + random_below(40);
	struct qy_page *page;

	if (slot(false) < 0)
		return;
	users.refuse = random_below(4) ? 0 : -EAGAIN;
	page = qy_alloc_contig_pages(in.mm, nr, 0, 0);
	users.refuse = 0;
	if (!page)
		return;
	got[3]++;
	if (!(nr & (nr - 1)))
		assert_int_equal(qy_page_pfn(in.mm, page) % nr, 0);
	run_add(qy_page_pfn(in.mm, page), nr, NULL);
}

static void op_cma(void)
{
	struct qy_cma *area = areas[random_below(2)];
	unsigned int align = random_below(5);
	uint32_t nr = 1 + random_below(12);
	struct qy_page *page;

	if (!area || slot(false) < 0)
		return;
	users.refuse = random_below(4) ? 0 : -EAGAIN;
	page = qy_cma_alloc(area, nr, align, true);
	users.refuse = 0;
	if (!page)
		return;
	got[4]++;
	assert_int_equal(qy_page_pfn(in.mm, page) % (1u << align), 0);
	run_add(qy_page_pfn(in.mm, page), nr, area);
}

static void op_exact(void)
{
	size_t bytes = 1 + random_below(20) * PAGE_BYTES + random_below(PAGE_BYTES);
	void *p;

	if (slot(false) < 0)
		return;
	p = qy_alloc_pages_exact(in.mm, QY_GFP_NOWARN, bytes);
	if (!p)
		return;
	got[5]++;
	run_add(qy_page_pfn(in.mm, qy_page_of(in.mm, p)),
		(uint32_t)((bytes + PAGE_BYTES - 1) / PAGE_BYTES), NULL);
}

static void op_split(void)
{
	unsigned int order = random_below(in.mm->max_order + 1);
	struct qy_page *page;

	if (slot(false) < 0)
		return;
	page = qy_alloc_pages(in.mm, QY_GFP_NOWARN, order);
	if (!page)
		return;
	got[6]++;
	assert_int_equal(qy_split_page(in.mm, page, order), 0);
	run_add(qy_page_pfn(in.mm, page), 1u << order, NULL);
}

static void op_free(void)
{
	int at = slot(true);

	if (at >= 0)
		run_free(at);
}

static void step(void)
{
	switch (random_below(12)) {
	case 0:
	case 1:
	case 2:
	case 3: op_users(); break;
	case 4:
	case 5: op_range(); break;
	case 6: op_pages(); break;
	case 7: op_cma(); break;
	case 8: op_exact(); break;
	case 9: op_split(); break;
	default: op_free(); break;
	}
}

static size_t owned(void)
{
	size_t pages = 0;

	for (int i = 0; i < MAX_RUNS; i++)
		pages += runs[i].nr;
	for (unsigned int i = 0; i < users.nr; i++)
		if (users.page[i])
			pages += (size_t)1 << qy_page_order(users.page[i]);
	return pages;
}

static void all_back(size_t in_use)
{
	for (int i = 0; i < MAX_RUNS; i++)
		if (runs[i].nr)
			run_free(i);
	users_drop_all(&users);
	qy_mm_drain_pages(in.mm);
	assert_int_equal(in.mm->usage.pages, in_use);
	for (unsigned int z = 0; z < in.mm->nr_zones; z++)
		assert_int_equal(in.mm->zone[z].nr_free_isolate, 0);
	for (int i = 0; i < 2; i++) {
		struct qy_cma_stat s = {.struct_size = sizeof(s)};

		if (areas[i])
			assert_int_equal(qy_cma_stat_get(areas[i], &s) + (int)s.used, 0);
	}
	assert_sound(in.mm);
}

/* The bits of @shape choose what the instance is like. */
static void one_instance(uint32_t shape)
{
	static const unsigned int order[4] = {6, 4, 2, 9};
	size_t in_use;

	state = 0x9e3779b97f4a7c15u * (shape + 1);
	instance_init(&in, 400);
	in.config.max_order = order[shape & 3];
	in.config.pageblock_order = 1 + (shape >> 2) % 3;
	in.config.grouping = shape & 16 ? QY_OFF : QY_ON;
	in.config.pcp = shape & 32 ? QY_ON : QY_OFF;
	in.config.pcp_batch = 4;
	in.config.pcp_high = 24;
	if (shape & 64)
		in.config.zone_limit[QY_ZONE_DMA] = (150 + shape % 7) * PAGE_BYTES;
	if (shape & 128)
		in.config.page_debug = QY_PAGE_POISON;
	if (shape & 256) { /* free pages trap */
		in.config.backing = QY_BACKING_ANON;
		in.config.size = 24 << 20;
		in.config.page_debug |= QY_CONFIG_DEBUG ? QY_PAGE_UNMAP | QY_PAGE_OWNER : 0;
		in.config.report_free = 1 << 20;
	}
	memset(runs, 0, sizeof(runs));
	memset(areas, 0, sizeof(areas));
	users_init(&users, &in.config);
	instance_create(&in);
	users.mm = in.mm;
	for (unsigned int i = 0; i < 2; i++)
		qy_cma_declare(in.mm, 0, 32, 0, 0, 2 * i, false, NULL, &areas[i]);
	qy_mm_drain_pages(in.mm);
	in_use = in.mm->usage.pages;
	for (int n = 0; n < 1500; n++) {
		step();
		if (n % 16)
			continue;
		assert_sound(in.mm);
		users_check(&users);
		if (!in.mm->pcp.on)
			assert_int_equal(in.mm->usage.pages, in_use + owned());
	}
	got[7] += users.moved;
	assert_int_equal(users.unknown, 0);
	assert_int_equal(in.reports.nr, 0);
	all_back(in_use);
	instance_destroy(&in);
}

static void random_runs_on_every_shape(void **unused)
{
	(void)unused;
	memset(got, 0, sizeof(got));
	for (uint32_t shape = 0; shape < 256; shape += 5)
		one_instance(shape);
	for (uint32_t shape = 256; shape < 512; shape += 37)
		one_instance(shape);
	/* All of it was reached, and not just once. */
	printf("ranges %u, busy %u, no room %u, pages %u, cma %u, exact %u, split %u, moved %u\n",
	       got[0], got[1], got[2], got[3], got[4], got[5], got[6], got[7]);
	for (int i = 0; i < 8; i++)
		assert_true(got[i] > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_runs_on_every_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
