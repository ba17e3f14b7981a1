/* SPDX-License-Identifier: MIT */
/*
 * check_all.c - the public call: the books first, then what is asked for.
 *
 * The checker stands on the roof: it reads everything and writes nothing but lock words, which it
 * puts back. It is for tests, fuzzers and a person with a broken heap; so it must stand whatever it
 * finds.
 *
 * Ids are those of the list of invariants; three more name what lies before or beside them:
 *   MM  the instance's own head contradicts itself
 *   LK  a lock word is damaged, or its holder never came back
 *   CM  a contiguous-memory area and its bitmap
 *
 * Locks: grow_lock, the CPUs' page lists and one zone at a time; then the cache registry and up to
 * QY__TALLIES caches; then the areas.
 */
#include "check/check.h"

static bool check_pages(struct qy__check *ck, unsigned int what)
{
	if (!qy__check_books_lock(ck))
		return false;
	if (what & QY_CHECK_EARLY)
		qy__check_early_locked(ck);
	if (what & (QY_CHECK_BUDDY | QY_CHECK_ZONE | QY_CHECK_CONTENTS))
		qy__check_zones_locked(ck);
	qy__check_books_unlock(ck);
	return true;
}

unsigned int qy_check(struct qy_mm *mm, unsigned int what, struct qy_check_result *result)
{
	struct qy__check ck = {.mm = mm, .what = what};

	if (result && result->struct_size >= sizeof(*result)) {
		ck.result = result;
		for (unsigned int i = 0; i < QY_CHECK_MAX; i++)
			result->v[i].id[0] = result->v[i].text[0] = '\0';
	}
	if (qy__holds(&ck, mm != NULL, "MM", "no instance") && check_pages(&ck, what)) {
		if (what & QY_CHECK_BUDDY)
			qy__check_owner(&ck);
		if (what & QY_CHECK_SLAB)
			qy__check_slab(&ck);
		if (what & QY_CHECK_VMAP)
			qy__check_vmap(&ck);
	}
	if (ck.result) {
		result->nr = ck.nr;
		result->assertions = ck.tests;
	}
	return ck.nr;
}
