/* SPDX-License-Identifier: MIT */
/*
 * page_owner.c - who holds the allocated blocks, as the kernel's page_owner prints it; one entry
 * for a block, in order of addresses.
 *
 * The kernel's pid is a thread's, its tgid a process's. comm is the program's name, as it is now. A
 * frame is written as in reports, so that `quarry symbolize` finds its name.
 *
 * Locks: none. A block that changes hands while its entry is read is left out.
 */
#include "info/info.h"
#include "page/page_debug.h"
#include "page/reclaim.h"
#include "util/module.h"
#include "util/stackdepot.h"

static const char *migratetype_name(unsigned int type)
{
	static const char *const name[QY_NR_MIGRATETYPES] = {
		[QY_MIGRATE_UNMOVABLE] = "Unmovable",
		[QY_MIGRATE_MOVABLE] = "Movable",
		[QY_MIGRATE_RECLAIMABLE] = "Reclaimable",
		[QY_MIGRATE_HIGHATOMIC] = "HighAtomic",
		[QY_MIGRATE_CMA] = "CMA",
		[QY_MIGRATE_ISOLATE] = "Isolate",
	};

	return type < QY_NR_MIGRATETYPES ? name[type] : "?";
}

/* A copy that was not changed meanwhile, of a page that is allocated. */
static bool read_record(const struct qy__page_owner *rec, struct qy__page_owner *copy)
{
	if (!qy__load_acquire(&rec->live))
		return false;
	copy->ts = qy__load_relaxed(&rec->ts);
	copy->free_ts = qy__load_relaxed(&rec->free_ts);
	copy->stack = qy__load_relaxed(&rec->stack);
	copy->gfp = qy__load_relaxed(&rec->gfp);
	copy->pid = qy__load_relaxed(&rec->pid);
	copy->tid = qy__load_relaxed(&rec->tid);
	copy->order = qy__load_relaxed(&rec->order);
	copy->migrated = qy__load_relaxed(&rec->migrated);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return qy__load_relaxed(&rec->live) && qy__load_relaxed(&rec->ts) == copy->ts;
}

static void print_flags(struct qy__buf *buf, const struct qy_page *page)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} table[] = {
		{QY__PAGE_F_SLAB, "slab"},	 {QY__PAGE_F_FROZEN, "frozen"},
		{QY__PAGE_F_RETIRED, "retired"}, {QY__PAGE_F_FULL, "full"},
		{QY__PAGE_F_PARTIAL, "partial"}, {QY__PAGE_F_REPORTED, "reported"},
		{QY__PAGE_F_MOVABLE, "movable"},
	};
	unsigned int flags = qy__page_flags(page), zone = qy__load_relaxed(&page->zone);

	qy__fmt(buf, "Flags 0x%x(", flags);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (flags & table[i].flag)
			qy__fmt(buf, "%s|", table[i].name);
	qy__fmt(buf, "node=%u|zone=%u)\n", zone / QY_NR_ZONES, zone % QY_NR_ZONES);
}

/* What is read. */
struct reader {
	struct qy__check ck;
	const struct qy__page_owner *owner; /* of the first page that exists */
	const struct qy__stackdepot *depot; /* NULL: no stacks */
	uint32_t end;			    /* of the pages that have records */
};

/* The files of another program are not known here, only the addresses in it. */
static void print_stack(struct qy__buf *buf, const struct reader *r, uint32_t handle)
{
	const uintptr_t *pc = NULL;
	unsigned int nr = r->depot ? qy__depot_fetch(r->depot, handle, &pc) : 0;
	uintptr_t offset;
	char path[512];

	for (unsigned int i = 0; i < nr; i++) {
		qy__fmt(buf, " #%u 0x%lx", i, (unsigned long)pc[i]);
		if (!qy__is_image(r->ck.mm) &&
		    qy__module_of(pc[i] - 1, path, sizeof(path), &offset))
			qy__fmt(buf, " (%s+0x%lx)", path, (unsigned long)offset + 1);
		qy__fmt(buf, "\n");
	}
}

static void print_block(struct qy__buf *buf, const struct reader *r, uint32_t pfn,
			const struct qy__page_owner *rec)
{
	const struct qy_mm *mm = r->ck.mm;
	char name[512], mask[256];

	qy__gfp_names(rec->gfp, mask, sizeof(mask));
	qy__fmt(buf, "Page allocated via order %u, mask %s%x(%s), pid %d, tgid %d (%.15s), ",
		rec->order, rec->gfp ? "0x" : "", rec->gfp, mask, rec->tid, rec->pid,
		qy__is_image(mm) ? "?" : qy__program_name(name, sizeof(name)));
	qy__fmt(buf, "ts %llu ns, free_ts %llu ns\n", (unsigned long long)rec->ts,
		(unsigned long long)rec->free_ts);
	qy__fmt(buf, "PFN %lu type %s Block %lu type %s ", (unsigned long)pfn,
		migratetype_name(qy__owner_migratetype(mm, rec->gfp)),
		(unsigned long)(pfn >> mm->pageblock_order),
		migratetype_name(qy__pageblock_type(mm, pfn)));
	print_flags(buf, qy__check_page(&r->ck, pfn));
	print_stack(buf, r, rec->stack);
	if (rec->migrated)
		qy__fmt(buf, "Page has been migrated, last migrate reason: contig_range\n");
	qy__fmt(buf, "\n");
}

/* Is there a block at @pfn, by its record? */
static bool read_block(const struct reader *r, uint32_t pfn, struct qy__page_owner *rec)
{
	if (!read_record(r->owner + (pfn - r->ck.min_pfn), rec))
		return false;
	return rec->order <= r->ck.mm->max_order && !(pfn & ((1u << rec->order) - 1));
}

size_t qy_page_owner(struct qy_mm *mm, char *text, size_t size)
{
	struct qy__buf buf = qy__text(text, size); /* there may be no block */
	struct qy__page_owner copy;
	struct reader r;
	uint32_t pages;

	if (!qy__snapshot_begin(&r.ck, mm))
		return 0;
	r.owner = qy__check_owner_records(&r.ck, &r.end);
	r.depot = qy__check_depot(&r.ck);
	if (!r.owner)
		return 0;
	for (uint32_t pfn = mm->min_pfn; pfn < r.end; pfn += min(pages, r.end - pfn)) {
		pages = 1;
		if (read_block(&r, pfn, &copy)) {
			print_block(&buf, &r, pfn, &copy);
			pages = 1u << copy.order;
		}
	}
	return buf.len;
}
