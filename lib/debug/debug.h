/* SPDX-License-Identifier: MIT */
/*
 * debug.h - the one door from slab/, kmalloc/, vmalloc/ and the top floor to debugging: hooks, and
 * stubs where it is built out.
 *
 *   options.c     the debug string                 layout.c   where everything in a slot is
 *   object.c      fill, compare, repair one object  slab_debug.c  the locked path of debug caches
 *   poison.c      what freed bytes hold             object_check.c  what is damaged is told
 *   track.c       who allocated, who freed          quarantine.c  freed objects kept back
 *   overrun.c     damage over many objects          object_report.c  what is said of one
 *   free.c        the way out, from the top         large_block.c  a large block as block.c's view
 *   block.c       one block with one object         validate.c    everything, on demand
 *   large.c       such blocks of kmalloc's
 *   claim.c       released as it was asked for?      state.c   start, fork()
 */
#ifndef QY_DEBUG_DEBUG_H
#define QY_DEBUG_DEBUG_H

#include <quarry/debug.h>

#include "debug/block.h"
#include "debug/poison.h"
#include "kmalloc/locate.h"
#include "page/page_list.h"
#include "page/page_report.h"
#include "slab/slab.h"
#include "util/stackdepot.h"

/* Flags this build knows. */
#define QY__DEBUG_MASK                                                                             \
	((QY_CONFIG_DEBUG && QY_CONFIG_SLAB_CONSISTENCY_CHECKS ? QY_SLAB_CONSISTENCY_CHECKS        \
							       : 0u) |                             \
	 (QY_CONFIG_DEBUG && QY_CONFIG_SLAB_RED_ZONE ? QY_SLAB_RED_ZONE : 0u) |                    \
	 (QY_CONFIG_DEBUG && QY_CONFIG_SLAB_POISON ? QY_SLAB_POISON : 0u) |                        \
	 (QY_CONFIG_DEBUG && QY_CONFIG_SLAB_STORE_USER ? QY_SLAB_STORE_USER : 0u) |                \
	 (QY_CONFIG_DEBUG ? QY_SLAB_TRACE : 0u))

/* Is @flag set, and compiled in? Folds to 0 where it is not. */
static inline bool qy__debug_has(qy_slab_flags_t flags, qy_slab_flags_t flag)
{
	return (flags & flag & QY__DEBUG_MASK) != 0;
}

/* ---- layout.c (every build) ---- */

/*
 * Lay out a slot. @red_zone: least bytes of a red zone, 8 is the kernel's layout.
 * 0, or -EINVAL when the slot would not fit 32 bits.
 */
int qy__layout_object(struct qy__layout *l, size_t object_size, size_t align, qy_slab_flags_t flags,
		      bool has_ctor, unsigned int red_zone);
/* The kernel's red zones, and the least that can be asked for. */
#define QY__LEAST_RED_ZONE 8u
/* A left red zone is as long as the alignment; with more than this it can be done without. */
#define QY__MAX_LEFT_ALIGN ((size_t)64 << 10)
/* Least bytes of a large block's red zones. */
static inline size_t qy__large_red_zone(unsigned int red_zone)
{
	return max((size_t)red_zone, (size_t)64);
}

/*
 * A large debug block: bytes in all, and where in it the object lies, with or without a left zone.
 * Metadata is in the tail descriptors.
 */
struct qy__large_layout {
	size_t offset, total;
};
void qy__layout_large(struct qy__large_layout *l, size_t size, size_t align, unsigned int red_zone,
		      bool left);

/* ---- options.c ---- */

#define QY__DEBUG_BLOCKS 16
struct qy__debug_config {
	qy_slab_flags_t global; /* letters without names */
	unsigned int nr_blocks;
	struct {
		qy_slab_flags_t flags;
		uint16_t names, names_len; /* in text[] */
	} block[QY__DEBUG_BLOCKS];
	size_t quarantine; /* bytes */
	unsigned int red_zone;
	unsigned int validate_every;
	int policy;			/* -1: not said */
	unsigned int page_on, page_off; /* QY_PAGE_* that the string turns on, off */
	int guardpage_minorder;		/* -1: not said */
	bool no_signals;		/* malloc drop-in: none is watched */
	char report_path[256];
	int channel_fd; /* -1: not said */
	uint64_t channel_inode;
	char text[512];
};
/*
 * 0, or -EINVAL: an item is unknown or malformed (*@bad: where). Letters unknown to the build are
 * skipped.
 */
