/* SPDX-License-Identifier: MIT */
/*
 * page_model.c - the page floor without the library: which pages belong to which zone, in which
 * order zones are tried, and how much each keeps back. The formulas are those of linux-mm.md 1.3.
 *
 * Called by page_start.c, fuzz_page_marks.c, and the files of the model for requests and runs.
 */
#include "page_model.h"

#include <string.h>

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* ---- zones ---- */

/* The end of node @n and of type @t, as page frames. */
static uint32_t node_end(const struct pm_model *m, const struct fz_geometry *geo, unsigned int n)
{
	uint64_t pages = m->end_pfn - m->min_pfn;

	if (n + 1 >= m->nr_nodes)
		return m->end_pfn;
	if (geo->node_limits)
		return smaller(m->min_pfn + geo->node_limit[n], m->end_pfn);
	return (uint32_t)(m->min_pfn + pages * (n + 1) / m->nr_nodes) & ~((1u << m->max_order) - 1);
}

static uint32_t type_end(const struct pm_model *m, const struct fz_geometry *geo, unsigned int t)
{
	const uint32_t limit[] = {geo->dma_pages, geo->dma32_pages, geo->normal_pages};
	uint32_t end = 0;

	if (t == QY_ZONE_HIGHMEM || (t == QY_ZONE_NORMAL && !geo->normal_pages))
		return m->end_pfn;
	for (unsigned int i = 0; i <= t; i++)
		end = limit[i] ? m->min_pfn + limit[i] : end;
	return end;
}

bool pm_in_hole(const struct pm_model *m, const struct fz_geometry *geo, uint32_t pfn)
{
	for (unsigned int i = 0; i < geo->nr_holes; i++)
		if (pfn - m->min_pfn >= geo->hole[i][0] && pfn - m->min_pfn < geo->hole[i][1])
			return true;
	return false;
}

static void init_zone(struct pm_model *m, const struct fz_geometry *geo, unsigned int nr)
{
	struct pm_zone *z = &m->zone[nr];
	uint32_t from = m->min_pfn, to;

	z->node = nr / QY_NR_ZONES;
	z->type = nr % QY_NR_ZONES;
	if (z->node)
		from = larger(from, node_end(m, geo, z->node - 1));
	if (z->type)
		from = larger(from, type_end(m, geo, z->type - 1));
	to = smaller(node_end(m, geo, z->node), type_end(m, geo, z->type));
	z->possible = from < to;
	if (!z->possible)
		return;
	z->start = from;
	z->end = to;
	for (uint32_t pfn = from; pfn < to; pfn++) {
		m->page[pfn].zone = (uint8_t)nr;
		if (pm_in_hole(m, geo, pfn))
			m->page[pfn].flags = PM_F_HOLE;
		else
			z->present++;
	}
}

/* ---- lists of zones ---- */

static unsigned int distance(const struct fz_geometry *geo, unsigned int from, unsigned int to)
{
	return geo->distances ? geo->distance[from * geo->nr_nodes + to] : from == to ? 10 : 20;
}

static unsigned int has_cpus(const struct pm_model *m, unsigned int node)
{
	for (unsigned int cpu = 0; cpu < m->nr_cpus; cpu++)
		if (m->cpu_node[cpu] == node)
			return 1;
	return 0;
}

/*
 * The node after those in @used: the nearest; among equals one with a higher number and without
 * CPUs; then one that fewer others begin with.
 */
static unsigned int next_node(const struct pm_model *m, const struct fz_geometry *geo,
			      unsigned int from, unsigned int used, const unsigned int *load)
{
	unsigned int best = FZ_MAX_NODES, best_key[3] = {0};

	for (unsigned int n = 0; n < m->nr_nodes; n++) {
		unsigned int key[3] = {distance(geo, from, n), (n < from) + has_cpus(m, n),
				       load[n]};
		int less = 0;

		if (used >> n & 1)
			continue;
		for (int i = 2; i >= 0; i--)
			less = key[i] < best_key[i] ? 1 : key[i] > best_key[i] ? -1 : less;
		if (best == FZ_MAX_NODES || less > 0) {
			best = n;
			memcpy(best_key, key, sizeof(key));
		}
	}
	return best;
}

