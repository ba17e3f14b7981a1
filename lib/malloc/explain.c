/* SPDX-License-Identifier: MIT */
/*
 * explain.c - why an access to memory ended the program, as far as the heap knows.
 *
 *   the address lies in an area (vmalloc), a freed one, or its guards   → which, at what offset
 *   … in pages that are free (debug_pagealloc)                          → that
 *   the address is made of a filling (0x6b: freed, or never written;
 *     0xcc, 0xbb: red zone), because a pointer was read from there      → from which object
 *
 * For the last the registers are searched, then the top of the stack, for a pointer to an object
 * that holds such a filling; failing that, the object that this thread freed last is named as what
 * it is, a guess. An address that has nothing to do with the heap is not spoken of.
 *
 * Runs in a signal handler: takes no lock that it might wait for, and its faults are caught by who
 * calls it.
 */
#include <signal.h>
#include <string.h>

#include "malloc/malloc_internal.h"
#include "util/backtrace.h"
#include "util/context.h"
#include "util/libunwind_fix.h"
#include "vmalloc/vmap_area.h"

#define STACK_WORDS 160u /* searched, from a little below the stack pointer on */
#define BELOW_WORDS 16u
#define WORD_ALIGN (~(uintptr_t)(sizeof(uintptr_t) - 1))

struct crash {
	struct qy_mm *mm;
	uintptr_t addr; /* 0: not known */
	bool known;
	struct qy__context at;
	struct qy_stack here;
	uintptr_t pc[QY_STACK_MAX];
};

/* The byte of the filling that @v is made of, but for the offset of a field; 0: none. */
static uint8_t filling_of(uintptr_t v)
{
	static const uint8_t fillings[] = {QY_POISON_FREE, QY_RED_ACTIVE, QY_RED_INACTIVE};

	for (size_t i = 0; i < ARRAY_SIZE(fillings); i++) {
		uintptr_t all = UINTPTR_MAX / 0xff * fillings[i];

		if (v >> 24 == all >> 24)
			return fillings[i];
	}
	/* The word at an object's end. */
	if (v >> 56 == QY_POISON_END &&
	    (v << 8) >> 32 == (uint32_t)(UINT32_MAX / 0xff * QY_POISON_FREE))
		return QY_POISON_FREE;
	return 0;
}

/* The pointer that was followed: the address itself or, where that is not told, a register. */
static uintptr_t followed(const struct crash *c, uint8_t *filling)
{
	*filling = filling_of(c->addr);
	if (c->known || *filling)
		return c->addr;
	for (unsigned int i = 0; i < c->at.nr_regs; i++) {
		*filling = filling_of(c->at.reg[i]);
		if (*filling)
			return c->at.reg[i];
	}
	return 0;
}

/* Does the object that @p points into hold, or border on, such a filling? */
static bool holds(const struct crash *c, uintptr_t p, uint8_t filling, struct qy__place *at)
{
	const uint8_t *byte;
	size_t size;
	bool live;

	*at = qy__locate(c->mm, (void *)p);
	if (at->kind != QY__PLACE_SLAB || !at->object || !at->cache ||
	    !qy__cache_is_debug(at->cache))
		return false;
	live = qy__debug_is_live(c->mm, at->object);
	if (filling != QY_POISON_FREE)
		return live == (filling == QY_RED_ACTIVE);
	if (!live)
		return true;
	byte = (const uint8_t *)at->object;
	size = qy__debug_object_size(at->cache, at->object);
	for (size_t i = 0; i + sizeof(uintptr_t) <= size; i += sizeof(uintptr_t))
		if (byte[i] == filling && !memcmp(byte + i, byte + i + 1, sizeof(uintptr_t) - 1))
			return true;
	return false;
}

static bool find_by_registers(const struct crash *c, uint8_t filling, struct qy__place *at)
{
	for (unsigned int i = 0; i < c->at.nr_regs; i++)
		if (holds(c, c->at.reg[i], filling, at))
			return true;
	return false;
}

