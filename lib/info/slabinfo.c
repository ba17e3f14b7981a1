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
#include <quarry/info.h>

#include "slab/slab.h"
#include "util/fmt.h"

static void print_name(char *to, const char *name, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && name[i]; i++)
		to[i] = name[i] == ' ' || (name[i] >= '\t' && name[i] <= '\r') ? '_' : name[i];
	to[i] = '\0';
}

static void print_cache(struct qy__buf *buf, struct qy_cache *c)
{
	struct qy_cache_info info;
	char name[sizeof(info.name)];

	qy_cache_info(c, &info);
	print_name(name, info.name, sizeof(name));
	qy__fmt(buf, "%-17s %6zu %6zu %6u %4u %4u", name, info.live_objects, info.total_objects,
		info.slot_size, info.objs_per_slab, 1u << info.order);
	qy__fmt(buf, " : tunables %4u %4u %4u", 0u, 0u, 0u);
	qy__fmt(buf, " : slabdata %6zu %6zu %6u\n", info.nr_slabs, info.nr_slabs, 0u);
}

size_t qy_slabinfo(struct qy_mm *mm, char *text, size_t size)
{
	struct qy__buf buf = {.p = text, .cap = size};

	qy__fmt(&buf, "slabinfo - version: 2.1\n");
	qy__fmt(&buf,
		"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		" : tunables <limit> <batchcount> <sharedfactor>"
		" : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	qy__lock(&mm->slab->lock);
	for (struct qy_cache *c = mm->slab->first; c; c = c->next)
		print_cache(&buf, c);
	qy__unlock(&mm->slab->lock);
	return buf.len;
}
