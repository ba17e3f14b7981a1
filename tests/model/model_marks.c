/* SPDX-License-Identifier: MIT */
/*
 * model_marks.c - whether a zone's marks let a request pass, and how far a boost goes: for all
 * small figures, and all ways in which small lists can be empty.
 *
 * Both are pure functions of what stands in a zone (linux-mm.md 1.3). Each is compared with a
 * predicate that was written without it, over complete products of figures:
 *
 *   figures   free pages, those set aside or lent among them, mark, reserve, order, flags
 *   lists     each list of orders 0-2 empty or not, order, flags; figures that just will and will
 *             not do
 *   reserves  those for each highest zone, of each zone
 *   boost     HIGH mark, boost, factor, size of the zone and of a page block
 *
 * A mark that is met is met at every order and mark below (B15): that is looked at, too.
 *
 *   model_marks      all of them
 *   model_marks -p   prove that planted faults are found ("planted" variant)
 */
#include <string.h>

#include "page/watermark.h"
#include "plants.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MOST_ORDER 2
#define NR_FLAGS 32

static struct qy_mm mm;
static struct qy__zone zone;
static unsigned long long tried;

struct request {
	unsigned int order, highest, flags;
	uint32_t mark;
};

/* Of the five, by the bits of a number. */
static unsigned int flags_of(unsigned int bits)
{
	static const unsigned int flag[] = {QY__ALLOC_NO_WATERMARKS, QY__ALLOC_HIGH,
					    QY__ALLOC_NON_BLOCK, QY__ALLOC_HIGHATOMIC,
					    QY__ALLOC_CMA};
	unsigned int flags = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(flag); i++)
		flags |= bits >> i & 1 ? flag[i] : 0;
	return flags;
}

/* ---- how it should be ---- */

static bool may_use_list(unsigned int type, unsigned int flags)
{
	switch (type) {
	case QY_MIGRATE_UNMOVABLE:
	case QY_MIGRATE_MOVABLE:
	case QY_MIGRATE_RECLAIMABLE: return true;
	case QY_MIGRATE_HIGHATOMIC: return flags & QY__ALLOC_HIGHATOMIC;
	case QY_MIGRATE_CMA: return flags & QY__ALLOC_CMA;
	default: return false;
	}
}

static bool finds_block(const struct request *r)
{
	for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++)
		for (unsigned int k = MOST_ORDER + 1; k-- > r->order;)
			if (may_use_list(type, r->flags) && zone.area[k].head[type] != QY__PFN_NONE)
				return true;
	return false;
}

/* The least number of pages that has to stay: halves and quarters are rounded up. */
static uint32_t stays(const struct request *r)
{
	uint32_t part = r->mark;

	if (r->flags & QY__ALLOC_HIGH) {
		part = (part + 1) / 2;
		if (r->flags & QY__ALLOC_NON_BLOCK)
			part = (3 * part + 3) / 4;
	}
	return part + zone.lowmem_reserve[r->highest];
}

static bool should_pass(const struct request *r)
{
	uint32_t off_limits = 0;

	if (r->flags & QY__ALLOC_NO_WATERMARKS)
		return true;
	if (!(r->flags & QY__ALLOC_HIGHATOMIC))
		off_limits += zone.nr_free_highatomic;
	if (!(r->flags & QY__ALLOC_CMA))
		off_limits += zone.nr_free_cma;
	/* One page of the block may be the last above what stays. */
	if (zone.nr_free_pages < stays(r) + off_limits + (1u << r->order))
		return false;
	return r->order == 0 || finds_block(r);
}

/* ---- against the library ---- */

static void draw_lists(void)
{
	static const char letters[] = "UMRHCI";

	printf("  lists with blocks:");
	for (unsigned int k = 0; k <= MOST_ORDER; k++) {
		printf(" %u:", k);
		for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++)
			if (zone.area[k].head[type] != QY__PFN_NONE)
				putchar(letters[type]);
	}
	putchar('\n');
}

