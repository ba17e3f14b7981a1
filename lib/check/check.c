/* SPDX-License-Identifier: MIT */
/*
 * check.c - what every walker uses: telling a violation, taking a lock that may be damaged.
 *
 * Locks: none of its own. A lock whose holder does not come back is waited for once; after that
 * nothing is waited for any more, so that a walk over many such locks ends in time.
 */
#include "check/check.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "util/cpu_relax.h"
#include "util/fmt.h"
#include "util/sys.h"

/* Longer than any holder of a lock works, also on a machine that has no time for it. */
#define LOCK_PATIENCE_NS UINT64_C(10000000000)
#define LOCK_SPINS 200
#define LOCK_WORD_MAX 2 /* see util/lock.h */

void qy__violation(struct qy__check *ck, const char *id, const char *fmt, ...)
{
	struct qy_violation *v;
	struct qy__buf buf;
	va_list ap;

	if (!ck->result || ck->nr >= QY_CHECK_MAX) {
		ck->nr++;
		return;
	}
	v = &ck->result->v[ck->nr++];
	qy__snprintf(v->id, sizeof(v->id), "%s", id);
	buf = QY__BUF(v->text);
	va_start(ap, fmt);
	qy__vfmt(&buf, fmt, ap);
	va_end(ap);
}

/* The patient half: the holder may be off its processor. */
static bool wait_for_lock(struct qy__lock *lock)
{
	const struct timespec nap = {.tv_sec = 0, .tv_nsec = 50000};
	uint64_t deadline = qy__osif_monotonic() + LOCK_PATIENCE_NS;
	bool taken = false;

	while (qy__load_relaxed(&lock->word) <= LOCK_WORD_MAX && !(taken = qy__trylock(lock)) &&
	       qy__osif_monotonic() < deadline)
		qy__sys2(SYS_nanosleep, &nap, 0);
	return taken;
}

bool qy__check_lock(struct qy__check *ck, struct qy__lock *lock, const char *what)
{
	uint32_t word = qy__load_relaxed(&lock->word);
	bool taken;

	if (qy__is_image(ck->mm))
		return qy__holds(ck, word <= LOCK_WORD_MAX, "LK", "%.31s: lock word is %x", what,
				 word);
	taken = qy__trylock(lock);
	for (int i = 0; !taken && i < LOCK_SPINS && qy__load_relaxed(&lock->word) <= LOCK_WORD_MAX;
	     i++) {
		qy__cpu_relax();
		taken = qy__trylock(lock);
	}
	/* Where the CPU is set by hand there is one caller at a time, and nobody to wait for. */
	if (!taken && !ck->in_vain && !qy__check_alone(ck)) {
		taken = wait_for_lock(lock);
		ck->in_vain = !taken;
	}
	return qy__holds(ck, taken, "LK", "%.31s: lock word is %x, and stays so", what,
			 qy__load_relaxed(&lock->word));
}

void qy__check_unlock(const struct qy__check *ck, struct qy__lock *lock)
{
	if (!qy__is_image(ck->mm))
		qy__unlock(lock);
}

const uint8_t *qy__check_bytes(const void *p, uint8_t value, size_t len)
{
	const uint8_t *at = p, *end = at + len;
	uint64_t pattern = value * UINT64_C(0x0101010101010101), word;

	for (; (size_t)(end - at) >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		if (word != pattern)
			break;
	}
	for (; at < end; at++)
		if (*at != value)
			return at;
	return NULL;
}

uint32_t qy__check_block_pages(const struct qy__check *ck, uint32_t pfn)
{
	const struct qy_page *page = qy__check_page(ck, pfn);

	if (page->type != QY__PAGE_BUDDY && page->type != QY__PAGE_ALLOC &&
	    page->type != QY__PAGE_SLAB && page->type != QY__PAGE_LARGE)
		return 1;
	if (page->order > ck->mm->max_order || 1u << page->order > ck->end_pfn - pfn)
		return 1;
	return 1u << page->order;
}

const char *qy__check_zone_name(unsigned int z)
{
	static const char *const name[QY_NR_ZONES] = {"DMA", "DMA32", "Normal", "HighMem"};

	return name[z % QY_NR_ZONES];
}
