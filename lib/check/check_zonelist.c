/* SPDX-License-Identifier: MIT */
/*
 * check_zonelist.c - what never changes after an instance is made: limits, distances, holes (MM),
 * and the order in which zones are tried: Z5.
 *
 * Lock: mm->grow_lock, held by the caller, though nothing here is ever written.
 */
#include "check/check_page.h"

#include "page/zonelist.h"

void qy__check_limits_of(const struct qy_mm *mm, unsigned int z, uint32_t *from, uint32_t *to)
{
	unsigned int node = z / QY_NR_ZONES, type = z % QY_NR_ZONES;

	*from = mm->min_pfn;
	if (node)
		*from = max(*from, mm->topology.node_limit[node - 1]);
	if (type)
		*from = max(*from, mm->topology.zone_limit[type - 1]);
	*to = min(mm->topology.node_limit[node], mm->topology.zone_limit[type]);
	*to = min(*to, mm->max_pfn);
}

uint32_t qy__check_holes_in(const struct qy_mm *mm, uint32_t from, uint32_t to)
{
	uint32_t pages = 0;

	for (unsigned int i = 0; i < mm->topology.nr_holes && i < QY__MAX_HOLES; i++) {
		uint32_t start = max(mm->topology.hole[i].start, from),
			 end = min(mm->topology.hole[i].end, to);

		pages += start < end ? end - start : 0;
	}
	return pages;
}

static bool limits_ascend(const uint32_t *limit, unsigned int nr)
{
	for (unsigned int i = 1; i < nr; i++)
		if (limit[i] < limit[i - 1])
			return false;
	return limit[nr - 1] == QY__PFN_NONE;
}

static bool holes_ascend(const struct qy_mm *mm)
{
	uint32_t last = mm->min_pfn + 1; /* the instance is no hole */

	if (mm->topology.nr_holes > QY__MAX_HOLES)
		return false;
	for (unsigned int i = 0; i < mm->topology.nr_holes; i++) {
		if (mm->topology.hole[i].start < last ||
		    mm->topology.hole[i].end < mm->topology.hole[i].start)
			return false;
		last = mm->topology.hole[i].end;
	}
	return true;
}

/* 10 here, more elsewhere. */
static bool distances_are_sane(const struct qy__check *ck)
{
	unsigned int nr = ck->mm->nr_nodes;
	const uint8_t *distance = ck->mm->topology.distance;

	if (!qy__check_readable(ck, distance, (size_t)nr * nr))
		return false;
	for (unsigned int i = 0; i < nr * nr; i++)
		if (distance[i] < 10 || (distance[i] == 10) != (i / nr == i % nr))
			return false;
	return true;
}

static bool cpu_nodes_are_sane(const struct qy_mm *mm)
{
	for (size_t cpu = 0; cpu < ARRAY_SIZE(mm->topology.cpu_node); cpu++)
		if (mm->topology.cpu_node[cpu] >= mm->nr_nodes)
			return false;
	return true;
}

bool qy__check_limits(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;
	bool sane;

	sane = qy__holds(ck,
			 limits_ascend(mm->topology.node_limit, mm->nr_nodes) &&
				 limits_ascend(mm->topology.zone_limit, QY_NR_ZONES),
			 "MM", "the limits of nodes or zones do not ascend to the end");
	sane &= qy__holds(ck, holes_ascend(mm), "MM", "%u holes, or they do not ascend",
			  mm->topology.nr_holes);
	sane &= qy__holds(ck, distances_are_sane(ck), "MM", "the table of distances, or its place");
	sane &= qy__holds(ck, cpu_nodes_are_sane(mm), "MM", "a CPU is on a node that is not there");
	return sane;
}

/* ---- zonelists ---- */

static unsigned int distance(const struct qy_mm *mm, unsigned int from, unsigned int zone)
{
	return mm->topology.distance[from * mm->nr_nodes + zone / QY_NR_ZONES];
}

