/* SPDX-License-Identifier: MIT */
/*
 * object_check.c - findings about one object or slab: what is damaged, and how it was repaired.
 *
 * Context: c->lock is held. Stacks were taken before that; only the depot is read here.
 */
#include "debug/debug.h"

/* Each at most once: left zone, right zone, padding of the alignment, body, end, padding. */
#define NR_REGIONS 6

static void report_damage(struct qy_cache *c, struct qy_page *slab, const void *object,
			  const struct qy__damage *d, const char *then, const struct qy__call *call)
{
	struct qy_report r;

	qy__report_init(&r, c->mm, d->kind, c->name);
	qy__debug_describe(&r, c, slab, object, call);
	qy__report_title(&r, "%s overwritten", d->what);
	r.damage = d->start;
	r.damage_len = (size_t)(d->end - d->start);
	r.damage_offset = (const char *)d->start - (const char *)(object ? object : r.slab);
	r.expected = d->expected;
	r.found = *d->start;
	qy__report_fix(&r, "Restoring %s 0x%lx-0x%lx=0x%x%s%s", d->what,
		       (unsigned long)(uintptr_t)d->start, (unsigned long)(uintptr_t)(d->end - 1),
		       d->fill, then ? "; " : "", then ? then : "");
	qy__report_emit(&r);
}

/* @index: of the object; the number of objects: behind the last one. */
static bool is_overrun(struct qy_cache *c, struct qy_page *slab, unsigned int index,
		       const struct qy__damage *d, const char *then, const struct qy__call *call)
{
	const struct qy__overrun from = {.mm = c->mm, .c = c, .slab = slab, .index = index};

	return c->layout.record && qy__debug_overrun(&from, d, then, call);
}

unsigned int qy__debug_check_object(struct qy_cache *c, struct qy_page *slab, void *object,
				    bool live, const char *then, const struct qy__call *call)
{
	unsigned int n, index = (unsigned int)qy__slab_index(c, slab, object);
	struct qy__damage d;

	for (n = 0; n < NR_REGIONS && qy__debug_find_damage(c, object, live, &d); n++) {
		if (is_overrun(c, slab, index, &d, then, call))
			continue;
		report_damage(c, slab, object, &d, then, call);
		qy__debug_repair(&d);
	}
	return n;
}

/* Objects of a slab that is not of the usual order. */
static unsigned int least_objects(const struct qy_cache *c, const struct qy_page *slab)
{
	return (unsigned int)min((QY_PAGE_SIZE << slab->order) / c->layout.slot,
				 (size_t)QY__MAX_OBJS_PER_SLAB);
}

/*
 * How many objects there are follows from the order; how many are in use is at most that. Both are
 * put right.
 */
static unsigned int check_counters(struct qy_cache *c, struct qy_page *slab,
				   const struct qy__call *call)
{
	unsigned int most = slab->order == c->order ? c->objs_per_slab : least_objects(c, slab);
	bool wrong_number = slab->slab.objects != most;
	struct qy_report r;

	if (!wrong_number && slab->slab.inuse <= most)
		return 0;
	qy__report_init(&r, c->mm, QY_REPORT_METADATA, c->name);
	qy__debug_describe(&r, c, slab, NULL, call);
	if (slab->slab.objects > most)
		qy__report_title(&r, "objects %u > max %u", slab->slab.objects, most);
	else if (wrong_number)
		qy__report_title(&r, "Wrong number of objects. Found %u but should be %u",
				 slab->slab.objects, most);
	else
		qy__report_title(&r, "inuse %u > max %u", slab->slab.inuse, most);
	qy__report_fix(&r, wrong_number ? "Number of objects adjusted" : "Object count adjusted");
	qy__report_emit(&r);
	slab->slab.objects = (uint16_t)most;
	slab->slab.inuse = (uint16_t)min((unsigned int)slab->slab.inuse, most);
	qy__slab_ops(c)->recount_locked(c);
	return 1;
}

unsigned int qy__debug_check_slab(struct qy_cache *c, struct qy_page *slab, const char *then,
				  const struct qy__call *call)
{
	unsigned int n = check_counters(c, slab, call);
	struct qy__damage d;

	if (qy__debug_find_slab_damage(c, slab, &d)) {
		n++;
		if (is_overrun(c, slab, slab->slab.objects, &d, then, call))
			return n;
		report_damage(c, slab, NULL, &d, then, call);
		qy__debug_repair(&d);
	}
	return n;
}
