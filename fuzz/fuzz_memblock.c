/* SPDX-License-Identifier: MIT */
/*
 * fuzz_memblock.c - target "memblock": an allocator of its own, without an instance, against the
 * model of cells (tests/harness/memblock_cells.h).
 *
 * The model says result, address and both sets to the last attribute, where arrays go and what that
 * reserves, also what fails. Besides: what is handed out as a pointer is zero; arrays are given
 * back once; memory that nobody was given is not written; the hand-over gives every free page once.
 *
 * Called by harness.c through struct fz_target; what the bytes mean is in ops_memblock.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define CELLS_MAX 128
#include "memblock_compare.h"

#define PAGE UINT64_C(4096)
#define MAX_OUT 8

static struct qy_memblock mb;
static struct cells m;
static void *out[MAX_OUT]; /* arrays from the hook */
static unsigned int warnings;
static uint64_t looked_at; /* whose contents are looked at next */

static struct {
	char name[2];
	uint64_t start, size;
} names[QY_MEMBLOCK_NAMES];
static unsigned int nr_names;

static uint8_t memory[CELLS_MAX * PAGE] __attribute__((aligned(4096)));
static bool written[CELLS_MAX]; /* may have been */

_Static_assert(FZ_MB_CELLS <= CELLS_MAX, "the model has room");

/* ---- the hooks ---- */

static void *map(void *ctx, qy_addr_t addr, qy_addr_t size)
{
	uint64_t at = addr - m.lowest;

	if (ctx != &mb || at % PAGE >= PAGE || addr < m.lowest || size > sizeof(memory) - at)
		fz_fail("MB6", "maps 0x%llx, which is none of its", (unsigned long long)addr);
	return addr + size <= m.map_end ? memory + at : NULL;
}

static void *array_alloc(void *ctx, size_t size)
{
	unsigned int i = 0;

	while (i < MAX_OUT && out[i])
		i++;
	if (ctx != &mb || i == MAX_OUT)
		fz_fail("MB8", "more arrays than sets");
	return m.hook_fails ? NULL : (out[i] = malloc(size));
}

static void array_free(void *ctx, void *array, size_t size)
{
	for (unsigned int i = 0; i < MAX_OUT && ctx == &mb; i++) {
		if (out[i] != array)
			continue;
		memset(array, 0xdd, size);
		free(array);
		out[i] = NULL;
		return;
	}
	fz_fail("MB8", "an array goes back that is not out");
}

static void log_line(void *ctx, const char *text)
{
	if (ctx != &mb)
		fz_fail("model", "logs \"%s\"", text);
	warnings += strstr(text, "of mirrored memory") != NULL;
}

static const struct qy_memblock_ops inside = {
	.struct_size = sizeof(inside), .map = map, .array_free = array_free, .log = log_line};
static const struct qy_memblock_ops outside = {.struct_size = sizeof(outside),
					       .array_alloc = array_alloc,
					       .array_free = array_free,
					       .log = log_line};
/* Bytes, without a hook: there is no room for whole pages. */
static const struct qy_memblock_ops nothing = {
	.struct_size = sizeof(nothing), .array_free = array_free, .log = log_line};

static void set_ops(void)
{
	const struct qy_memblock_ops *ops = m.hook ? &outside : fz.in.mb.bytes ? &nothing : &inside;

	if (qy_memblock_set_ops(&mb, ops, &mb))
		fz_fail("model", "set_ops failed");
}

/* An array may be tried wherever memory is free. */
static void note_free(void)
{
	for (int i = 0; i < m.nr && !fz.in.mb.bytes; i++)
		written[i] |= m.set[CELLS_MEMORY][i] && !m.set[CELLS_RESERVED][i];
}