int qy__debug_parse(struct qy__debug_config *cfg, const char *string, const char **bad);
/*
 * The flags a cache gets: @flags with the string's added; debug letters not compiled in are
 * dropped.
 */
qy_slab_flags_t qy__debug_cache_flags(const struct qy__debug_config *cfg, const char *name,
				      qy_slab_flags_t flags);

/*
 * Parse the configuration's string into mm->debug (allocated here), before the hand-over. 0 /
 * -EINVAL / -ENOMEM.
 */
int qy__debug_config_init(struct qy_mm *mm, const struct qy_mm_config *cfg);

/* ---- state.c ---- */

int qy__debug_init(struct qy_mm *mm, const struct qy_mm_config *cfg); /* before the hand-over */
/* fork(): before the page floor's locks … */
void qy__debug_lock_all(struct qy_mm *mm);
void qy__debug_unlock_all(struct qy_mm *mm);
/* … and after them. */
void qy__depot_lock_all(struct qy_mm *mm);
void qy__depot_unlock_all(struct qy_mm *mm);

/* ---- bad_pointer.c ---- */

/*
 * Any kind of wrong pointer at free, realloc or usable size: finds out what it points into,
 * reports.
 */
void qy__debug_bad_pointer(struct qy_mm *mm, enum qy_report_kind kind, const void *p,
			   const struct qy__call *call);

/* ---- the rest exists in the debug build only ---- */

struct qy__quarantine {
	struct qy__lock lock;
	size_t bytes, limit; /* bytes: changed under the lock, read without */
	uint64_t count;
	struct qy__page_list pages; /* of entries; oldest first */
	uint32_t head_pos, tail_pos;
};

struct qy__debug_state {
	struct qy__debug_config config;
	struct qy__stackdepot depot;
	struct qy__quarantine quarantine;
	struct qy__lock large_lock;	   /* `live` of large blocks */
	uint64_t calls;			   /* for validate=N */
	uint64_t poison_seed, poison_high; /* poison.c */
};

/* A damaged run of bytes in a slot that nobody may write. */
struct qy__damage {
	enum qy_report_kind kind;
	const char *what; /* "Left Redzone", … */
	uint8_t *start, *end;
	uint8_t expected; /* at start */
	uint8_t fill;	  /* what the region is restored with … */
	uint64_t word;	  /* … or, if not 0, this at each multiple of 8 */
	bool poison_end;  /* its last byte is the object's last: restored with 0xa5 */
};

/*
 * A look at the objects where not everything can be looked at, or waited for.
 */
struct qy__look {
	/* What need not be looked at says false; NULL: everything is looked at. */
	bool (*is_wanted)(void *arg, const void *start, size_t len);
	void *arg;
	size_t left;  /* bytes that may still be looked at */
	bool at_once; /* who looks may hold locks: what is locked is left out */
};

#if QY_CONFIG_DEBUG
/* claim.c: the kind of report that a release deserves, or QY_REPORT_NONE; what it says */
enum qy_report_kind qy__debug_mismatch(const struct qy__origin *o, const struct qy__call *call);
void qy__debug_mismatch_title(struct qy_report *r, const struct qy__origin *o,
			      const struct qy__call *call);

/* track.c */
/* stack, thread, time. No lock held. */
void qy__debug_call(struct qy_mm *mm, struct qy__call *call);
void qy__debug_clear_tracks(struct qy_cache *c, void *object);
void qy__debug_set_track(struct qy_cache *c, void *object, int which, const struct qy__call *call);
void qy__debug_get_track(const struct qy_cache *c, const void *object, int which,
			 struct qy_stack *stack);
void qy__debug_get_stack(struct qy_mm *mm, uint32_t handle, struct qy_stack *stack);

/* object.c: bytes of one object */
void qy__debug_fill_free(struct qy_cache *c, void *object);
void qy__debug_fill_live(struct qy_cache *c, void *object, const struct qy__origin *o);
/* The request of a live object changes in place: red zone behind it, poison in what it gains. */
void qy__debug_resize_bytes(struct qy_cache *c, void *object, size_t old,
			    const struct qy__origin *o);
