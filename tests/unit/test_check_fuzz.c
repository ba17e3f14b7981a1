/* SPDX-License-Identifier: MIT */
/*
 * test_check_fuzz.c - whatever the books of an instance say, the checker and the texts come back,
 * and write nothing.
 *
 * Random bytes, words and pointers are written over what the library keeps for itself: descriptors,
 * zones, page blocks, zonelists, CPUs' page lists, cache heads, lists, sheaves, free objects, size
 * classes, the head of the instance. Most of it has to be noticed; some cannot be (a name, a colour
 * of padding nobody reads).
 */
#include "all_texts.h"
#include "damage.h"
#include "patience.h"

#include <unistd.h>

#include <quarry/info.h>

#include "debug/debug.h"
#include "kmalloc/size_class.h"
#include "page/page_debug.h"
#include "page/pcp.h"
#include "page/zonelist.h"
#include "util/rng.h"
#include "util/stackdepot.h"
#include "vmalloc/vmap_area.h"

#define ROUNDS 20000
#define MAX_DAMAGE 4
#define OBJECTS 160
#define MOST_SECONDS 30
#define MOST_TESTS 10000000 /* that a walk over so few pages makes, whatever it meets */

struct target {
	void *at;
	size_t len;
};

static struct instance in;
static struct qy__rng rng;
static struct target target[256];
static unsigned int nr_targets;
static void *object[OBJECTS];

static uint32_t below(size_t n)
{
	return qy__rng_below(&rng, (uint32_t)n);
}

static void add_target(void *at, size_t len)
{
	assert_true(nr_targets < sizeof(target) / sizeof(target[0]));
	target[nr_targets++] = (struct target){at, len};
}

static void use_instance(void)
{
	struct qy_cache *c = qy_cache_create(in.mm, "fuzzed", 40, 0, 0, NULL);
	struct qy_page *page[12];

	assert_non_null(c);
	for (unsigned int i = 0; i < 12; i++) {
		unsigned int gfp = (i & 1 ? QY_GFP_COMP : 0) | (i & 2 ? QY_GFP_MOVABLE : 0);

		if (in.config.nr_cpus > 1)
			assert_int_equal(qy_mm_set_cpu(in.mm, i % in.config.nr_cpus), 0);
		page[i] = qy_alloc_pages(in.mm, gfp, i % 3);
		assert_non_null(page[i]);
	}
	for (unsigned int i = 0; i < 12; i += 3)
		qy_free_pages(in.mm, page[i], i % 3);
	for (unsigned int i = 0; i < OBJECTS; i++) {
		object[i] = i & 1 ? qy_kmalloc(in.mm, below(700), QY_GFP_KERNEL)
				  : qy_cache_alloc(c, QY_GFP_KERNEL);
		assert_non_null(object[i]);
	}
	for (unsigned int i = 0; i < OBJECTS; i += 1 + below(3))
		qy_kfree(in.mm, object[i]);
	assert_non_null(qy_kmalloc(in.mm, 9000, QY_GFP_KERNEL));
}

/* The records of page owners, and the stacks that they name. */
static void add_owner_targets(void)
{
	struct qy_mm *mm = in.mm;

	if (!mm->page_debug.owner)
		return;
	for (int i = 0; i < 16; i++)
		add_target(mm->page_debug.owner,
			   (mm->end_pfn - mm->min_pfn) * sizeof(struct qy__page_owner));
	for (int i = 0; i < 8; i++)
		add_target(mm->depot, sizeof(*mm->depot));
	add_target(mm->depot->pool, mm->depot->max_pools * sizeof(void *));
	assert_true(mm->depot->nr_pools > 0);
	add_target(mm->depot->pool[0], 2048);
}

