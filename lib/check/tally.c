/* SPDX-License-Identifier: MIT */
/*
 * tally.c - the caches of a batch, found by the reference that their slabs carry.
 *
 *   slab.cache → hash → index[] → tally[]     open addressing: 64 tallies at most, 256 places
 */
#include "check/check_slab.h"

#include <string.h>

static unsigned int ref_hash(uint32_t ref)
{
	return ref * UINT32_C(2654435761) >> 24;
}

uint32_t qy__check_cache_ref(const struct qy__check *ck, const struct qy_cache *c)
{
	return (uint32_t)(((uintptr_t)c - (uintptr_t)ck->mm->base) / QY__CACHE_ALIGN);
}

void qy__tally_clear(struct qy__slab_walk *w)
{
	w->nr = 0;
	memset(w->index, 0, sizeof(w->index));
}

void qy__tally_add(struct qy__slab_walk *w, struct qy_cache *c)
{
	struct qy__tally *t = &w->tally[w->nr++];
	unsigned int at;

	memset(t, 0, sizeof(*t));
	t->c = c;
	t->ref = qy__check_cache_ref(w->ck, c);
	at = ref_hash(t->ref);
	while (w->index[at])
		at = (at + 1) % ARRAY_SIZE(w->index);
	w->index[at] = (uint8_t)w->nr;
}

struct qy__tally *qy__tally_find(struct qy__slab_walk *w, uint32_t ref)
{
	unsigned int at = ref_hash(ref), n;

	/* Fewer tallies than places: an empty one ends the search. */
	while ((n = w->index[at]) != 0) {
		if (w->tally[n - 1].ref == ref)
			return &w->tally[n - 1];
		at = (at + 1) % ARRAY_SIZE(w->index);
	}
	return NULL;
}

uint64_t qy__count_live_bits(const struct qy__check *ck, uint32_t pfn, uint32_t pages)
{
	const uint64_t *word = ck->live + (size_t)(pfn - ck->min_pfn) * (QY_PAGE_SIZE / 512);
	uint64_t n = 0;

	for (size_t i = 0; i < pages * (QY_PAGE_SIZE / 512); i++)
		if (unlikely(word[i]))
			n += (unsigned int)__builtin_popcountll(word[i]);
	return n;
}