static bool find_by_stack(const struct crash *c, uint8_t filling, struct qy__place *at)
{
	const uintptr_t *word = (const uintptr_t *)(c->at.sp & WORD_ALIGN) - BELOW_WORDS;

	for (unsigned int i = 0; c->at.sp && i < STACK_WORDS; i++, word++)
		if (qy__is_readable((uintptr_t)word) && holds(c, *word, filling, at))
			return true;
	return false;
}

static bool find_by_thread(const struct crash *c, uint8_t filling, struct qy__place *at)
{
	void *object = filling == QY_POISON_FREE ? qy__quarantine_newest(c->mm) : NULL;
	struct qy_stack freed;

	if (!object || !holds(c, (uintptr_t)object, filling, at))
		return false;
	qy__debug_get_track(at->cache, at->object, QY__TRACK_FREE, &freed);
	return freed.tid == c->here.tid;
}

static const char *source_of(const struct crash *c, uint8_t filling, const struct qy__place *at)
{
	bool live = qy__debug_is_live(c->mm, at->object);

	if (filling != QY_POISON_FREE)
		return live ? "was read outside of a" : "was read beside a freed";
	return live ? "was never written in a" : "was read from a freed";
}

static void tell_filling(const struct crash *c, uintptr_t pointer, uint8_t filling)
{
	struct qy__place at = {.object = NULL};
	bool guess = false, found;
	struct qy_report r;

	found = find_by_registers(c, filling, &at) || find_by_stack(c, filling, &at);
	if (!found)
		found = guess = find_by_thread(c, filling, &at);
	qy__report_init(&r, c->mm,
			filling == QY_RED_ACTIVE ? QY_REPORT_OVERFLOW : QY_REPORT_USE_AFTER_FREE,
			found ? at.cache->name : "malloc");
	if (found) {
		qy__debug_describe(&r, at.cache, at.head, at.object, NULL);
		qy__report_title(&r, "Pointer 0x%lx followed: it %s %zu-byte object%s",
				 (unsigned long)pointer, source_of(c, filling, &at), r.object_size,
				 guess ? " (perhaps this one, freed last)" : "");
	} else {
		qy__report_title(
			&r, "Pointer 0x%lx followed: it was read from %s", (unsigned long)pointer,
			filling == QY_POISON_FREE ? "freed or never written memory" : "a red zone");
	}
	r.here = c->here;
	qy__report_emit(&r);
}

/* With debug_pagealloc free pages let no access pass. */
static bool tell_free_pages(const struct crash *c)
{
	struct qy__place at = qy__locate(c->mm, (void *)c->addr);
	struct qy_report r;

	if (at.kind != QY__PLACE_UNUSED)
		return false;
	qy__report_init(&r, c->mm, QY_REPORT_USE_AFTER_FREE, "page");
	qy__report_title(&r, "0x%lx %s: in free pages", (unsigned long)c->addr, c->at.access);
	r.object = (const void *)c->addr;
	r.here = c->here;
	qy__report_emit(&r);
	return true;
}

void qy__crash_explain(struct qy_mm *mm, int sig, const void *arg, void *context)
{
	const siginfo_t *info = arg;
	static struct crash c; /* one thread at most gets here */
	uintptr_t pointer;
	uint8_t filling;

	if (info->si_code <= 0 || qy__is_locked(&mm->report.lock))
		return;
	c.mm = mm;
	c.known = sig == SIGBUS || info->si_code != SI_KERNEL;
	c.addr = c.known ? (uintptr_t)info->si_addr : 0;
	qy__context_read(&c.at, context);
	c.here.nr = qy__backtrace_of(c.pc, QY_STACK_MAX, context);
	c.here.pc = c.pc;
	c.here.tid = qy__osif_tid();
	if (c.known && c.here.nr &&
	    (qy__vmap_explain(mm, (const char *)c.addr, c.at.access, &c.here) ||
	     tell_free_pages(&c)))
		return;
	pointer = followed(&c, &filling);
	if (filling)
		tell_filling(&c, pointer, filling);
}
