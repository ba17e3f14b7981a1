/* SPDX-License-Identifier: MIT */
/*
 * zonelist.c - in which order zones are tried.
 *
 * Two lists per node, made once when an instance is made and never changed: all nodes, nearest
 * first, and the node alone. A request skips the zones that are too high for it.
 *
 *   QY_ZONELIST_NODE   node 0: NORMAL DMA32 DMA   node 1: NORMAL DMA32 …
 *   QY_ZONELIST_ZONE   NORMAL of nodes 0, 1, …    DMA32 of nodes 0, 1, …
 *
 * No lock: after the instance is made the lists are only read.
 * Invariants: Z5.
 */
#include "page/zonelist.h"

#include "page/zone.h"
#include "util/plant.h"

/* More than a load can become: every node adds at most one to another's. */
#define LOAD_SPAN (QY_MAX_NODES + 1u)

/* Zones of all nodes and the end. */
static size_t stride(unsigned int nr_nodes)
{
	return (size_t)nr_nodes * QY_NR_ZONES + 1;
}

size_t qy__zonelists_bytes(unsigned int nr_nodes)
{
	return nr_nodes * QY__LISTS_A_NODE * stride(nr_nodes) * sizeof(uint16_t);
}

/* THREAD: every node has some, as far as anybody can tell. */
static bool has_cpus(const struct qy_mm *mm, unsigned int node)
{
	if (mm->cpus.provider == QY_CPU_THREAD)
		return true;
	for (unsigned int cpu = 0; cpu < mm->cpus.nr; cpu++)
		if (mm->topology.cpu_node[cpu] == node)
			return true;
	return false;
}

/*
 * The less the better. Distance counts first; among equals a node with a higher number than @from
 * (so that not all begin with node 0) and one without CPUs of its own; then who is used less.
 */
static unsigned int node_cost(const struct qy_mm *mm, unsigned int from, unsigned int to,
			      unsigned int load)
{
	unsigned int cost = mm->topology.distance[from * mm->nr_nodes + to] * 4u;

	cost += (to < from) + has_cpus(mm, to);
	return cost * LOAD_SPAN + load;
}

void qy__node_order(const struct qy_mm *mm, unsigned int node, unsigned int *load, uint8_t *order)
{
	const uint8_t *distance = &mm->topology.distance[node * mm->nr_nodes];
	bool used[QY_MAX_NODES] = {false};

	order[0] = (uint8_t)node;
	used[node] = true;
	for (unsigned int place = 1; place < mm->nr_nodes; place++) {
		unsigned int best = 0, least = UINT32_MAX;

		for (unsigned int n = 0; n < mm->nr_nodes; n++) {
			unsigned int cost;

			if (used[n])
				continue;
			cost = node_cost(mm, node, n, load[n]);
			if (cost < least) {
				least = cost;
				best = n;
			}
		}
		/* The first of those equally far will be asked most. */
		if (distance[best] != distance[order[place - 1]])
			load[best]++;
		order[place] = (uint8_t)best;
		used[best] = true;
	}
}

/* Do the limits leave pages to this zone? */
static bool zone_has_span(const struct qy_mm *mm, unsigned int node, unsigned int type)
{
	uint32_t start = max(node ? mm->topology.node_limit[node - 1] : 0u,
			     type ? mm->topology.zone_limit[type - 1] : 0u);
	uint32_t end = min(mm->topology.node_limit[node], mm->topology.zone_limit[type]);

	return max(start, mm->min_pfn) < min(end, mm->max_pfn);
}

static uint16_t *add_zone(const struct qy_mm *mm, uint16_t *at, unsigned int node,
			  unsigned int type)
{
	if (zone_has_span(mm, node, type))
		*at++ = (uint16_t)(node * QY_NR_ZONES + type);
	return at;
}

/* The zones of the first @nr nodes of @order. */
static void fill_list(const struct qy_mm *mm, uint16_t *at, const uint8_t *order, unsigned int nr)
{
	bool by_node = (mm->zonelist.order == QY_ZONELIST_NODE) != qy__planted(LIST_ORDER);

	if (by_node) {
		for (unsigned int i = 0; i < nr; i++)
			for (unsigned int type = QY_NR_ZONES; type-- > 0;)
				at = add_zone(mm, at, order[i], type);
	} else {
		for (unsigned int type = QY_NR_ZONES; type-- > 0;)
			for (unsigned int i = 0; i < nr; i++)
				at = add_zone(mm, at, order[i], type);
	}
	*at = QY__ZONE_END;
}

void qy__zonelists_build(struct qy_mm *mm)
{
	unsigned int load[QY_MAX_NODES] = {0};
	uint8_t order[QY_MAX_NODES];

	mm->zonelist.stride = (uint32_t)stride(mm->nr_nodes);
	for (unsigned int node = 0; node < mm->nr_nodes; node++) {
		uint16_t *list =
			mm->zonelist.index + node * QY__LISTS_A_NODE * stride(mm->nr_nodes);

		qy__node_order(mm, node, load, order);
		fill_list(mm, list, order, mm->nr_nodes);
		fill_list(mm, list + stride(mm->nr_nodes), order, 1);
	}
}

unsigned int qy_zonelist(const struct qy_mm *mm, unsigned int node, qy_gfp_t gfp, uint16_t *list,
			 unsigned int max)
{
	enum qy_zone_type highest = qy__gfp_zone(gfp);
	unsigned int nr = 0;

	if (node >= mm->nr_nodes)
		return 0;
	for (const uint16_t *at = qy__zonelist(mm, node, gfp); *at != QY__ZONE_END; at++) {
		if (*at % QY_NR_ZONES > (unsigned int)highest)
			continue;
		if (nr < max)
			list[nr] = *at;
		nr++;
	}
	return nr;
}