QY_NORETURN static void fail(const struct request *r, const char *what)
{
	printf("FAILED: %s: order %u flags %02x mark %u highest zone %u\n", what, r->order,
	       r->flags, r->mark, r->highest);
	printf("  zone %u: %u pages free, %u of them set aside, %u lent; reserve %u\n", zone.type,
	       zone.nr_free_pages, zone.nr_free_highatomic, zone.nr_free_cma,
	       zone.lowmem_reserve[r->highest]);
	draw_lists();
	exit(1);
}

static bool try_request(const struct request *r)
{
	bool passes = qy__zone_watermark_ok(&mm, &zone, r->order, r->mark, r->highest, r->flags);

	tried++;
	if (passes != should_pass(r))
		fail(r, passes ? "passes, but should not" : "should pass");
	return passes;
}

/* Lists by the bits of a number; those of larger orders than there are have blocks. */
static void set_lists(uint32_t bits)
{
	for (unsigned int k = 0; k < QY__NR_ORDERS; k++) {
		for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++) {
			bool has = k > MOST_ORDER || bits >> (k * QY_NR_MIGRATETYPES + type) & 1;

			zone.area[k].head[type] = has ? 7 : QY__PFN_NONE;
		}
	}
}

static void set_zone(void)
{
	memset(&mm, 0, sizeof(mm));
	memset(&zone, 0, sizeof(zone));
	mm.zone = &zone;
	mm.nr_nodes = 1;
	mm.max_order = MOST_ORDER;
	mm.pageblock_order = 1;
	zone.type = QY_ZONE_DMA32;
	zone.managed = 64;
	set_lists(UINT32_MAX);
	/* What does not count for the requests below. */
	zone.lowmem_reserve[QY_ZONE_DMA32] = 0;
	zone.lowmem_reserve[QY_ZONE_HIGHMEM] = 1000;
	zone.boost = 1000;
	zone.nr_free_isolate = zone.nr_guard = zone.nr_reserved_highatomic = 1000;
}

/* All marks, upwards: once it fails it goes on failing. */
static void try_marks(struct request *r)
{
	bool before = true;

	for (r->mark = 0; r->mark <= 40; r->mark++) {
		bool passes = try_request(r);

		if (passes && !before)
			fail(r, "B15: passes, but not at a lower mark");
		before = passes;
	}
}

static void try_figures(uint32_t nr_free)
{
	struct request r = {.highest = QY_ZONE_NORMAL};

	zone.nr_free_pages = nr_free;
	for (uint32_t reserve = 0; reserve <= 8; reserve++) {
		zone.lowmem_reserve[QY_ZONE_NORMAL] = reserve;
		for (unsigned int bits = 0; bits < NR_FLAGS; bits++) {
			r.flags = flags_of(bits);
			for (r.order = 0; r.order <= MOST_ORDER + 1; r.order++)
				try_marks(&r);
		}
	}
}

static void all_figures(void)
{
	set_zone();
	for (uint32_t nr_free = 0; nr_free <= 64; nr_free++) {
		for (uint32_t parts = 0; parts < 16; parts++) {
			zone.nr_free_highatomic = parts & 3;
			zone.nr_free_cma = parts >> 2;
			try_figures(nr_free);
		}
	}
}

/* Figures that just will do and just will not, from order 0 up to more than there is. */
static void try_lists(unsigned int flags)
{
	bool passed[MOST_ORDER + 2][2];

	for (unsigned int order = 0; order <= MOST_ORDER + 1; order++) {
		struct request r = {order, QY_ZONE_NORMAL, flags, 4};

		for (unsigned int enough = 0; enough < 2; enough++) {
			zone.nr_free_pages = stays(&r) + (1u << order) - 1 + enough;
			passed[order][enough] = try_request(&r);
		}
		zone.nr_free_pages = 40;
		if (try_request(&r) && order && !passed[order - 1][1])
			fail(&r, "B15: passes, but not at a lower order");
	}
}