static void memblock_begin(void)
{
	const struct fz_mb_geometry *geo = &fz.in.mb;

	for (unsigned int i = 0; i < MAX_OUT; i++) {
		free(out[i]);
		out[i] = NULL;
	}
	memset(&m, 0, sizeof(m));
	m.nr = (int)geo->nr;
	m.lowest = geo->lowest;
	m.unit = geo->unit;
	m.page = PAGE;
	m.limit = QY_MEMBLOCK_ALLOC_ANYWHERE;
	m.map_end = geo->bytes ? 0 : QY_MEMBLOCK_ALLOC_ANYWHERE;
	m.bottom_up = geo->bottom_up;
	m.can_resize = geo->resize;
	m.hook = geo->hook;
	qy_memblock_init(&mb);
	set_ops();
	if (geo->resize)
		qy_memblock_allow_resize(&mb);
	mb.bottom_up = geo->bottom_up;
	mb.memory.max = mb.reserved.max = geo->max;
	m.array[0] = m.array[1] = (struct cells_array){.max = geo->max, .at = ARRAY_STATIC};
	nr_names = warnings = 0;
	looked_at = 0;
	memset(written, 0, sizeof(written));
	if (!geo->bytes)
		memset(memory, 0xee, geo->nr * PAGE);
	for (int n = 0; n < (int)geo->nodes; n++) {
		int from = m.nr * n / (int)geo->nodes, to = m.nr * (n + 1) / (int)geo->nodes;

		if (qy_memblock_add(&mb, cells_addr(&m, from), (uint64_t)(to - from) * m.unit, n,
				    0) != cells_add(&m, CELLS_MEMORY, from, to, n, 0))
			fz_fail("model", "node %d cannot be added, or should not", n);
		note_free();
	}
}

/* ---- operations ---- */

static void expect(struct fz_log *log, int64_t got, int64_t want)
{
	*log = (struct fz_log){.ran = true, .h = -1, .y = 1, .ret = got};
	if (got != want)
		fz_fail("model", "gave 0x%llx, the model says 0x%llx (%d)", (unsigned long long)got,
			(unsigned long long)want, (int)want);
}

/* The size, or one that reaches over the end of all addresses. */
static uint64_t cut(const struct fz_mb_range *r)
{
	return r->absurd && r->to == m.nr && r->size ? ~UINT64_C(0) - (r->size & 7) : r->size;
}

static void do_add(const struct fz_op *op, struct fz_log *log)
{
	int set = op->op == FZ_MB_RESERVE, nid = fz_mb_nid(op->flags), want, got;
	struct fz_mb_range r = fz_mb_range(op->a, op->b, &fz.in.mb);
	uint32_t flags = fz_mb_flags(op->flags, set);
	/* Beyond the last cell only where that is the last address. */
	uint64_t size = m.lowest + (uint64_t)m.nr * m.unit == ~UINT64_C(0) ? cut(&r) : r.size;

	want = flags > 0x7f ? -EINVAL : cells_add(&m, set, r.from, r.to, nid, flags);
	got = set ? qy_memblock_reserve_node(&mb, r.base, size, nid, flags)
		  : qy_memblock_add(&mb, r.base, size, nid, flags);
	expect(log, got, want);
}

static void do_drop(const struct fz_op *op, struct fz_log *log)
{
	struct fz_mb_range r = fz_mb_range(op->a, op->b, &fz.in.mb);
	int set = op->op == FZ_MB_FREE, want = cells_drop(&m, set, r.from, r.to);

	expect(log,
	       set ? qy_memblock_free(&mb, r.base, cut(&r))
		   : qy_memblock_remove(&mb, r.base, cut(&r)),
	       want);
}

static void do_attributes(const struct fz_op *op, struct fz_log *log)
{
	struct fz_mb_range r = fz_mb_range(op->a, op->b, &fz.in.mb);
	int set = op->h & 1, nid = fz_mb_nid(op->flags), want;
	struct qy_memblock_type *type = set ? &mb.reserved : &mb.memory;
	uint32_t flags = fz_mb_flags(op->flags, set);

	if (op->op == FZ_MB_SET_NODE) {
		want = cells_set_node(&m, set, r.from, r.to, nid);
		expect(log, qy_memblock_set_node(&mb, type, r.base, cut(&r), nid), want);
	} else if (op->op == FZ_MB_MIRROR) {
		want = cells_flag(&m, CELLS_MEMORY, r.from, r.to, QY_MEMBLOCK_MIRROR, 0);
		m.has_mirror |= !want;
		expect(log, qy_memblock_mark_mirror(&mb, r.base, cut(&r)), want);
	} else if (op->h & 2) {
		want = flags > 0x7f ? -EINVAL : cells_flag(&m, set, r.from, r.to, 0, flags);
		expect(log, qy_memblock_clear_flags(&mb, type, r.base, cut(&r), flags), want);
	} else {
		want = flags > 0x7f ? -EINVAL : cells_flag(&m, set, r.from, r.to, flags, 0);
		expect(log, qy_memblock_set_flags(&mb, type, r.base, cut(&r), flags), want);
	}
}