/* First damaged region of an object in the given state, or false. Reads only. */
bool qy__debug_find_damage(const struct qy_cache *c, const void *object, bool live,
			   struct qy__damage *d);
/* Damage behind the last object of a slab. Reads only. */
bool qy__debug_find_slab_damage(const struct qy_cache *c, const struct qy_page *slab,
				struct qy__damage *d);
void qy__debug_repair(const struct qy__damage *d);
/* Damage of the body of a freed object, if such are poisoned. Reads only. */
bool qy__debug_find_poison(const struct qy_cache *c, const void *object, struct qy__damage *d);
/*
 * Bytes asked for, of a live object; the object's size where that is not tracked, or the word is
 * damaged.
 */
size_t qy__debug_object_size(const struct qy_cache *c, const void *object);
struct qy__origin qy__debug_object_origin(const struct qy_cache *c, const void *object);
bool qy__debug_is_live(const struct qy_mm *mm, const void *object); /* its start, exactly */
void qy__debug_set_live(struct qy_mm *mm, const void *object, bool live);

/* object_report.c: what is said of one object */
/* Who asks; @call may be NULL. */
void qy__debug_describe_call(struct qy_report *r, struct qy_mm *mm, const struct qy__call *call);
void qy__debug_describe(struct qy_report *r, struct qy_cache *c, struct qy_page *slab,
			const void *object, const struct qy__call *call);
void qy__debug_object_bug(struct qy_cache *c, struct qy_page *slab, void *object,
			  enum qy_report_kind kind, const char *title, const char *fix,
			  const struct qy__call *call);

/* overrun.c */
/* Where damage was found: by whoever holds @c's lock, or the large block. */
struct qy__overrun {
	struct qy_mm *mm;
	struct qy_cache *c; /* NULL: a large block */
	struct qy_page *slab;
	unsigned int index; /* of the object; slab.objects: behind the last one */
	struct qy_page *large;
	bool large_freed; /* it is not live */
	bool large_held;  /* large_lock is held */
};
/*
 * If the damage @d is part of a write that ran over borders of objects: report it once, of the
 * object that it came from, and repair it wherever it went. false: it is not.
 */
bool qy__debug_overrun(const struct qy__overrun *from, const struct qy__damage *d, const char *then,
		       const struct qy__call *call);

/* object_check.c: findings about one object */
/* Report and repair all damage of an object; the number of reports. @then: NULL, or what else. */
unsigned int qy__debug_check_object(struct qy_cache *c, struct qy_page *slab, void *object,
				    bool live, const char *then, const struct qy__call *call);
unsigned int qy__debug_check_slab(struct qy_cache *c, struct qy_page *slab, const char *then,
				  const struct qy__call *call);

/* free.c: the way out */

/* Free the object at @at, which ought to be one of @c's. 0; -EINVAL: not freed (reported). */
int qy__debug_free(struct qy_cache *c, const struct qy__place *at, void *object,
		   struct qy__call *call);
/* The same, for callers who have not looked yet. */
int qy__debug_cache_free(struct qy_cache *c, void *object, struct qy__call *call);
/* The same for a large block: @at is of kind LARGE. */
int qy__debug_large_free(struct qy_mm *mm, const struct qy__place *at, void *p,
			 struct qy__call *call);
/* oldest out of quarantine until at most so many bytes */
void qy__quarantine_reduce(struct qy_mm *mm, size_t limit);
/* all of this cache's objects */
void qy__quarantine_drop(struct qy_mm *mm, const struct qy_cache *c);

/* slab_debug.c: the debug path; takes and drops c->lock */

/*
 * The object at @at, which ought to be one of @c's, is live no more. 1; 0: but given up, it was
 * damaged; -EINVAL: nothing happened (reported). @call has its stack.
 */
int qy__slab_debug_end(struct qy_cache *c, const struct qy__place *at, void *object,
		       struct qy__call *call);
