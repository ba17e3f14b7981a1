/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page_text.c - target "page": the texts of /proc. Read back by the library's own parser they
 * must say what the model says, and printed again be the same bytes.
 *
 * Called by fuzz_page.c. Compared: each figure of buddyinfo, pagetypeinfo and zoneinfo with the
 * model's zone.
 */
#include <stdio.h>
#include <string.h>

#include "page_state.h"

#define TEXT_BYTES 65536

static char text[TEXT_BYTES], again[TEXT_BYTES];
static const char *const names[QY_NR_ZONES] = {"DMA", "DMA32", "Normal", "HighMem"};

static void same(const char *what, const struct pm_zone *z, uint64_t got, uint64_t want)
{
	if (got != want)
		fz_fail("model", "text, node %u zone %u: %s is %llu, the model says %llu", z->node,
			z->type, what, (unsigned long long)got, (unsigned long long)want);
}

/* The next zone that has pages. */
static const struct pm_zone *next_zone(unsigned int *nr)
{
	while (*nr < fzp.m.nr_zones && !fzp.m.zone[*nr].present)
		(*nr)++;
	return *nr < fzp.m.nr_zones ? &fzp.m.zone[(*nr)++] : NULL;
}

static void check_name(const struct pm_zone *z, unsigned int node, const char *name)
{
	if (!z || z->node != node || strcmp(name, names[z->type]))
		fz_fail("model", "text: node %u, zone \"%s\" is not in its place", node, name);
}

static void check_print(const char *what, size_t len, size_t printed)
{
	if (len != strlen(text) || printed != len || memcmp(text, again, len))
		fz_fail("model", "%s, read and printed again, is another text:\n%s\n%s", what, text,
			again);
}

static unsigned int blocks_of(const struct pm_zone *z, unsigned int order)
{
	unsigned int n = 0;

	for (unsigned int t = 0; t < QY_NR_MIGRATETYPES; t++)
		n += z->list[order][t].nr;
	return n;
}

static void check_parse(const char *what, int err, unsigned int line)
{
	if (err)
		fz_fail("model", "%s is not understood at line %u:\n%s", what, line, text);
}

/* ---- one text each ---- */

/* "Node 0, zone   Normal      1      0 …": built here, too, not only read. */
static void buddyinfo(void)
{
	static struct qy_buddyinfo_zone zone[PM_ZONES];
	struct qy_buddyinfo info = {
		.struct_size = sizeof(info), .zone = zone, .max_zones = PM_ZONES};
	size_t len = qy_buddyinfo(fz.mm, text, sizeof(text)), n = 0;
	const struct pm_zone *z;
	unsigned int line;

	again[0] = 0;
	for (unsigned int i = 0; (z = next_zone(&i));) {
		n += (size_t)snprintf(again + n, sizeof(again) - n, "Node %u, zone %8s ", z->node,
				      names[z->type]);
		for (unsigned int o = 0; o <= fzp.m.max_order; o++)
			n += (size_t)snprintf(again + n, sizeof(again) - n, "%6u ",
					      blocks_of(z, o));
		n += (size_t)snprintf(again + n, sizeof(again) - n, "\n");
	}
	check_print("buddyinfo", len, n);
	check_parse("buddyinfo", qy_buddyinfo_parse(text, len, &info, &line), line);
	check_print("buddyinfo", len, qy_buddyinfo_print(&info, again, sizeof(again)));
}

static void pagetypeinfo(void)
{
	static struct qy_pagetypeinfo_zone zone[PM_ZONES];
	struct qy_pagetypeinfo info = {
		.struct_size = sizeof(info), .zone = zone, .max_zones = PM_ZONES};
	size_t len = qy_pagetypeinfo(fz.mm, text, sizeof(text));
	const struct pm_zone *z;
	unsigned int line, nr = 0;

	check_parse("pagetypeinfo", qy_pagetypeinfo_parse(text, len, &info, &line), line);
	check_print("pagetypeinfo", len, qy_pagetypeinfo_print(&info, again, sizeof(again)));
	for (unsigned int i = 0; (z = next_zone(&i)); nr++) {
		check_name(z, zone[nr].node, zone[nr].name);
		for (unsigned int t = 0; t < QY_NR_MIGRATETYPES; t++) {
			uint32_t n = 0;

			if (!(info.types >> t & 1))
				continue;
			for (unsigned int o = 0; o <= fzp.m.max_order; o++)
				same("free of a type", z, zone[nr].nr_free[t][o], z->list[o][t].nr);
			for (uint32_t pfn = z->start; pfn < z->end;
			     pfn = ((pfn >> fzp.m.block_order) + 1) << fzp.m.block_order)
				n += pm_type(&fzp.m, pfn) == t;
			same("page blocks of a type", z, zone[nr].blocks[t], n);
		}
	}
	if (nr != info.nr_zones || info.nr_orders != fzp.m.max_order + 1)
		fz_fail("model", "pagetypeinfo has %u zones, %u orders", info.nr_zones,
			info.nr_orders);
}