static void all_lists(void)
{
	set_zone();
	for (uint32_t bits = 0; bits < 1u << ((MOST_ORDER + 1) * QY_NR_MIGRATETYPES); bits++) {
		set_lists(bits);
		for (unsigned int i = 0; i < NR_FLAGS; i++)
			try_lists(flags_of(i));
	}
}

/* Each reserve 0 … 4, for each highest zone, of each zone. */
static void all_reserves(void)
{
	set_zone();
	for (unsigned int of = 0; of < QY_NR_ZONES * 5 * 5 * 5 * 5; of++) {
		unsigned int rest = of;

		zone.type = rest % QY_NR_ZONES;
		rest /= QY_NR_ZONES;
		for (unsigned int z = 0; z < QY_NR_ZONES; z++, rest /= 5)
			zone.lowmem_reserve[z] = rest % 5;
		for (zone.nr_free_pages = 0; zone.nr_free_pages < 16; zone.nr_free_pages++) {
			for (unsigned int z = 0; z < QY_NR_ZONES; z++) {
				struct request r = {0, z, 0, 5};

				try_request(&r);
				r.order = 1;
				try_request(&r);
			}
		}
	}
}

/* ---- boost ---- */

/*
 * One page block more, up to a part of the HIGH mark that is at least a page block; nothing if the
 * zone has less than four page blocks, no marks, or boosts are off.
 */
static uint32_t boost_after(uint32_t high, unsigned int factor)
{
	uint32_t block = 1u << mm.pageblock_order, most = high * factor / 10000;

	if (factor == QY_NO_RESERVE || zone.managed < 4 * block || most == 0)
		return zone.boost;
	if (most < block)
		most = block;
	return zone.boost + block > most ? most : zone.boost + block;
}

static void try_boost(uint32_t high, unsigned int factor, uint32_t boost)
{
	uint32_t expected;

	zone.mark[QY_WMARK_HIGH] = high;
	mm.marks.config.boost_factor = factor;
	zone.boost = boost;
	expected = boost_after(high, factor);
	qy__boost_watermark(&mm, &zone);
	tried++;
	if (zone.boost == expected && qy__wmark(&zone, QY_WMARK_HIGH) == high + expected)
		return;
	printf("FAILED: Z2: a boost of %u becomes %u, not %u: HIGH %u factor %u, %u pages, page "
	       "blocks of %u\n",
	       boost, zone.boost, expected, high, factor, zone.managed, 1u << mm.pageblock_order);
	exit(1);
}

static void all_boosts(void)
{
	static const unsigned int factor[] = {1, 2500, 5000, 10000, 15000, 20000, QY_NO_RESERVE};

	set_zone();
	for (mm.pageblock_order = 0; mm.pageblock_order <= 4; mm.pageblock_order++)
		for (zone.managed = 0; zone.managed <= 72; zone.managed++)
			for (size_t i = 0; i < ARRAY_SIZE(factor); i++)
				for (uint32_t high = 0; high <= 40; high++)
					for (uint32_t boost = 0; boost <= 64; boost++)
						try_boost(high, factor[i], boost);
}

/* ---- */

static void run(const char *what, void (*all)(void))
{
	tried = 0;
	all();
	printf("%-10s %10llu combinations\n", what, tried);
	fflush(stdout);
}

static void search(int id)
{
	plant(id);
	run("reserves", all_reserves);
	run("boosts", all_boosts);
	run("figures", all_figures);
	run("lists", all_lists);
}

int main(int argc, char **argv)
{
	static const int wanted[] = {QY__PLANT_MARK_EQUAL, QY__PLANT_RESERVE_OWN,
				     QY__PLANT_HIGH_TAKES_ALL, QY__PLANT_BOOST_ENDLESS};

	if (argc > 1 && !strcmp(argv[1], "-p"))
		return find_plants(wanted, ARRAY_SIZE(wanted), search);
	search(0);
	return 0;
}
