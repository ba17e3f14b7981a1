/* SPDX-License-Identifier: MIT */
/*
 * slabinfo.c - the caches as /proc/slabinfo, version 2.1, prints them; in order of creation.
 *
 * active_objs is what users hold: objects that wait in a sheaf or in quarantine are free. objsize
 * is the slot, with all metadata. The tunables are those of a flavour that has none: 0. Blanks in a
 * name would tear the columns apart: they become '_'.
 *
 * Locks: the registry, then one cache at a time.
 */
#include "info/info.h"

static void print_name(char *to, const char *name, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && name[i]; i++)
		to[i] = name[i] == ' ' || (name[i] >= '\t' && name[i] <= '\r') ? '_' : name[i];
	to[i] = '\0';
}

static void print_cache(struct qy__buf *buf, struct qy__check *ck, struct qy_cache *c)
{
	struct qy_cache_info info;
	char name[sizeof(info.name)];
	unsigned int pages;

	qy__snapshot_cache(ck, c, &info);
	print_name(name, info.name, sizeof(name));
	pages = info.order <= ck->mm->max_order ? 1u << info.order : 0;
	qy__fmt(buf, "%-17s %6zu %6zu %6u %4u %4u", name, info.live_objects, info.total_objects,
		info.slot_size, info.objs_per_slab, pages);
	qy__fmt(buf, " : tunables %4u %4u %4u", 0u, 0u, 0u);
	qy__fmt(buf, " : slabdata %6zu %6zu %6u\n", info.nr_slabs, info.nr_slabs, 0u);
}

size_t qy_slabinfo(struct qy_mm *mm, char *text, size_t size)
{
	struct qy__buf buf = qy__text(text, size);
	struct qy__cache_walk w;
	struct qy__check ck;
	struct qy_cache *c;

	if (!qy__snapshot_begin(&ck, mm))
		return 0;
	qy__fmt(&buf, "slabinfo - version: 2.1\n");
	qy__fmt(&buf,
		"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		" : tunables <limit> <batchcount> <sharedfactor>"
		" : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	if (!qy__snapshot_caches(&w, &ck))
		return buf.len;
	while ((c = qy__cache_walk_next(&w)) != NULL)
		print_cache(&buf, &ck, c);
	qy__cache_walk_end(&w);
	return buf.len;
}