static void check_zone(const struct pm_zone *z, const struct qy_zoneinfo_zone *t,
		       const struct qy_zoneinfo *info)
{
	check_name(z, t->node, t->name);
	for (unsigned int i = 0; i < t->nr_protection && i < QY_NR_ZONES; i++)
		same("protection", z, t->protection[i], z->reserve[i]);
	if (!z->present)
		return;
	same("free", z, t->free, z->free);
	same("boost", z, t->boost, z->boost);
	same("min", z, t->min, z->mark[QY_WMARK_MIN] + z->boost);
	same("low", z, t->low, z->mark[QY_WMARK_LOW] + z->boost);
	same("high", z, t->high, z->mark[QY_WMARK_HIGH] + z->boost);
	same("promo", z, t->promo, z->mark[QY_WMARK_PROMO] + z->boost);
	same("spanned", z, t->spanned, z->end - z->start);
	same("present", z, t->present, z->present);
	same("managed", z, t->managed, z->managed);
	same("cma", z, t->cma, z->cma);
	same("nr_free_pages", z, t->nr_free_pages, z->free);
	same("nr_free_pages_blocks", z, t->nr_free_pages_blocks, z->free_blocks);
	same("nr_free_cma", z, t->nr_free_cma, z->free_cma);
	same("start_pfn", z, t->start_pfn, z->start);
	if (fzp.m.nr_nodes > 1) {
		same("numa_hit", z, t->numa_hit, z->hit);
		same("numa_foreign", z, t->numa_foreign, z->foreign);
	}
	for (unsigned int i = 0; i < t->nr_cpus; i++) {
		const struct qy_zoneinfo_cpu *c = &info->cpu[t->first_cpu + i];

		same("count", z, c->count, z->pcp[c->cpu % PM_CPUS].count);
		same("list high", z, c->high, z->high);
		same("list batch", z, c->batch, z->batch);
	}
}

static void zoneinfo(void)
{
	static struct qy_zoneinfo_zone zone[PM_ZONES];
	static struct qy_zoneinfo_cpu cpu[PM_ZONES * PM_CPUS];
	struct qy_zoneinfo info = {.struct_size = sizeof(info),
				   .zone = zone,
				   .max_zones = PM_ZONES,
				   .cpu = cpu,
				   .max_cpus = PM_ZONES * PM_CPUS};
	size_t len = qy_zoneinfo(fz.mm, text, sizeof(text));
	unsigned int line;

	check_parse("zoneinfo", qy_zoneinfo_parse(text, len, &info, &line), line);
	check_print("zoneinfo", len, qy_zoneinfo_print(&info, again, sizeof(again)));
	if (info.nr_zones != fzp.m.nr_zones)
		fz_fail("model", "zoneinfo has %u zones", info.nr_zones);
	for (unsigned int i = 0; i < info.nr_zones; i++)
		check_zone(&fzp.m.zone[i], &zone[i], &info);
}

static void meminfo(void)
{
	struct qy_meminfo info = {.struct_size = sizeof(info)};
	size_t len = qy_meminfo(fz.mm, text, sizeof(text));
	uint64_t total = 0, free = 0, cma = 0, free_cma = 0;
	const unsigned int kb = FZ_PAGE_SIZE / 1024;
	unsigned int line;

	check_parse("meminfo", qy_meminfo_parse(text, len, &info, &line), line);
	check_print("meminfo", len, qy_meminfo_print(&info, again, sizeof(again)));
	for (unsigned int i = 0; i < fzp.m.nr_zones; i++) {
		total += fzp.m.zone[i].managed;
		free += fzp.m.zone[i].free;
		cma += fzp.m.zone[i].cma;
		free_cma += fzp.m.zone[i].free_cma;
	}
	if (info.mem_total != total * kb || info.mem_free != free * kb ||
	    info.cma_total != cma * kb || info.cma_free != free_cma * kb)
		fz_fail("model", "meminfo, the model says %llu of %llu pages free, CMA %llu:\n%s",
			(unsigned long long)free, (unsigned long long)total,
			(unsigned long long)cma, text);
}

/* Of free pages the share that is in blocks too small, in thousandths; rounded as the text is. */
static void unusable(void)
{
	size_t len = qy_unusable_index(fz.mm, text, sizeof(text)), n = 0;
	const struct pm_zone *z;

	again[0] = 0;
	for (unsigned int i = 0; (z = next_zone(&i));) {
		uint64_t small = 0, all = 0;

		for (unsigned int o = 0; o <= fzp.m.max_order; o++)
			all += (uint64_t)blocks_of(z, o) << o;
		n += (size_t)snprintf(again + n, sizeof(again) - n, "Node %u, zone %8s ", z->node,
				      names[z->type]);
		for (unsigned int o = 0; o <= fzp.m.max_order; o++) {
			uint64_t share = all ? small * 1000 / all : 1000;

			n += (size_t)snprintf(again + n, sizeof(again) - n, "%llu.%03llu ",
					      (unsigned long long)share / 1000,
					      (unsigned long long)share % 1000);
			small += (uint64_t)blocks_of(z, o) << o;
		}
		n += (size_t)snprintf(again + n, sizeof(again) - n, "\n");
	}
	check_print("unusable_index", len, n);
}

/* Too long for the buffer by any number of bytes: cut, terminated, and the length is the whole. */
static void cut(unsigned int way)
{
	size_t whole = qy_zoneinfo(fz.mm, text, sizeof(text)), room = 1 + way * 7 % (whole + 1);

	memset(again, 'x', sizeof(again));
	if (qy_zoneinfo(fz.mm, again, room) != whole || again[room - 1] || again[room] != 'x' ||
	    memcmp(text, again, room - 1))
		fz_fail("model", "zoneinfo in %zu bytes is not its beginning", room);
}

void fzp_text(const struct fz_op *op, struct fz_log *log)
{
	log->ran = true;
	switch (op->op == FZ_PAGE_TEXT ? 0 : op->flags % 8) {
	case 0: buddyinfo(); break;
	case 1: pagetypeinfo(); break;
	case 2:
	case 3: zoneinfo(); break;
	case 4: meminfo(); break;
	case 5: unusable(); break;
	case 6: cut(op->flags / 8); break;
	default:
		log->ret = (int64_t)qy_info_json(fz.mm, text, sizeof(text));
		if (text[0] != '{' || log->ret != (int64_t)strlen(text))
			fz_fail("model", "no JSON: %s", text);
		break;
	}
}