/* May @zone follow @last in the list of @node? */
static bool in_order(const struct qy_mm *mm, unsigned int node, unsigned int last,
		     unsigned int zone)
{
	unsigned int near = distance(mm, node, last), far = distance(mm, node, zone);

	if (mm->zonelist.order == QY_ZONELIST_ZONE)
		return zone % QY_NR_ZONES < last % QY_NR_ZONES ||
		       (zone % QY_NR_ZONES == last % QY_NR_ZONES && near <= far);
	return zone / QY_NR_ZONES == last / QY_NR_ZONES ? zone < last : near <= far;
}

struct seen {
	uint64_t zone[QY_MAX_NODES * QY_NR_ZONES / 64];
	uint64_t node; /* list by nodes: those that are through */
};

/* Mark @zone; false: it was marked, or its node's turn was over. */
static bool first_seen(const struct qy_mm *mm, struct seen *seen, unsigned int last,
		       unsigned int zone)
{
	uint64_t bit = UINT64_C(1) << zone % 64, node = UINT64_C(1) << zone / QY_NR_ZONES;
	bool new_node = last == QY__ZONE_END || last / QY_NR_ZONES != zone / QY_NR_ZONES;

	if (seen->zone[zone / 64] & bit)
		return false;
	seen->zone[zone / 64] |= bit;
	if (mm->zonelist.order == QY_ZONELIST_NODE && new_node && (seen->node & node))
		return false;
	seen->node |= node;
	return true;
}

static void check_members(struct qy__check *ck, unsigned int node, bool alone,
			  const struct seen *seen)
{
	const struct qy_mm *mm = ck->mm;

	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		bool listed = seen->zone[z / 64] >> z % 64 & 1, wanted;
		uint32_t from, to;

		qy__check_limits_of(mm, z, &from, &to);
		wanted = from < to && (!alone || z / QY_NR_ZONES == node);
		qy__holds(ck, listed == wanted, "Z5", "zonelist of node %u%s: zone %u is %s it",
			  node, alone ? " alone" : "", z, listed ? "in" : "missing from");
	}
}

static void check_zonelist(struct qy__check *ck, unsigned int node, bool alone)
{
	const struct qy_mm *mm = ck->mm;
	const uint16_t *list = qy__zonelist(mm, node, alone ? QY_GFP_THISNODE : 0);
	struct seen seen = {.node = 0};
	unsigned int last = QY__ZONE_END;

	for (unsigned int i = 0; i < mm->zonelist.stride; i++) {
		unsigned int zone = list[i];

		if (zone == QY__ZONE_END) {
			check_members(ck, node, alone, &seen);
			return;
		}
		if (!qy__holds(ck, zone < mm->nr_zones, "Z5",
			       "zonelist of node %u%s: zone %u of %u", node, alone ? " alone" : "",
			       zone, mm->nr_zones))
			return;
		if (!qy__holds(ck, first_seen(mm, &seen, last, zone), "Z5",
			       "zonelist of node %u%s: zone %u comes again, or too late", node,
			       alone ? " alone" : "", zone))
			return;
		qy__holds(ck, last == QY__ZONE_END || in_order(mm, node, last, zone), "Z5",
			  "zonelist of node %u%s: zone %u follows zone %u", node,
			  alone ? " alone" : "", zone, last);
		last = zone;
	}
	qy__violation(ck, "Z5", "zonelist of node %u%s has no end", node, alone ? " alone" : "");
}

void qy__check_zonelists(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;

	if (!qy__holds(ck,
		       mm->zonelist.stride == mm->nr_zones + 1 &&
			       (unsigned int)mm->zonelist.order <= QY_ZONELIST_ZONE &&
			       !((uintptr_t)mm->zonelist.index % _Alignof(uint16_t)) &&
			       qy__check_readable(ck, mm->zonelist.index,
						  qy__zonelists_bytes(mm->nr_nodes)),
		       "Z5", "the zonelists are not where they can be"))
		return;
	for (unsigned int node = 0; node < mm->nr_nodes; node++) {
		check_zonelist(ck, node, false);
		check_zonelist(ck, node, true);
	}
}
