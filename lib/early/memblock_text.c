/* SPDX-License-Identifier: MIT */
/*
 * memblock_text.c - the sets in the kernel's words: the log's dump, debugfs' files; log lines.
 *
 * Ends are inclusive here.
 */
#include "early/memblock.h"

#include "util/fmt.h"

#define ADDR "0x%016llx"

static unsigned long long ull(qy_addr_t addr)
{
	return addr;
}

void qy__memblock_log(const struct qy_memblock *mb, const char *fmt, ...)
{
	char text[160];
	struct qy__buf buf = QY__BUF(text);
	va_list ap;

	if (!mb->ops || !mb->ops->log)
		return;
	va_start(ap, fmt);
	qy__vfmt(&buf, fmt, ap);
	va_end(ap);
	mb->ops->log(mb->ctx, text);
}

void qy__memblock_trace(const struct qy_memblock *mb, const char *what, qy_addr_t base,
			qy_addr_t size)
{
	if (unlikely(mb->debug))
		qy__memblock_log(mb, "%s: [" ADDR "-" ADDR "]", what, ull(base),
				 ull(base + size - 1));
}

static void dump_regions(struct qy__buf *buf, const struct qy_memblock_type *type)
{
	qy__fmt(buf, " %s.cnt  = 0x%lx\n", type->name, (unsigned long)type->cnt);
	for (uint32_t i = 0; i < type->cnt; i++) {
		const struct qy_memblock_region *r = &type->regions[i];

		qy__fmt(buf, " %s[0x%x]\t[" ADDR "-" ADDR "], " ADDR " bytes", type->name, i,
			ull(r->base), ull(qy__region_end(r) - 1), ull(r->size));
		if (r->nid != QY_NO_NODE)
			qy__fmt(buf, " on node %d", r->nid);
		qy__fmt(buf, " flags: 0x%x\n", r->flags);
	}
}

size_t qy_memblock_dump_all(const struct qy_memblock *mb, char *text, size_t size)
{
	struct qy__buf buf = {.p = text, .cap = size};

	qy__fmt(&buf, "MEMBLOCK configuration:\n");
	qy__fmt(&buf, " memory size = " ADDR " reserved size = " ADDR "\n",
		ull(mb->memory.total_size), ull(mb->reserved.total_size));
	dump_regions(&buf, &mb->memory);
	dump_regions(&buf, &mb->reserved);
	if (mb->physmem.cnt)
		dump_regions(&buf, &mb->physmem);
	return buf.len;
}

/* The first flag that is set, alone. */
static const char *flag_name(uint32_t flags)
{
	static const char *const name[] = {"HOTPLUG", "MIRROR",	  "NOMAP",	"DRV_MNG",
					   "RSV_NIT", "RSV_KERN", "KHO_SCRATCH"};

	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		if (flags >> i & 1)
			return name[i];
	return flags ? "UNKNOWN" : "NONE";
}

size_t qy_memblock_dump_type(const struct qy_memblock_type *type, char *text, size_t size)
{
	struct qy__buf buf = {.p = text, .cap = size};

	if (size)
		text[0] = '\0'; /* there may be no region */
	for (uint32_t i = 0; i < type->cnt; i++) {
		const struct qy_memblock_region *r = &type->regions[i];

		qy__fmt(&buf, "%4u: " ADDR ".." ADDR " ", i, ull(r->base),
			ull(qy__region_end(r) - 1));
		if (r->nid != QY_NO_NODE)
			qy__fmt(&buf, "%4d ", r->nid);
		else
			qy__fmt(&buf, "%4c ", 'x');
		qy__fmt(&buf, "%s\n", flag_name(r->flags));
	}
	return buf.len;
}