static void do_virt(const struct fz_mb_request *rq, struct fz_log *log)
{
	bool can = !fz.in.mb.bytes && !m.hook, raw = rq->call == 5;
	uint64_t want = 0;
	uint8_t *p;

	if (can)
		want = cells_virt_alloc(&m, rq->size, rq->align, rq->start, rq->end, rq->nid,
					rq->exact);
	p = qy_memblock_virt_alloc(
		&mb, (size_t)rq->size, (size_t)rq->align, rq->start, rq->end, rq->nid,
		(raw ? QY_MEMBLOCK_RAW : 0) | (rq->exact ? QY_MEMBLOCK_EXACT_NID : 0));
	expect(log, p ? (int64_t)(m.lowest + (uint64_t)(p - memory)) : 0, (int64_t)want);
	for (uint64_t i = 0; p && !raw && i < rq->size; i++)
		if (p[i])
			fz_fail("model", "byte %llu of 0x%llx is not 0", (unsigned long long)i,
				(unsigned long long)rq->size);
}

static void do_alloc(const struct fz_op *op, struct fz_log *log)
{
	struct fz_mb_request rq = fz_mb_request(op, &fz.in.mb);
	uint64_t align = rq.align ? rq.align : 1, want, got;

	switch (rq.call) {
	case 0:
		want = cells_alloc(&m, rq.size, rq.align, rq.start, rq.end, QY_NO_NODE, false);
		got = qy_memblock_alloc(&mb, rq.size, rq.align, rq.start, rq.end);
		break;
	case 1:
		want = cells_alloc(&m, rq.size, rq.align, rq.start, rq.end, rq.nid, rq.exact);
		got = qy_memblock_alloc_range_nid(&mb, rq.size, rq.align, rq.start, rq.end, rq.nid,
						  rq.exact);
		break;
	case 2:
		want = cells_find_any(&m, rq.start, cells_end(&m, rq.end), rq.size, align);
		got = qy_memblock_find(&mb, rq.start, rq.end, rq.size, rq.align);
		break;
	case 4:
	case 5: do_virt(&rq, log); return;
	case 6:
		want = cells_alloc(&m, rq.size, rq.align, 0, 0, rq.nid, false);
		got = qy_memblock_phys_alloc_try_nid(&mb, rq.size, rq.align, rq.nid);
		break;
	default:
		want = cells_find(&m, rq.start, cells_end(&m, rq.end), rq.size, align, rq.nid,
				  rq.flags);
		got = qy_memblock_find_nid(&mb, rq.start, rq.end, rq.size, rq.align, rq.nid,
					   rq.flags);
		break;
	}
	expect(log, (int64_t)got, (int64_t)want);
}

static void do_options(const struct fz_op *op, struct fz_log *log)
{
	const struct fz_mb_geometry *geo = &fz.in.mb;

	mb.bottom_up = m.bottom_up = op->flags & 1;
	mb.movable_node = m.movable_node = op->flags & 2;
	mb.scratch_only = m.scratch_only = op->flags >= 0xe0;
	mb.has_mirror = m.has_mirror = op->flags & 4;
	mb.can_resize = m.can_resize = geo->resize && !(op->flags & 8);
	m.limit = op->a < 0x8000 ? QY_MEMBLOCK_ALLOC_ANYWHERE
				 : cells_addr(&m, fz_mb_index(op->a, geo));
	mb.current_limit = m.limit;
	if (!geo->bytes)
		m.map_end = op->b < 0x8000 ? QY_MEMBLOCK_ALLOC_ANYWHERE
					   : cells_addr(&m, 1 + fz_mb_index(op->b, geo));
	m.hook_fails = op->h & 1;
	if (geo->resize && (op->h & 2))
		m.hook = op->h & 4;
	set_ops();
	*log = (struct fz_log){.ran = true, .h = -1};
}

