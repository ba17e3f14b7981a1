/* SPDX-License-Identifier: MIT */
/*
 * vmap_area.h - areas: mappings of their own, each with a record that is found by address.
 *
 *   guard | red zone | object (what was asked for) | slack = red zone | guard
 *         ^ start    ^ start + offset                                  ^ start + len
 *
 * The red zones exist in debug instances only. States of an area:
 *   LIVE   in the tree, counted in nr_live
 *   DEAD   freed, no access passes, in the tree and at the end of the queue of dead areas: a second
 *          free can be named, a stale access traps. The oldest go when there are too many.
 *   IDLE   freed in an instance without debugging, out of the tree, open: the next request of about
 *          its size gets it
 * Records come from the cache "vmap_area"; they are never found through the user's memory.
 *
 * Lock: vmap_state->lock protects the tree, the queue, every record in them, and that what a record
 * names stays mapped. It is taken after any zone lock and before the report lock: nothing is
 * allocated under it.
 */
#ifndef QY_VMALLOC_VMAP_AREA_H
#define QY_VMALLOC_VMAP_AREA_H

#include <quarry/vmalloc.h>

#include "debug/debug.h"
#include "kmalloc/kmalloc.h"

#define QY__VMAP_GUARD QY_PAGE_SIZE
#define QY__VMAP_MAX_DEAD 64u
#define QY__VMAP_MAX_DEAD_BYTES ((size_t)4 << 30)
#define QY__VMAP_MAX_IDLE 8u
#define QY__VMAP_MAX_IDLE_BYTES ((size_t)32 << 20)

struct qy__vmap_area {
	char *start;
	size_t len;    /* bytes mapped, without the guards */
	size_t offset; /* of the object; above 0: there is a left red zone */
	size_t size;   /* bytes asked for */
	size_t align;
	uint8_t family;
	bool dead;
	bool red_zone; /* [start, object) and [object + size, start + len) are filled */
	struct qy__vmap_area *left, *right; /* tree by start, heap by priority */
	struct qy__vmap_area *next;	    /* queue of the dead; chain of those to be unmapped */
	struct qy__track alloc, free;
};

struct qy__vmap_state {
	struct qy__lock lock;
	bool paged; /* a page block stood in for an area: vfree takes page addresses */
	struct qy__vmap_area *root;
	struct qy__vmap_area *dead_first, *dead_last;
	size_t nr_live, live_bytes;
	size_t nr_dead, dead_bytes, dead_limit;
	struct qy__vmap_area *idle; /* newest first */
	size_t nr_idle, idle_bytes, idle_limit;
	struct qy_cache *cache;
};

/* ---- vmap_area.c ---- */

/* While the instance boots; 0 / -ENOMEM. */
int qy__vmap_init(struct qy_mm *mm);
/* Unmap every area; records go with the instance's pages. */
void qy__vmap_release(struct qy_mm *mm);
void qy__vmap_lock_all(struct qy_mm *mm);
void qy__vmap_unlock_all(struct qy_mm *mm);

/*
 * At least @len bytes at a multiple of @align with their record, not yet in the tree; NULL: no
 * memory. It reads as zero, unless it was an idle one (*@used, where @used is not NULL; else none
 * is taken).
 */
struct qy__vmap_area *qy__vmap_create(struct qy_mm *mm, size_t len, size_t align, bool *used);
/*
 * The mapping of @from, which is in no tree, goes to the start of @to; the record of @from is
 * freed.
 */
bool qy__vmap_move(struct qy_mm *mm, struct qy__vmap_area *to, struct qy__vmap_area *from);
/* Unmap what is idle. Return: bytes. */
size_t qy__vmap_purge(struct qy_mm *mm);
/* Unmap a chain of areas that are in no tree (linked by next), and free the records. */
void qy__vmap_reap(struct qy_mm *mm, struct qy__vmap_area *chain);

void qy__vmap_insert_locked(struct qy__vmap_state *v, struct qy__vmap_area *a);
void qy__vmap_erase_locked(struct qy__vmap_state *v, struct qy__vmap_area *a);
/* The area, live or dead, that holds @addr, guards excluded; NULL: none. O(log n). */
struct qy__vmap_area *qy__vmap_find_locked(const struct qy__vmap_state *v, const void *addr);
/* The lowest area that starts at or above @addr; for walks. */
struct qy__vmap_area *qy__vmap_ceiling_locked(const struct qy__vmap_state *v, const void *addr);
/* A live area becomes idle; those it displaces are returned as a chain. */
struct qy__vmap_area *qy__vmap_idle_locked(struct qy__vmap_state *v, struct qy__vmap_area *a);
/* A live area dies: it stays, closed, and the chain of those it displaces is returned. */
struct qy__vmap_area *qy__vmap_bury_locked(struct qy_mm *mm, struct qy__vmap_area *a);

static inline char *qy__vmap_object(const struct qy__vmap_area *a)
{
	return a->start + a->offset;
}

/* ---- vmalloc.c: for the floors above; see slab/call.h ---- */

void *qy__vmalloc_call(struct qy_mm *mm, struct qy__call *call, qy_gfp_t gfp);
/* 0; -EINVAL after a report, nothing freed. */
int qy__vfree_call(struct qy_mm *mm, void *p, struct qy__call *call);
/* Bytes asked for in debug instances, else what may be used; 0 after a report. */
size_t qy__vsize_call(struct qy_mm *mm, const void *p, struct qy__call *call);
/* In a live area? */
bool qy__is_vmap_addr(struct qy_mm *mm, const void *p);

/* kmalloc, else vmalloc. Which of the two a pointer came from is told by its address. */
void *qy__kvmalloc_call(struct qy_mm *mm, struct qy__call *call, qy_gfp_t gfp);
int qy__kvfree_call(struct qy_mm *mm, void *p, struct qy__call *call);
/* @call->size > 0. NULL: no memory, or @p is not live (reported); @p is as before. */
void *qy__kvrealloc_call(struct qy_mm *mm, void *p, struct qy__call *call, qy_gfp_t gfp);
size_t qy__kvsize_call(struct qy_mm *mm, const void *p, struct qy__call *call);

/* ---- vmap_debug.c ---- */

/* The debug letters that hold for areas: those of a cache named "vmalloc". */
qy_slab_flags_t qy__vmap_flags(const struct qy_mm *mm);
/*
 * Is @p the start of live @a? If not: reported, with @dead as the kind when @a was freed already.
 * Another family, size or alignment is reported too, but the call goes on.
 */
bool qy__vmap_acceptable_locked(struct qy_mm *mm, struct qy__vmap_area *a, const void *p,
				const struct qy__call *call, enum qy_report_kind dead);
void qy__vmap_fill_red_zones(struct qy_mm *mm, struct qy__vmap_area *a);
/* Report and repair what was written into @a's red zones. Return: number of reports. */
unsigned int qy__vmap_check_red_zones_locked(struct qy_mm *mm, struct qy__vmap_area *a,
					     const struct qy__call *call);
void qy__vmap_track(struct qy__track *t, const struct qy__call *call);
/*
 * Why the access to @addr, by the instruction @here starts with, ended the program: told if @addr
 * belongs to an area, its guards included. false: it does not, or the lock is held.
 */
bool qy__vmap_explain(struct qy_mm *mm, const char *addr, const char *verb,
		      const struct qy_stack *here);
/* As qy__debug_look(). */
unsigned int qy__vmap_look(struct qy_mm *mm, struct qy__look *look);
/* Check the red zones of every live area. Return: number of reports. */
unsigned int qy__vmap_validate(struct qy_mm *mm);

#endif
