/* SPDX-License-Identifier: MIT */
/*
 * slab_rig.h - a cache with a handful of pages for its slabs, and the state (slab_state.h) that the
 * library is in, read from its descriptors, free lists and sheaves.
 *
 *   arena | books, heads, sheaves | taken pages | one page for each slab |
 */
#ifndef TESTS_MODEL_SLAB_RIG_H
#define TESTS_MODEL_SLAB_RIG_H

#include "debug/debug.h"
#include "rig.h"
#include "slab/slub.h"
#include "slab_state.h"

#define ARENA_PAGES 24
#define CONSTRUCTED UINT64_C(0xc0457c0457c0457c)

enum mode { FLAVOUR, SHEAVES, CHECKED };

struct scope {
	const char *name;
	enum mode mode;
	struct slab_rules rules;
	unsigned int cpus;
	qy_slab_flags_t flags;
	bool ctor;
	uint32_t states; /* FLAVOUR, CHECKED: 0, there is a closed form; SHEAVES: as counted once */
};

static const struct scope *scope;
static const struct slab_rules *rules;
static struct {
	char *first, *saved; /* copies of the arena: without a slab, in the state of now */
	struct qy_cache *cache;
	char *page[SLABS];
	uint32_t min_partial; /* as the size calls for; the checker knows that */
	uint64_t checks;
} own;

/* ---- objects ---- */

static void *object_at(unsigned int object)
{
	return own.page[object / OBJECTS] + own.cache->layout.red_left_pad +
	       (size_t)(object % OBJECTS) * own.cache->layout.slot;
}

/* The number of an object, or NONE. */
static unsigned int object_of(const void *p)
{
	for (unsigned int o = 0; o < rules->slabs * OBJECTS; o++)
		if (o % OBJECTS < rules->objects && object_at(o) == p)
			return o;
	return NONE;
}

static unsigned int slab_of_pfn(uint32_t pfn)
{
	for (unsigned int i = 0; i < rules->slabs; i++)
		if (qy__pfn_addr(rig.mm, pfn) == own.page[i])
			return i;
	return NONE;
}

/* What its owner writes to an object: at both ends. */
static uint64_t *tag_of(unsigned int object, bool last)
{
	char *p = object_at(object);

	return (uint64_t *)(last ? p + own.cache->layout.object_size - 8 : p);
}

static bool take(void *p, unsigned int object, bool fresh)
{
	if (p != (object == NONE ? NULL : object_at(object)))
		return wrong("got object %u, not %u", object_of(p), object);
	if (object == NONE)
		return true;
	if (fresh && scope->ctor && tag_of(object, false)[1] != CONSTRUCTED)
		return wrong("S11: object %u is not constructed", object);
	*tag_of(object, false) = 0x1000 + object;
	*tag_of(object, true) = 0x2000 + object;
	return true;
}

static void construct(void *object)
{
	((uint64_t *)object)[1] = CONSTRUCTED;
}

/* ---- reading the state ---- */

static bool read_list(const struct qy__page_list *list, unsigned int flag, uint8_t *nr,
		      uint8_t *slabs)
{
	uint32_t prev = QY__PFN_NONE;

	*nr = 0;
	for (uint32_t pfn = list->head; pfn != QY__PFN_NONE;) {
		unsigned int slab = slab_of_pfn(pfn);
		const struct qy_page *page = qy__pfn_page(rig.mm, pfn);

		if (slab == NONE || *nr == rules->slabs)
			return wrong("S4: a list leads to page %u", pfn);
		if (page->prev != prev || page->flags != (QY__PAGE_F_SLAB | flag))
			return wrong("S4: slab %u: flags %02x, prev %d instead of %d", slab,
				     page->flags, (int)page->prev, (int)prev);
		slabs[(*nr)++] = (uint8_t)slab;
		prev = pfn;
		pfn = page->next;
	}
	if (list->nr != *nr || list->tail != prev)
		return wrong("S5: %u slabs on a list, it says %u; tail %d", *nr, list->nr,
			     (int)list->tail);
	return true;
}