static void do_limit(const struct fz_op *op, struct fz_log *log)
{
	struct fz_mb_range r = fz_mb_range(op->a, op->b, &fz.in.mb);
	uint64_t limit = (uint64_t)r.from * m.unit;
	int at = cells_limit_index(&m, limit);

	if (op->flags % 3 == 0)
		expect(log, qy_memblock_enforce_memory_limit(&mb, limit),
		       cells_enforce_limit(&m, limit));
	else if (op->flags % 3 == 1)
		expect(log, qy_memblock_cap_memory_range(&mb, r.base, r.size),
		       cells_cap(&m, r.from, r.to));
	else
		expect(log, qy_memblock_mem_limit_remove_map(&mb, limit),
		       at < 0 ? 0 : cells_cap(&m, 0, at));
}

static void do_trim(const struct fz_op *op, struct fz_log *log)
{
	uint64_t align = fz_mb_align(op->a, &fz.in.mb);

	expect(log, qy_memblock_trim_memory(&mb, align), align ? cells_trim(&m, align) : -EINVAL);
}

/* ---- hand-over ---- */

static bool given[CELLS_MAX];
static unsigned int max_order;

static void give(void *ctx, uint64_t pfn, unsigned int order)
{
	uint64_t first = m.lowest / PAGE, nr = UINT64_C(1) << order;

	if (ctx != &m || order > max_order || pfn % nr || m.unit != PAGE || pfn < first ||
	    pfn + nr > first + (uint64_t)m.nr)
		fz_fail("MB10", "page 0x%llx order %u is given", (unsigned long long)pfn, order);
	for (uint64_t i = pfn - first; i < pfn - first + nr; i++) {
		if (given[i])
			fz_fail("MB10", "page 0x%llx is given twice",
				(unsigned long long)(first + i));
		given[i] = true;
	}
}

static void do_free_all(const struct fz_op *op, struct fz_log *log)
{
	int want = cells_hand_over(&m);
	uint64_t pages = 0, nr = 0;

	memset(given, 0, sizeof(given));
	max_order = op->flags % 12u;
	expect(log, qy_memblock_free_all(&mb, max_order, give, &m, &pages), want);
	for (int i = 0; i < m.nr && !want; i++) {
		bool is_free = !m.set[CELLS_RESERVED][i] &&
			       cells_allowed(&m, m.set[CELLS_MEMORY][i], QY_NO_NODE, 0);

		nr += given[i];
		if (m.unit == PAGE && is_free != given[i])
			fz_fail("MB10", "cell %d is %sgiven", i, is_free ? "not " : "");
	}
	if (pages != nr)
		fz_fail("MB10", "%llu pages are counted, %llu given", (unsigned long long)pages,
			(unsigned long long)nr);
}

static void do_free_late(const struct fz_op *op, struct fz_log *log)
{
	struct fz_mb_range r = fz_mb_range(op->a, op->b, &fz.in.mb);
	uint64_t pages = 0;
	int want = 0;

	for (int i = r.from; i < r.to; i++) {
		uint32_t flags = cell_flags(m.set[CELLS_MEMORY][i]);

		if (!m.set[CELLS_RESERVED][i] || !m.set[CELLS_MEMORY][i] ||
		    (flags & (QY_MEMBLOCK_NOMAP | QY_MEMBLOCK_DRIVER_MANAGED)))
			want = -EINVAL;
	}
	if (!want)
		want = cells_drop(&m, CELLS_RESERVED, r.from, r.to);
	memset(given, 0, sizeof(given));
	max_order = op->flags % 12u;
	expect(log, qy_memblock_free_late(&mb, r.base, r.size, max_order, give, &m, &pages), want);
	for (int i = 0; i < m.nr; i++)
		if (given[i] != (!want && m.unit == PAGE && i >= r.from && i < r.to))
			fz_fail("MB10", "cell %d is given, or not", i);
	if (m.unit == PAGE && pages != (want ? 0 : (uint64_t)(r.to - r.from)))
		fz_fail("MB10", "%llu pages are counted", (unsigned long long)pages);
}

/* ---- names, text ---- */