static void add_targets(void)
{
	struct qy_mm *mm = in.mm;

	nr_targets = 0;
	for (int i = 0; i < 8; i++) /* the more interesting, the more often */
		add_target(mm->pages, (mm->end_pfn - mm->min_pfn) * sizeof(struct qy_page));
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		struct qy__zone *zone = &mm->zone[z];

		add_target(zone, sizeof(*zone));
		add_target(zone, offsetof(struct qy__zone, area));
		for (unsigned int cpu = 0; zone->pcp && cpu < mm->cpus.nr; cpu++)
			add_target(&zone->pcp[cpu], sizeof(zone->pcp[cpu]));
	}
	add_target(mm->pageblock,
		   ((mm->end_pfn - 1) >> mm->pageblock_order) - mm->pageblock_first + 1);
	add_target(mm->zonelist.index, qy__zonelists_bytes(mm->nr_nodes));
	add_target(mm->topology.distance, mm->nr_nodes * mm->nr_nodes);
	add_target(mm->cma, 2 * sizeof(mm->cma[0]));
	add_target(mm, offsetof(struct qy_mm, early));
	add_target(&mm->early.memblock, 128);
	add_target(&mm->early.memblock.reserved, 128);
	add_target(mm->slab, sizeof(*mm->slab));
	add_target(mm->kmalloc, sizeof(*mm->kmalloc));
	add_target(mm->vmap, sizeof(*mm->vmap));
	add_target(mm->debug, sizeof(*mm->debug));
	if (mm->live)
		add_target(mm->live, (mm->end_pfn - mm->min_pfn) * (PAGE_BYTES / 64));
	add_owner_targets();
	for (struct qy_cache *c = mm->slab->first; c; c = c->next) {
		add_target(c, sizeof(*c));
		add_target(c->sheaf, (mm->cpus.nr + 2) * sizeof(c->sheaf[0]));
		add_target(c->priv, sizeof(struct qy__slub));
		for (unsigned int cpu = 0; cpu < mm->cpus.nr; cpu++)
			if (c->sheaf[cpu] != &in.mm->slab->nobody)
				add_target(c->sheaf[cpu], 64);
		if (qy__slub(c)->partial.nr) /* free objects, with their links */
			add_target(qy__pfn_addr(mm, qy__slub(c)->partial.head), PAGE_BYTES);
	}
}

/* A value that leads somewhere, though not where it should. */
static uint64_t likely_word(void)
{
	switch (below(6)) {
	case 0: return (uintptr_t)in.buf + below(in.size);
	case 1: return (uintptr_t)in.buf + below(in.size) / 64 * 64;
	case 2: return (uintptr_t)object[below(OBJECTS)];
	case 3: return (uint64_t)-1 >> below(64);
	case 4: return below(300);
	default: return qy__rng_next(&rng);
	}
}

/* One place, at most 8 bytes, is damaged. */
static void damage(void)
{
	const struct target *t = &target[below(nr_targets)];
	uint64_t word = likely_word();
	size_t len = t->len < 8 || below(3) ? 1 : below(2) ? 4 : 8;
	size_t at = below(t->len - len + 1) / len * len;
	char *p = (char *)t->at + at;

	if (len == 1 && below(2))
		*p ^= (char)(1 << below(8));
	else
		memcpy(p, &word, len);
}

/* ---- what is called ---- */

static void print_text(unsigned int i)
{
	static char buf[1 << 16];
	size_t len = all_texts[i].print(in.mm, buf, sizeof(buf));

	if (strlen(buf) != (len < sizeof(buf) ? len : sizeof(buf) - 1) || len > (size_t)1 << 22) {
		printf("%s: %zu bytes\n", all_texts[i].name, len);
		fail();
	}
}