static void fill_zonelist(const struct pm_model *m, const struct fz_geometry *geo, uint8_t *list,
			  const unsigned int *order, unsigned int nr)
{
	for (unsigned int i = 0; i < nr * QY_NR_ZONES; i++) {
		unsigned int node = geo->by_zone ? order[i % nr] : order[i / QY_NR_ZONES];
		unsigned int type = QY_NR_ZONES - 1 - (geo->by_zone ? i / nr : i % QY_NR_ZONES);

		if (m->zone[node * QY_NR_ZONES + type].possible)
			*list++ = (uint8_t)(node * QY_NR_ZONES + type);
	}
	*list = PM_ZONE_END;
}

static void init_zonelists(struct pm_model *m, const struct fz_geometry *geo)
{
	unsigned int load[FZ_MAX_NODES] = {0};

	for (unsigned int node = 0; node < m->nr_nodes; node++) {
		unsigned int order[FZ_MAX_NODES] = {node}, used = 1u << node;

		for (unsigned int i = 1; i < m->nr_nodes; i++) {
			order[i] = next_node(m, geo, node, used, load);
			used |= 1u << order[i];
			if (distance(geo, node, order[i]) != distance(geo, node, order[i - 1]))
				load[order[i]]++;
		}
		fill_zonelist(m, geo, m->zonelist[node][0], order, m->nr_nodes);
		fill_zonelist(m, geo, m->zonelist[node][1], order, 1);
	}
}

void pm_init(struct pm_model *m, const struct pm_program *program, const struct fz_geometry *geo,
	     uint32_t min_pfn, uint32_t end_pfn)
{
	memset(m, 0, sizeof(*m));
	m->program = program;
	m->min_pfn = min_pfn;
	m->end_pfn = end_pfn;
	m->max_order = geo->max_order;
	m->block_order = smaller(geo->block_order ? geo->block_order : 9, geo->max_order);
	m->nr_nodes = geo->nr_nodes;
	m->nr_zones = geo->nr_nodes * QY_NR_ZONES;
	m->nr_cpus = geo->nr_cpus;
	m->pcp_on = geo->pcp;
	m->pcp_batch = geo->pcp_batch;
	m->pcp_high = geo->pcp_high;
	m->grouping = geo->grouping;
	m->guard_order = geo->guard_order;
	for (unsigned int cpu = 0; cpu < PM_CPUS; cpu++)
		m->cpu_node[cpu] = geo->cpu_nodes ? geo->cpu_node[cpu]
						  : (uint8_t)(cpu % geo->nr_nodes);
	for (unsigned int i = 0; i < m->nr_zones; i++)
		init_zone(m, geo, i);
	init_zonelists(m, geo);
	memset(m->block_type, m->grouping ? QY_MIGRATE_MOVABLE : QY_MIGRATE_UNMOVABLE,
	       (end_pfn >> m->block_order) + 1);
}

unsigned int pm_highest_zone(unsigned int gfp)
{
	return (gfp & QY_GFP_DMA)	? QY_ZONE_DMA
	       : (gfp & QY_GFP_DMA32)	? QY_ZONE_DMA32
	       : (gfp & QY_GFP_HIGHMEM) ? QY_ZONE_HIGHMEM
					: QY_ZONE_NORMAL;
}

/* ---- marks ---- */

bool pm_marks_valid(const struct qy_watermark_config *config)
{
	return (unsigned int)config->marks <= QY_WATERMARKS_KERNEL &&
	       config->scale_factor <= 3000 && config->min_free_kbytes <= UINT32_MAX;
}

/* int_sqrt(kB * 16), 128 … 262144, in pages. */
static uint64_t min_free_pages(const struct pm_model *m, uint64_t lowmem)
{
	uint64_t kb = lowmem * (FZ_PAGE_SIZE / 1024), root = 0;

	if (m->marks.min_free_kbytes)
		return m->marks.min_free_kbytes / (FZ_PAGE_SIZE / 1024);
	while ((root + 1) * (root + 1) <= kb * 16)
		root++;
	root = root < 128 ? 128 : root > 262144 ? 262144 : root;
	return root / (FZ_PAGE_SIZE / 1024);
}

static unsigned int ratio_of(const struct pm_model *m, unsigned int type)
{
	static const unsigned int usual[] = {256, 256, 32, 0};
	unsigned int ratio = m->marks.lowmem_reserve_ratio[type];

	return ratio == QY_NO_RESERVE ? 0 : ratio ? ratio : usual[type];
}