/* … and, unless it was damaged since, its slab's again. */
void qy__slab_debug_release(struct qy_cache *c, struct qy_page *slab, void *object);
/* krealloc in place: the request changes, red zones follow. -EINVAL: not live (reported). */
int qy__debug_resize(struct qy_cache *c, const struct qy__place *at, struct qy__call *call);
/* Is @at the start of a live object of @c? Reports if not. */
bool qy__debug_check_live(struct qy_cache *c, const struct qy__place *at, const void *p,
			  enum qy_report_kind kind, struct qy__call *call);
/* used by the flavour, c->lock held but for the first */
/* fill a new slab, before its objects */
void qy__debug_setup_slab(struct qy_cache *c, struct qy_page *slab);
/* false: reported, the slab is to be given up */
bool qy__debug_alloc_check_locked(struct qy_cache *c, struct qy_page *slab, void *object,
				  struct qy__call *call);
void qy__debug_alloc_done_locked(struct qy_cache *c, struct qy_page *slab, void *object,
				 const struct qy__call *call);

/* large.c: kmalloc blocks above the classes */
qy_slab_flags_t qy__debug_large_flags(const struct qy_mm *mm);
/* Bytes of a large block that are not the object's to have. */
size_t qy__debug_large_zones(const struct qy_mm *mm, const struct qy_page *head);
/* @align: at least; call->align is what was asked for. */
void *qy__debug_large_alloc(struct qy_mm *mm, size_t align, qy_gfp_t gfp, struct qy__call *call);
/* As qy__slab_debug_end(). */
int qy__debug_large_end(struct qy_mm *mm, struct qy_page *head, struct qy__call *call);
/* all but who asks */
void qy__debug_large_describe(struct qy_report *r, struct qy_mm *mm, struct qy_page *head);
int qy__debug_large_resize(struct qy_mm *mm, struct qy_page *head, struct qy__call *call);
void qy__debug_large_release(struct qy_mm *mm, struct qy_page *head);
/* large_block.c */
struct qy__block qy__debug_large_block(struct qy_mm *mm, const struct qy_page *head);
/* Damage of the body of a freed block. Reads only. */
bool qy__debug_large_find_poison(struct qy_mm *mm, struct qy_page *head, struct qy__damage *d);

/* Report and repair. The state is held: see validate.c. */
unsigned int qy__debug_large_check(struct qy_mm *mm, struct qy_page *head);

/* quarantine.c */
/* false: not kept, release it now */
bool qy__quarantine_put(struct qy_mm *mm, void *object, size_t bytes);
/* The oldest object, if more than @limit bytes are kept; else NULL. */
void *qy__quarantine_take(struct qy_mm *mm, size_t limit);
/* The one that was put in last, or NULL. Only looked at: no lock is taken. */
void *qy__quarantine_newest(const struct qy_mm *mm);
/* Up to @most objects of @c. Return: how many. */
unsigned int qy__quarantine_take_of(struct qy_mm *mm, const struct qy_cache *c, void **objects,
				    unsigned int most);

