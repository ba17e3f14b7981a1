/* SPDX-License-Identifier: MIT */
/*
 * slab_state.h - a model of a cache with a handful of slabs, independent of the library: where each
 * object is and what is asked next.
 *
 * A slab has a number (its page), an object another one. Lists and sheaves are arrays of numbers,
 * in the order in which the library would use them. The rules:
 *
 *   refill  from the first partial slab on; a new slab only for the first object of a batch; a slab
 *           without free objects leaves the list (debug caches: for the full list)
 *   flush   to the front of the slab's own list; a slab that was full joins the partial list at its
 *           end; an empty one goes if the list already holds min_partial
 *   sheaf   a stack; refilled by half, so that the first object comes out first; when full, the
 *           older half is flushed
 */
#ifndef TESTS_MODEL_SLAB_STATE_H
#define TESTS_MODEL_SLAB_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SLABS 3	  /* at most */
#define OBJECTS 3 /* per slab, at most */
#define CPUS 2
#define SHEAF 4 /* capacity */
#define NONE 0xff

struct slab_rules {
	unsigned int slabs, objects; /* pages there are, objects in each */
	unsigned int min_partial;
	bool debug; /* slabs without free objects are on a list, too */
};

/* Unused elements are 0. */
struct slab_state {
	struct {
		uint8_t exists, nr_free, free[OBJECTS]; /* indices, the next one first */
	} slab[SLABS];
	uint8_t nr_partial, partial[SLABS];
	uint8_t nr_full, full[SLABS];
	struct {
		uint8_t nr, object[SHEAF]; /* slab * OBJECTS + index; the next one last */
	} sheaf[CPUS];
};

static inline void list_cut(uint8_t *nr, uint8_t *list, unsigned int slab)
{
	unsigned int to = 0;

	for (unsigned int i = 0; i < *nr; i++)
		if (list[i] != slab)
			list[to++] = list[i];
	for (unsigned int i = to; i < *nr; i++)
		list[i] = 0;
	*nr = (uint8_t)to;
}

static inline void list_push(uint8_t *nr, uint8_t *list, unsigned int slab, bool first)
{
	if (first) {
		memmove(list + 1, list, *nr);
		list[0] = (uint8_t)slab;
	} else {
		list[*nr] = (uint8_t)slab;
	}
	++*nr;
}

/* @pages: in which order the pages that are no slabs become some. */
static inline bool model_new_slab(struct slab_state *s, const struct slab_rules *r,
				  const uint8_t pages[SLABS])
{
	unsigned int fresh = NONE;

	for (unsigned int i = 0; i < r->slabs && fresh == NONE; i++)
		if (!s->slab[pages[i]].exists)
			fresh = pages[i];
	if (fresh == NONE)
		return false;
	s->slab[fresh].exists = 1;
	s->slab[fresh].nr_free = (uint8_t)r->objects;
	for (unsigned int i = 0; i < r->objects; i++)
		s->slab[fresh].free[i] = (uint8_t)i;
	list_push(&s->nr_partial, s->partial, fresh, false);
	return true;
}

static inline unsigned int model_refill(struct slab_state *s, const struct slab_rules *r,
					const uint8_t pages[SLABS], uint8_t *objects,
					unsigned int n)
{
	unsigned int got = 0;

	while (got < n) {
		unsigned int slab;

		if (!s->nr_partial && (got || !model_new_slab(s, r, pages)))
			break;
		slab = s->partial[0];
		objects[got++] = (uint8_t)(slab * OBJECTS + s->slab[slab].free[0]);
		memmove(s->slab[slab].free, s->slab[slab].free + 1, OBJECTS - 1);
		s->slab[slab].free[OBJECTS - 1] = 0;
		if (--s->slab[slab].nr_free)
			continue;
		list_cut(&s->nr_partial, s->partial, slab);
		if (r->debug)
			list_push(&s->nr_full, s->full, slab, true);
	}
	return got;
}