static int model_reserve_named(const char *name, uint64_t size, uint64_t align)
{
	uint64_t at;

	if (!size)
		return -EINVAL;
	for (unsigned int i = 0; i < nr_names; i++)
		if (!strcmp(names[i].name, name))
			return -EBUSY;
	if (nr_names == QY_MEMBLOCK_NAMES)
		return -EBUSY;
	at = cells_alloc(&m, size, align < 64 ? 64 : align, 0, 0, QY_NO_NODE, false);
	if (!at)
		return -ENOMEM;
	memcpy(names[nr_names].name, name, 2);
	names[nr_names].start = at;
	names[nr_names++].size = size;
	return 0;
}

static int model_release_named(const char *name)
{
	for (unsigned int i = 0; i < nr_names; i++) {
		int err, from;

		if (strcmp(names[i].name, name))
			continue;
		from = cells_index(&m, names[i].start);
		err = cells_drop(&m, CELLS_RESERVED, from, from + (int)(names[i].size / m.unit));
		if (!err)
			names[i] = names[--nr_names];
		return err;
	}
	return -ENOENT;
}

static void do_named(const struct fz_op *op, struct fz_log *log)
{
	const char name[2] = {(char)('a' + op->flags / 2 % 10)};
	struct fz_mb_request rq = fz_mb_request(op, &fz.in.mb);
	qy_addr_t start, size;

	if (op->flags & 1)
		expect(log, qy_memblock_release_named(&mb, name), model_release_named(name));
	else
		expect(log, qy_memblock_reserve_named(&mb, name, rq.size, rq.align),
		       model_reserve_named(name, rq.size, rq.align));
	for (unsigned int i = 0; i < nr_names; i++)
		if (!qy_memblock_find_named(&mb, names[i].name, &start, &size) ||
		    start != names[i].start || size != names[i].size)
			fz_fail("model", "\"%s\" is not what it was", names[i].name);
}

/* What the files say is read back. */
static void do_text(const struct fz_op *op, struct fz_log *log)
{
	static char text[CELLS_MAX * 2 * 96];
	const struct qy_memblock_type *type = op->flags & 1 ? &mb.reserved : &mb.memory;
	size_t len = qy_memblock_dump_type(type, text, sizeof(text));
	unsigned long long base, last;
	const char *p = text;
	unsigned int i;

	*log = (struct fz_log){.ran = true, .h = -1, .ret = (int64_t)len};
	for (uint32_t n = 0; n < type->cnt; n++) {
		const struct qy_memblock_region *r = &type->regions[n];

		if (sscanf(p, "%u: 0x%llx..0x%llx", &i, &base, &last) != 3 || i != n ||
		    base != r->base || last - base + 1 != r->size)
			fz_fail("model", "region %u of %s is not in the text", n, type->name);
		p = strchr(p, '\n') + 1;
	}
	if (*p || len != (size_t)(p - text))
		fz_fail("model", "the text of %s has %zu letters", type->name, len);
}

static void memblock_step(const struct fz_op *op, struct fz_log *log)
{
	switch ((enum fz_opcode)op->op) {
	case FZ_MB_ADD:
	case FZ_MB_RESERVE: do_add(op, log); break;
	case FZ_MB_REMOVE:
	case FZ_MB_FREE: do_drop(op, log); break;
	case FZ_MB_FLAGS:
	case FZ_MB_SET_NODE:
	case FZ_MB_MIRROR: do_attributes(op, log); break;
	case FZ_MB_ALLOC: do_alloc(op, log); break;
	case FZ_MB_OPTIONS: do_options(op, log); break;
	case FZ_MB_LIMIT: do_limit(op, log); break;
	case FZ_MB_TRIM: do_trim(op, log); break;
	case FZ_MB_FREE_ALL: do_free_all(op, log); break;
	case FZ_MB_FREE_LATE: do_free_late(op, log); break;
	case FZ_MB_NAMED: do_named(op, log); break;
	case FZ_MB_TEXT: do_text(op, log); break;
	default: break;
	}
}

/* ---- verdicts ---- */

/* "MB4: what is wrong": the id goes by itself. */
static void judge(const char *wrong)
{
	const char *colon = wrong ? strstr(wrong, ": ") : NULL;
	char id[8] = "model";

	if (!wrong)
		return;
	if (colon && colon - wrong < (ptrdiff_t)sizeof(id))
		snprintf(id, sizeof(id), "%.*s", (int)(colon - wrong), wrong);
	fz_fail(id, "%s", colon ? colon + 2 : wrong);
}