/* validate.c */
unsigned int qy__debug_validate_cache(struct qy_cache *c);
unsigned int qy__debug_validate(struct qy_mm *mm);
/* The lock, within reason; false: left out. */
bool qy__look_lock(const struct qy__look *look, struct qy__lock *lock);
/* Is there time for [start, start + len), and is it wanted? */
bool qy__look_at(struct qy__look *look, const void *start, size_t len);
unsigned int qy__debug_look(struct qy_mm *mm, struct qy__look *look);
void qy__debug_tick(struct qy_mm *mm);			 /* validate=N */
unsigned int qy__debug_report_leaks(struct qy_cache *c); /* at destroy; returns live objects */
#else
static inline enum qy_report_kind qy__debug_mismatch(const struct qy__origin *o,
						     const struct qy__call *call)
{
	(void)o, (void)call;
	return QY_REPORT_NONE;
}
static inline void qy__debug_mismatch_title(struct qy_report *r, const struct qy__origin *o,
					    const struct qy__call *call)
{
	(void)r, (void)o, (void)call;
}
static inline void qy__debug_call(struct qy_mm *mm, struct qy__call *call)
{
	(void)mm, (void)call;
}
static inline void qy__debug_fill_free(struct qy_cache *c, void *object)
{
	(void)c, (void)object;
}
static inline size_t qy__debug_object_size(const struct qy_cache *c, const void *object)
{
	(void)object;
	return c->layout.object_size;
}
static inline bool qy__debug_is_live(const struct qy_mm *mm, const void *object)
{
	(void)mm, (void)object;
	return true;
}
static inline void qy__debug_describe(struct qy_report *r, struct qy_cache *c, struct qy_page *slab,
				      const void *object, const struct qy__call *call)
{
	(void)r, (void)c, (void)slab, (void)object, (void)call;
}
static inline int qy__debug_free(struct qy_cache *c, const struct qy__place *at, void *object,
				 struct qy__call *call)
{
	(void)c, (void)at, (void)object, (void)call;
	return 0;
}
static inline int qy__debug_cache_free(struct qy_cache *c, void *object, struct qy__call *call)
{
	(void)c, (void)object, (void)call;
	return 0;
}
static inline int qy__debug_resize(struct qy_cache *c, const struct qy__place *at,
				   struct qy__call *call)
{
	(void)c, (void)at, (void)call;
	return 0;
}
static inline bool qy__debug_check_live(struct qy_cache *c, const struct qy__place *at,
					const void *p, enum qy_report_kind kind,
					struct qy__call *call)
{
	(void)c, (void)at, (void)p, (void)kind, (void)call;
	return true;
}
static inline void qy__debug_setup_slab(struct qy_cache *c, struct qy_page *slab)
{
	(void)c, (void)slab;
}
static inline bool qy__debug_alloc_check_locked(struct qy_cache *c, struct qy_page *slab,
						void *object, struct qy__call *call)
{
	(void)c, (void)slab, (void)object, (void)call;
	return true;
}
static inline void qy__debug_alloc_done_locked(struct qy_cache *c, struct qy_page *slab,
					       void *object, const struct qy__call *call)
{
	(void)c, (void)slab, (void)object, (void)call;
}
static inline qy_slab_flags_t qy__debug_large_flags(const struct qy_mm *mm)
{
	(void)mm;
	return 0;
}
static inline size_t qy__debug_large_zones(const struct qy_mm *mm, const struct qy_page *head)
{
	(void)mm, (void)head;
	return 0;
}
static inline void *qy__debug_large_alloc(struct qy_mm *mm, size_t align, qy_gfp_t gfp,
					  struct qy__call *call)
{
	(void)mm, (void)align, (void)gfp, (void)call;
	return NULL;
}
static inline void qy__debug_large_describe(struct qy_report *r, struct qy_mm *mm,
					    struct qy_page *head)
{
	(void)r, (void)mm, (void)head;
}
static inline int qy__debug_large_free(struct qy_mm *mm, const struct qy__place *at, void *p,
				       struct qy__call *call)
{
	(void)mm, (void)at, (void)p, (void)call;
	return 0;
}
static inline int qy__debug_large_resize(struct qy_mm *mm, struct qy_page *head,
					 struct qy__call *call)
{
	(void)mm, (void)head, (void)call;
	return 0;
}
static inline void qy__quarantine_reduce(struct qy_mm *mm, size_t limit)
{
	(void)mm, (void)limit;
}
static inline void qy__quarantine_drop(struct qy_mm *mm, const struct qy_cache *c)
{
	(void)mm, (void)c;
}
static inline unsigned int qy__debug_validate_cache(struct qy_cache *c)
{
	(void)c;
	return 0;
}
static inline unsigned int qy__debug_validate(struct qy_mm *mm)
{
	(void)mm;
	return 0;
}
static inline bool qy__look_lock(const struct qy__look *look, struct qy__lock *lock)
{
	(void)look, (void)lock;
	return false;
}
static inline bool qy__look_at(struct qy__look *look, const void *start, size_t len)
{
	(void)look, (void)start, (void)len;
	return false;
}
static inline unsigned int qy__debug_look(struct qy_mm *mm, struct qy__look *look)
{
	(void)mm, (void)look;
	return 0;
}
static inline void qy__debug_tick(struct qy_mm *mm)
{
	(void)mm;
}
static inline unsigned int qy__debug_report_leaks(struct qy_cache *c)
{
	(void)c;
	return 0;
}
#endif

#endif