static inline void model_drop_slab(struct slab_state *s, unsigned int slab)
{
	list_cut(&s->nr_partial, s->partial, slab);
	memset(&s->slab[slab], 0, sizeof(s->slab[slab]));
}

static inline void model_flush(struct slab_state *s, const struct slab_rules *r,
			       const uint8_t *objects, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		unsigned int slab = objects[i] / OBJECTS;
		unsigned int partial = s->nr_partial;

		memmove(s->slab[slab].free + 1, s->slab[slab].free, OBJECTS - 1);
		s->slab[slab].free[0] = objects[i] % OBJECTS;
		if (!s->slab[slab].nr_free++) {
			list_cut(&s->nr_full, s->full, slab);
			list_push(&s->nr_partial, s->partial, slab, false);
		}
		if (s->slab[slab].nr_free == r->objects && partial >= r->min_partial)
			model_drop_slab(s, slab);
	}
}

/* Give up the empty slabs; of the others the fullest come first, else they stay in order. */
static inline void model_shrink(struct slab_state *s, const struct slab_rules *r)
{
	struct slab_state old = *s;

	memset(s->partial, 0, sizeof(s->partial));
	s->nr_partial = 0;
	for (unsigned int nr_free = 1; nr_free <= r->objects; nr_free++) {
		for (unsigned int i = 0; i < old.nr_partial; i++) {
			unsigned int slab = old.partial[i];

			if (old.slab[slab].nr_free != nr_free)
				continue;
			if (nr_free == r->objects)
				model_drop_slab(s, slab);
			else
				list_push(&s->nr_partial, s->partial, slab, false);
		}
	}
}

/* ---- a CPU's sheaf ---- */

static inline unsigned int model_pop(struct slab_state *s, unsigned int cpu)
{
	unsigned int object = s->sheaf[cpu].object[--s->sheaf[cpu].nr];

	s->sheaf[cpu].object[s->sheaf[cpu].nr] = 0;
	return object;
}

/* The object that is handed out, or NONE. */
static inline unsigned int model_sheaf_alloc(struct slab_state *s, const struct slab_rules *r,
					     const uint8_t pages[SLABS], unsigned int cpu)
{
	uint8_t batch[SHEAF];
	unsigned int n;

	if (s->sheaf[cpu].nr)
		return model_pop(s, cpu);
	n = model_refill(s, r, pages, batch, (SHEAF + 1) / 2);
	if (!n)
		return NONE;
	s->sheaf[cpu].nr = (uint8_t)n;
	for (unsigned int i = 0; i < n; i++)
		s->sheaf[cpu].object[i] = batch[n - 1 - i];
	return model_pop(s, cpu);
}

/* All but the @keep that came last. */
static inline void model_sheaf_flush(struct slab_state *s, const struct slab_rules *r,
				     unsigned int cpu, unsigned int keep)
{
	uint8_t old[SHEAF];
	unsigned int n = s->sheaf[cpu].nr - keep;

	memcpy(old, s->sheaf[cpu].object, SHEAF);
	memset(&s->sheaf[cpu], 0, sizeof(s->sheaf[cpu]));
	memcpy(s->sheaf[cpu].object, old + n, keep);
	s->sheaf[cpu].nr = (uint8_t)keep;
	model_flush(s, r, old, n);
}

static inline void model_sheaf_free(struct slab_state *s, const struct slab_rules *r,
				    unsigned int cpu, unsigned int object)
{
	if (s->sheaf[cpu].nr == SHEAF)
		model_sheaf_flush(s, r, cpu, SHEAF / 2);
	s->sheaf[cpu].object[s->sheaf[cpu].nr++] = (uint8_t)object;
}

/* ---- what follows from a state ---- */