/* What @in.config says: two CPUs, and 160 pages, or what was set. */
static void fuzz(unsigned int rounds)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};
	unsigned int found = 0, changed = 0;
	char *broken;

	in.config.nr_cpus = 2;
	in.config.zone_limit[QY_ZONE_DMA] = 64 * PAGE_BYTES;
	instance_create(&in);
	use_instance();
	assert_clean(&in);
	instance_save(&in);
	add_targets();
	broken = malloc(in.size);
	assert_non_null(broken);
	for (unsigned int i = 0; i < rounds; i++) {
		patient_alarm(MOST_SECONDS); /* a walk that does not end ends the program */
		for (uint32_t n = 1 + below(MAX_DAMAGE); n; n--)
			damage();
		memcpy(broken, in.buf, in.size);
		found += qy_check(in.mm, QY_CHECK_ALL, &r) > 0;
		changed += memcmp(broken, in.saved, in.size) != 0;
		assert_true(r.nr == 0 || r.v[0].id[0]);
		print_text(below(NR_TEXTS));
		print_text(below(NR_TEXTS));
		assert_int_equal(memcmp(in.buf, broken, in.size), 0);
		assert_true(r.assertions < MOST_TESTS);
		instance_restore(&in);
	}
	assert_clean(&in);
	printf("%u of %u damaged instances were noticed\n", found, changed);
	assert_true(found >= changed / 2);
	free(broken);
	instance_destroy(&in);
}

static void check_and_texts_of_random_damage_come_back(void **state)
{
	(void)state;
	qy__rng_seed(&rng, 2026);
	instance_init(&in, 160);
	fuzz(ROUNDS / 2);
}

/* Everything that the page floor has. */
static void check_and_texts_of_damaged_page_floor_come_back(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 4; round++) {
		qy__rng_seed(&rng, 2029 + round);
		instance_init(&in, 384);
		in.config.nr_nodes = 3;
		in.config.grouping = round & 1 ? QY_OFF : QY_ON;
		in.config.pageblock_order = 3;
		in.config.pcp = QY_ON;
		in.config.watermark.marks = round & 2 ? QY_WATERMARKS_NONE : QY_WATERMARKS_KERNEL;
		in.config.watermark.min_free_kbytes = 32;
		in.config.page_debug = round & 2 ? QY_PAGE_POISON : 0;
		fuzz(ROUNDS / 4);
	}
}

static void check_and_texts_of_damaged_debug_caches_come_back(void **state)
{
	(void)state;
	qy__rng_seed(&rng, 2027);
	instance_init(&in, 160);
	in.config.debug = "slab_debug=FZPU quarantine=8K";
	fuzz(ROUNDS / 2);
}

/* What the texts follow and the checker does not: the depot of stacks. */
static void texts_of_damaged_page_owners_come_back(void **state)
{
	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	qy__rng_seed(&rng, 2030);
	instance_init(&in, 224);
	in.config.pageblock_order = 3;
	in.config.page_debug = QY_PAGE_OWNER;
	fuzz(ROUNDS / 4);
}

/* All descriptors, or a whole head, become noise. */
static void check_and_texts_of_noise_come_back(void **state)
{
	(void)state;
	qy__rng_seed(&rng, 2028);
	instance_init(&in, 128);
	in.config.pcp = QY_ON;
	instance_create(&in);
	use_instance();
	instance_save(&in);
	add_targets();
	for (unsigned int i = 0; i < 20 * nr_targets; i++) {
		const struct target *t = &target[i % nr_targets];

		for (size_t at = 0; at < t->len; at++)
			((char *)t->at)[at] = (char)below(256);
		if (!memcmp(t->at, in.saved + ((char *)t->at - in.buf), t->len))
			continue; /* one byte may well be the right one */
		/*
		 * A page of objects may have only live ones; no letter is set, so debug says
		 * nothing.
		 */
		if (!qy_check(in.mm, QY_CHECK_ALL, NULL) && t->len != PAGE_BYTES &&
		    t->at != in.mm->debug) {
			printf("noise at +0x%zx, %zu bytes, was not noticed\n",
			       (size_t)((char *)t->at - in.buf), t->len);
			fail();
		}
		for (unsigned int n = 0; n < NR_TEXTS; n++)
			print_text(n);
		instance_restore(&in);
	}
	instance_destroy(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_and_texts_of_random_damage_come_back),
		cmocka_unit_test(check_and_texts_of_damaged_page_floor_come_back),
		cmocka_unit_test(check_and_texts_of_damaged_debug_caches_come_back),
		cmocka_unit_test(texts_of_damaged_page_owners_come_back),
		cmocka_unit_test(check_and_texts_of_noise_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