static bool read_slab(unsigned int i, struct slab_state *s)
{
	const struct qy_page *page = qy__addr_page(rig.mm, own.page[i]);
	unsigned int nr = 0;

	if (page->type == QY__PAGE_BUDDY)
		return true;
	if (page->type != QY__PAGE_SLAB || page->slab.cache != qy__cache_ref(own.cache) ||
	    page->slab.objects != rules->objects || !(page->flags & QY__PAGE_F_SLAB))
		return wrong("S6: page %u: type %u flags %02x objects %u", i, page->type,
			     page->flags, page->slab.objects);
	s->slab[i].exists = 1;
	for (void *p = page->slab.freelist; p; p = qy__slub_get_free(own.cache, p)) {
		unsigned int object = object_of(p);

		if (object == NONE || object / OBJECTS != i || nr == rules->objects)
			return wrong("S3: the free list of slab %u leads to %p", i, p);
		s->slab[i].free[nr++] = object % OBJECTS;
	}
	s->slab[i].nr_free = (uint8_t)nr;
	if (page->slab.inuse + nr != rules->objects)
		return wrong("S2: slab %u: %u objects free, inuse says %u of %u", i, nr,
			     page->slab.inuse, rules->objects);
	return true;
}

static bool read_sheaf(unsigned int cpu, struct slab_state *s)
{
	const struct qy__sheaf *sheaf = own.cache->sheaf[cpu];

	if (scope->mode != SHEAVES)
		return true;
	if (sheaf->size > SHEAF || sheaf->capacity != SHEAF)
		return wrong("U6: the sheaf of CPU %u has %u of %u objects", cpu, sheaf->size,
			     sheaf->capacity);
	s->sheaf[cpu].nr = (uint8_t)sheaf->size;
	for (unsigned int k = 0; k < sheaf->size; k++) {
		unsigned int object = object_of(sheaf->objects[k]);

		if (object == NONE)
			return wrong("U6: the sheaf of CPU %u holds %p", cpu, sheaf->objects[k]);
		s->sheaf[cpu].object[k] = (uint8_t)object;
	}
	return true;
}

/* The state that the library is in; false: in none. */
static bool read_state(struct slab_state *s)
{
	const struct qy__slub *slub = qy__slub(own.cache);
	unsigned int slabs = 0, inuse = 0;

	memset(s, 0, sizeof(*s));
	for (unsigned int i = 0; i < rules->slabs; i++) {
		if (!read_slab(i, s))
			return false;
		slabs += s->slab[i].exists;
		inuse += s->slab[i].exists ? rules->objects - s->slab[i].nr_free : 0;
	}
	if (!read_list(&slub->partial, QY__PAGE_F_PARTIAL, &s->nr_partial, s->partial) ||
	    !read_list(&slub->full, QY__PAGE_F_FULL, &s->nr_full, s->full))
		return false;
	if (slub->nr_slabs != slabs || slub->total_objects != slabs * rules->objects ||
	    slub->inuse_objects != inuse)
		return wrong("S5: %u slabs, %u objects in use; the cache says %u, %u of %u", slabs,
			     inuse, slub->nr_slabs, (unsigned int)slub->inuse_objects,
			     (unsigned int)slub->total_objects);
	for (unsigned int cpu = 0; cpu < scope->cpus; cpu++)
		if (!read_sheaf(cpu, s))
			return false;
	return true;
}

/* What was written to live objects is there, and the library knows which are live. */
static bool objects_hold(const struct slab_state *s)
{
	uint32_t live = live_objects(s, rules);

	for (unsigned int o = 0; o < rules->slabs * OBJECTS; o++) {
		bool is_live = live >> o & 1;

		if (o % OBJECTS >= rules->objects)
			continue;
		if (scope->mode == CHECKED && s->slab[o / OBJECTS].exists &&
		    qy__debug_is_live(rig.mm, object_at(o)) != is_live)
			return wrong("object %u: the live bit says %d", o, !is_live);
		if (is_live && (*tag_of(o, false) != 0x1000 + o || *tag_of(o, true) != 0x2000 + o))
			return wrong("S7: object %u was overwritten", o);
	}
	return true;
}