/* A page now and then: untouched, unless it was free at some time. */
static void look_at_memory(void)
{
	const uint8_t *p;
	int i;

	note_free();
	if (fz.in.mb.bytes || fz.step % 4)
		return;
	i = (int)(looked_at++ % (uint64_t)m.nr);
	p = memory + (size_t)i * PAGE;
	if (!written[i] && (p[0] != 0xee || memcmp(p, p + 1, PAGE - 1)))
		fz_fail("MB8", "page %d was written to, though it is no array's", i);
}

static void memblock_compare(void)
{
	unsigned int arrays = 0;

	judge(cells_compare(&m, &mb));
	if (warnings != m.warnings)
		fz_fail("model", "%u warnings, the model says %u", warnings, m.warnings);
	for (unsigned int i = 0; i < MAX_OUT; i++)
		arrays += out[i] != NULL;
	if (arrays != (unsigned int)(m.array[0].at == ARRAY_HOOK) + (m.array[1].at == ARRAY_HOOK))
		fz_fail("MB8", "%u arrays are out", arrays);
	if (mb.nr_names != nr_names)
		fz_fail("model", "%u names, the model says %u", mb.nr_names, nr_names);
	look_at_memory();
	if (fz.opts.no_check)
		return;
	switch (fz.step % 8) {
	case 1: judge(cells_compare_pfns(&m, &mb, (int)(fz.step / 8 % 4) - 1)); break;
	case 0:
	case 4: judge(cells_compare_parts(&m, &mb, false, true, QY_NO_NODE, 0)); break;
	case 2:
		judge(cells_compare_parts(&m, &mb, false, fz.step & 8, (int)(fz.step / 8 % 4) - 1,
					  (1u << fz.step / 16 % 8) & 0x7f));
		break;
	case 6:
		judge(cells_compare_parts(&m, &mb, true, false, (int)(fz.step / 8 % 4) - 1, 0));
		break;
	default: break;
	}
}

static void memblock_end(void)
{
	uint64_t pages;

	memset(given, 0, sizeof(given));
	max_order = 0;
	pages = qy_memblock_discard(&mb, max_order, give, &m);
	for (int s = 0; s < CELLS_SETS; s++) {
		pages -= (uint64_t)m.array[s].len;
		for (int i = 0; i < m.array[s].len; i++)
			if (!given[m.array[s].at + i])
				fz_fail("MB8", "an array is not given at the end");
		m.array[s] = (struct cells_array){.max = QY_MEMBLOCK_REGIONS, .at = ARRAY_STATIC};
	}
	if (pages)
		fz_fail("MB8", "the pages given at the end are not counted right");
	memset(m.set, 0, sizeof(m.set));
	nr_names = 0;
	for (unsigned int i = 0; i < MAX_OUT; i++)
		if (out[i])
			fz_fail("MB8", "an array is left at the end");
}

static void memblock_feedback(uint8_t counters[FZ_FEEDBACK])
{
	for (int s = 0; s < CELLS_SETS; s++) {
		const struct cells_array *a = &m.array[s];
		unsigned int where = a->at >= 0 ? 2 : a->at == ARRAY_HOOK ? 1 : 0;

		counters[s * 128 + fz_bucket(s ? mb.reserved.cnt : mb.memory.cnt) * 3 + where] = 1;
		counters[s * 128 + 32 + fz_bucket(a->max) * 3 + where] = 1;
	}
	counters[300 + m.has_mirror * 4 + m.scratch_only * 2 + m.bottom_up] = 1;
	counters[310 + fz_bucket(m.warnings)] = 1;
	counters[320 + nr_names] = 1;
}

static size_t memblock_print(char *buf, size_t size)
{
	return qy_memblock_dump_all(&mb, buf, size);
}

const struct fz_target fz_memblock_target = {
	.format = &fz_memblock_format,
	.alone = true,
	.begin = memblock_begin,
	.step = memblock_step,
	.compare = memblock_compare,
	.end = memblock_end,
	.feedback = memblock_feedback,
	.print = memblock_print,
};