static void set_zone_marks(struct pm_model *m, struct pm_zone *z, uint64_t lowmem)
{
	uint64_t share = lowmem ? min_free_pages(m, lowmem) * z->managed / lowmem : 0, mark;
	uint64_t factor = m->marks.scale_factor ? m->marks.scale_factor : 10;
	uint64_t step = z->managed * factor / 10000, above = 0;

	/* Absurd figures are cut, so that the highest mark is still a number of 32 bits. */
	mark = share = share < 1u << 30 ? share : 1u << 30;
	if (step < share / 4)
		step = share / 4;
	if (z->type == QY_ZONE_HIGHMEM)
		mark = z->managed / 1024 < 32	 ? 32
		       : z->managed / 1024 > 128 ? 128
						 : z->managed / 1024;
	if (m->marks.marks == QY_WATERMARKS_NONE || !z->managed)
		mark = 0;
	if (m->marks.marks == QY_WATERMARKS_NONE)
		step = 0;
	for (unsigned int i = 0; i < QY_NR_WMARK; i++)
		z->mark[i] = (uint32_t)(mark + i * step);
	z->boost = 0;
	for (unsigned int j = 0; j < QY_NR_ZONES; j++) {
		unsigned int ratio = ratio_of(m, z->type);

		if (j > z->type)
			above += m->zone[z->node * QY_NR_ZONES + j].managed;
		z->reserve[j] = 0;
		if (m->marks.marks != QY_WATERMARKS_NONE && ratio && z->managed)
			z->reserve[j] = (uint32_t)(above / ratio);
	}
}

static void set_list_size(struct pm_model *m, struct pm_zone *z)
{
	uint32_t batch = smaller(z->managed / 1024, (1u << 20) / FZ_PAGE_SIZE) / 4, cpus = 0;
	uint32_t b = batch ? batch : 1, power = 1;

	for (unsigned int cpu = 0; cpu < m->nr_cpus; cpu++)
		cpus += m->cpu_node[cpu] == z->node;
	while (power * 2 <= b + b / 2)
		power *= 2;
	batch = m->pcp_batch ? m->pcp_batch : power > 2 ? power - 1 : 1;
	z->high = m->pcp_high
			  ? m->pcp_high
			  : larger(z->mark[QY_WMARK_LOW] / (cpus ? cpus : m->nr_cpus), 4 * batch);
	if (!z->managed) {
		batch = 1;
		z->high = 0;
	}
	z->batch = z->high ? smaller(batch, z->high) : batch;
}

void pm_set_marks(struct pm_model *m, const struct qy_watermark_config *config)
{
	uint64_t lowmem = 0;

	m->marks = *config;
	m->marks_on = config->marks != QY_WATERMARKS_NONE;
	for (unsigned int i = 0; i < m->nr_zones; i++)
		lowmem += m->zone[i].type == QY_ZONE_HIGHMEM ? 0 : m->zone[i].managed;
	for (unsigned int i = 0; i < m->nr_zones; i++) {
		set_zone_marks(m, &m->zone[i], lowmem);
		set_list_size(m, &m->zone[i]);
	}
}

/* Of order > 0: is there a block at all that the request may take? */
static bool has_block(const struct pm_model *m, const struct pm_zone *z, unsigned int order,
		      unsigned int flags)
{
	for (; order <= m->max_order; order++) {
		const struct pm_list *list = z->list[order];

		if (list[QY_MIGRATE_UNMOVABLE].nr || list[QY_MIGRATE_MOVABLE].nr ||
		    list[QY_MIGRATE_RECLAIMABLE].nr)
			return true;
		if (((flags & PM_CMA) && list[QY_MIGRATE_CMA].nr) ||
		    ((flags & PM_HIGHATOMIC) && list[QY_MIGRATE_HIGHATOMIC].nr))
			return true;
	}
	return false;
}

bool pm_watermark_ok(const struct pm_model *m, const struct pm_zone *z, unsigned int order,
		     uint32_t mark, unsigned int highest, unsigned int flags)
{
	int64_t free = (int64_t)z->free - ((int64_t)1 << order) + 1, keep = mark;

	if (!(flags & PM_HIGHATOMIC))
		free -= z->free_highatomic;
	if (!(flags & PM_CMA))
		free -= z->free_cma;
	if (flags & PM_HIGH) {
		keep -= keep / 2;
		if (flags & PM_NON_BLOCK)
			keep -= keep / 4;
	}
	return free > keep + z->reserve[highest] && (!order || has_block(m, z, order, flags));
}