static bool check_holds(void)
{
	bool sound;

	own.checks++;
	qy__slub(own.cache)->min_partial = own.min_partial;
	sound = is_sound(QY_CHECK_BUDDY | QY_CHECK_SLAB);
	qy__slub(own.cache)->min_partial = rules->min_partial;
	if (!sound)
		return false;
	if (scope->mode == CHECKED && qy_cache_validate(own.cache))
		return wrong("the cache is damaged");
	return true;
}

/* ---- the instance ---- */

static void *page_memory(void)
{
	void *p = aligned_alloc(QY_PAGE_SIZE, ARENA_PAGES * QY_PAGE_SIZE);

	if (!p)
		exit(2);
	memset(p, 0x11, ARENA_PAGES * QY_PAGE_SIZE);
	return p;
}

static void make_cache(void)
{
	size_t size = QY_PAGE_SIZE / rules->objects - 240;
	struct qy__slub *slub;

	own.cache = qy_cache_create(rig.mm, "small", size & ~(size_t)7, 0, scope->flags,
				    scope->ctor ? construct : NULL);
	if (!own.cache)
		exit(2);
	slub = qy__slub(own.cache);
	own.min_partial = slub->min_partial;
	slub->min_partial = rules->min_partial;
	if (scope->mode == FLAVOUR)
		own.cache->sheaf_capacity = 0;
	if (scope->mode == SHEAVES)
		own.cache->sheaf_capacity = SHEAF;
	if (own.cache->order || own.cache->objs_per_slab != rules->objects) {
		printf("a slab holds %u objects\n", own.cache->objs_per_slab);
		exit(2);
	}
}

/*
 * Whatever has to be made once is made (sheaves, the first stacks); of the pages that are left all
 * but those for the slabs are taken.
 */
static void settle(void)
{
	struct qy_page *page[ARENA_PAGES];
	unsigned int n = 0;

	for (unsigned int cpu = 0; cpu < scope->cpus; cpu++) {
		qy_mm_set_cpu(rig.mm, cpu);
		qy_cache_free(own.cache, qy_cache_alloc(own.cache, 0));
		qy_cache_shrink(own.cache);
	}
	qy_mm_set_cpu(rig.mm, 0);
	while ((page[n] = qy_alloc_pages(rig.mm, 0, 0)))
		n++;
	for (unsigned int i = 0; i < rules->slabs; i++) {
		own.page[i] = qy_page_address(rig.mm, page[--n]);
		if (qy_free_pages(rig.mm, page[n], 0))
			exit(2);
	}
	memcpy(own.first, rig.buf, ARENA_PAGES * QY_PAGE_SIZE);
}

static void make_rig(void)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;

	memset(&rig, 0, sizeof(rig));
	memset(&own, 0, sizeof(own));
	rig.buf = page_memory();
	own.first = page_memory();
	own.saved = page_memory();
	cfg.backing = QY_BACKING_ARENA;
	cfg.base = rig.buf;
	cfg.size = ARENA_PAGES * QY_PAGE_SIZE;
	cfg.max_order_zero = true;
	cfg.cpu_provider = QY_CPU_MANUAL;
	cfg.nr_cpus = CPUS;
	cfg.policy = QY_POLICY_REPORT;
	cfg.sink.fn = count_report;
	rig.mm = qy_mm_create(&cfg);
	if (!rig.mm)
		exit(2);
	make_cache();
	settle();
}

static void drop_rig(void)
{
	qy_mm_destroy(rig.mm);
	free(rig.buf);
	free(own.first);
	free(own.saved);
}

#endif