/* A bit per object in use: in a slab, and neither free there nor in a sheaf. */
static inline uint32_t live_objects(const struct slab_state *s, const struct slab_rules *r)
{
	uint32_t live = 0;

	for (unsigned int i = 0; i < r->slabs; i++) {
		if (s->slab[i].exists)
			live |= ((1u << r->objects) - 1) << i * OBJECTS;
		for (unsigned int k = 0; k < s->slab[i].nr_free; k++)
			live &= ~(1u << (i * OBJECTS + s->slab[i].free[k]));
	}
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		for (unsigned int k = 0; k < s->sheaf[cpu].nr; k++)
			live &= ~(1u << s->sheaf[cpu].object[k]);
	return live;
}

/* Number the slabs by where they are met: partial list, full list, sheaves, the rest. */
static inline unsigned int name_slabs(const struct slab_state *s, uint8_t name[SLABS])
{
	unsigned int nr = 0, slab;

	memset(name, NONE, SLABS);
	for (unsigned int i = 0; i < s->nr_partial; i++)
		name[s->partial[i]] = (uint8_t)nr++;
	for (unsigned int i = 0; i < s->nr_full; i++)
		name[s->full[i]] = (uint8_t)nr++;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		for (unsigned int i = 0; i < s->sheaf[cpu].nr; i++) {
			slab = s->sheaf[cpu].object[i] / OBJECTS;
			if (name[slab] == NONE)
				name[slab] = (uint8_t)nr++;
		}
	}
	for (slab = 0; slab < SLABS; slab++)
		if (s->slab[slab].exists && name[slab] == NONE)
			name[slab] = (uint8_t)nr++;
	return nr;
}

/*
 * Equal for states that differ in nothing but which page is which slab: 2 bits for how many slabs
 * there are, 8 for each one's free objects, 19 for each sheaf.
 */
static inline uint64_t slab_key(const struct slab_state *s)
{
	uint8_t name[SLABS];
	uint64_t key = name_slabs(s, name);

	for (unsigned int i = 0; i < SLABS; i++) {
		uint64_t part = s->slab[i].nr_free;

		for (unsigned int k = 0; k < OBJECTS; k++)
			part |= (uint64_t)s->slab[i].free[k] << (2 + 2 * k);
		if (s->slab[i].exists)
			key |= part << (2 + 8 * name[i]);
	}
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		uint64_t part = s->sheaf[cpu].nr;

		for (unsigned int k = 0; k < s->sheaf[cpu].nr; k++) {
			unsigned int object = s->sheaf[cpu].object[k];

			part |= (uint64_t)(name[object / OBJECTS] * 4u + object % OBJECTS)
				<< (3 + 4 * k);
		}
		key |= part << (26 + 19 * cpu);
	}
	return key;
}

/* ---- how many there are, without sheaves ---- */

/* Ways to put at least one and at most @most of the objects of a slab in order. */
static inline uint64_t orders_of(unsigned int objects, unsigned int most)
{
	uint64_t n = 0, ways = 1;

	for (unsigned int k = 1; k <= most; k++) {
		ways *= objects - k + 1;
		n += ways;
	}
	return n;
}

/*
 * Any number of slabs that can be had; some of them in any order on the partial list, each with its
 * free objects in any order. Empty ones are among them as min_partial allows: none (0 or 1: an
 * empty slab finds itself on the list), one at the head (2: it was alone when it emptied), or any
 * (more than there are slabs).
 */
static inline uint64_t count_states(const struct slab_rules *r)
{
	uint64_t any = orders_of(r->objects, r->objects);
	uint64_t used = orders_of(r->objects, r->objects - 1), n = 0;

	for (unsigned int slabs = 0; slabs <= r->slabs; slabs++) {
		uint64_t ways = 1;

		for (unsigned int partial = 0; partial <= slabs; partial++) {
			n += ways;
			if (partial == 0)
				ways *= r->min_partial >= 2 ? any : used;
			else
				ways *= r->min_partial > r->slabs ? any : used;
		}
	}
	return n;
}

#endif
