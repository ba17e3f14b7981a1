/* SPDX-License-Identifier: MIT */
/*
 * quarry/debug.h - reports: what was found, how it is told, and what happens next.
 *
 * Three steps: a finding becomes a struct qy_report; a replaceable sink tells it; the policy
 * decides whether the program goes on. None of the three allocates memory.
 */
#ifndef QUARRY_DEBUG_H
#define QUARRY_DEBUG_H

#include <quarry/types.h>

QY_BEGIN_DECLS

/*
 * The debug string: items parted by blanks or colons.
 *   slab_debug[=BLOCK[;BLOCK...]]  BLOCK = letters[,name[,name...]]; a name may end in '*'
 *       F consistency checks  Z red zones  P poison  U stacks  T trace  - none; alone: FZPU
 *       Without F what Z and P watch is compared by validation only, not at allocation and free.
 *       slub_debug is the same.
 *   quarantine=BYTES    freed objects kept back, poisoned, until so many wait (K, M, G; 0: off)
 *   red_zone=BYTES      least size of each red zone (8…4096). 8: the kernel's slots. More: what is
 *                       known of an object lies apart from all objects, and a long overflow is told
 *                       once, of the object that it came from
 *   policy=report|abort
 *   validate=N          check everything at every N-th allocation or free
 *   init_on_alloc       pages are zeroed when handed out
 *   init_on_free        … when given back; handed out as they are then (page_poison goes before)
 *   page_poison         0xaa when given back, verified when handed out
 *   debug_pagealloc     free pages trap (in an arena: nothing does)
 *   debug_guardpage_minorder=N  with debug_pagealloc: splits below this order leave guard pages
 *   page_owner          who took each page, who gave it back: qy_page_owner()
 *       these five switches also with =1, =on, =y and =0, =off, =n
 *   signals=off         the debug drop-in takes no last look when a signal ends the program
 *   report=PATH         the malloc drop-ins append reports to this file ("%p" is the process id)
 *   channel=FD.INODE    … or send them over this descriptor, as long as it is the socket with that
 *                       inode; `quarry check` sets it
 *
 * In the debug drop-in, QUARRY_DEBUG changes what it names of "slab_debug=FZPU quarantine=16M
 * red_zone=64"; names in a block change their caches only.
 */

enum qy_policy {
	QY_POLICY_ABORT,  /* tell, then abort() */
	QY_POLICY_REPORT, /* tell, repair or retire the object, go on */
};

enum qy_report_kind {
	QY_REPORT_NONE,
	QY_REPORT_OVERFLOW,	  /* a right red zone was written */
	QY_REPORT_UNDERWRITE,	  /* a left red zone was written */
	QY_REPORT_USE_AFTER_FREE, /* a freed object was written; expected: the byte it had held */
	QY_REPORT_DOUBLE_FREE,
	QY_REPORT_INVALID_FREE,	   /* not the start of an object */
	QY_REPORT_FAMILY_MISMATCH, /* malloc/delete, new/free, new[]/delete … */
	QY_REPORT_SIZE_MISMATCH,   /* sized free with another size or alignment */
	QY_REPORT_WRONG_CACHE,	   /* object of another cache */
	QY_REPORT_PADDING,	   /* bytes nobody owns were written */
	QY_REPORT_FREELIST,	   /* free pointer or free list damaged */
	QY_REPORT_METADATA,	   /* counters of a slab contradict each other */
	QY_REPORT_LEAK,		   /* objects left when their cache was destroyed */
	QY_REPORT_BAD_PAGE_FREE,   /* a page block freed twice, in its middle, or not allocated */
	QY_REPORT_PAGE_ORDER,	   /* a page block freed with another order */
	QY_REPORT_BAD_REALLOC,	   /* realloc or usable size of something not live */
	QY_REPORT_NOMEM,	   /* an allocation failed (a message, not a bug) */
	QY_REPORT_TRACE,	   /* a line of SLAB_TRACE */
	QY_NR_REPORT_KINDS
};

/**
 * qy_report_kind_name - "heap-overflow", "use-after-free-write", … (stable, for machines).
 * Return: a constant string; "unknown" for what is no kind. Context: anywhere, a sink too.
 */
QY_API const char *qy_report_kind_name(enum qy_report_kind kind);

/* Families of allocation functions, for mismatch reports. */
enum qy_family {
	QY_FAMILY_NONE, /* kernel-style API: never compared */
	QY_FAMILY_MALLOC,
	QY_FAMILY_NEW,
	QY_FAMILY_NEW_ARRAY,
	QY_NR_FAMILIES
};

#define QY_STACK_MAX 24 /* frames kept per stack */

/** struct qy_stack - who did it; nr == 0: not known. */
struct qy_stack {
	unsigned int nr;
	unsigned int cpu;
	int tid;	     /* thread id */
	uint64_t when;	     /* nanoseconds of the instance's clock */
	bool damaged;	     /* the record was overwritten */
	const uintptr_t *pc; /* return addresses, innermost first */
};

/** struct qy_report - one finding. Valid during the sink's call only. */
struct qy_report {
	size_t struct_size;
	enum qy_report_kind kind;
	struct qy_mm *mm;
	const char *cache; /* name, or "page", "kmalloc-large", "vmalloc" */
	char title[256];   /* as SLUB words it */
	/* start of the object; if there is none, the pointer that was given */
	const void *object;
	size_t object_size; /* bytes asked for where known, else the cache's */
	const void *slab;   /* start of the slab or page block, or NULL */
	unsigned int slab_objects, slab_inuse;
	const void *freepointer;
	qy_slab_flags_t flags;
	const void *damage; /* first damaged byte, or NULL */
	size_t damage_len;  /* from first to last damaged byte */
	/* of the first damaged byte (or bad pointer), from the object's start */
	ptrdiff_t damage_offset;
	uint8_t expected, found; /* at the first damaged byte */
	/* what was repaired: "Restoring Right Redzone 0x…-0x…=0xcc"; NOMEM: how many went untold */
	char fix[96];
	enum qy_family family_alloc, family_free;
	struct qy_stack alloc, free, here;
	const uint8_t *left, *right, *padding; /* bytes to dump beside the object, or NULL */
	size_t left_len, right_len, padding_len, object_dump_len;
	uint64_t when;
	uint64_t hash; /* equal for findings of one origin: kind + stacks' frames */
	uint64_t seq;  /* 1, 2, 3 … per instance */
	bool foreign;  /* @object is a pointer to memory that the instance never had */
	/* the damage runs from @object's over so many objects behind it, and is one report */
	size_t victims;
	bool at_least; /* it may have gone on in a live object, whose bytes nobody knows */
};

/**
 * struct qy_report_sink - takes findings.
 * @fn: called by the thread that found it, one report at a time, with locks of the instance held:
 * of
 *      this header's functions only qy_report_text(), qy_report_kind_name() and
 *      qy_build_debug_letters() may be called, and no other call on the instance.
 * @ctx: handed through.
 */
struct qy_report_sink {
	void (*fn)(const struct qy_report *report, void *ctx);
	void *ctx;
};

/**
 * qy_mm_set_sink - later findings go to @sink; sink.fn == NULL: text on standard error.
 * qy_mm_set_policy - what comes after a finding from now on. NOMEM and TRACE are no bugs: the
 * program goes on under either policy.
 * Context: any thread, not a sink. Takes the report lock: a call of the old sink that is under way
 * has ended when this returns; policy: that call still follows the old one. Neither can fail.
 */
QY_API void qy_mm_set_sink(struct qy_mm *mm, struct qy_report_sink sink);
QY_API void qy_mm_set_policy(struct qy_mm *mm, enum qy_policy policy);

/**
 * qy_report_text - the report as SLUB words it, plus lines that say it in plain words, and a "QY"
 * line of key=value items for machines. The README explains it line by line.
 * @buf: @size bytes; may be NULL if @size is 0.
 * Return: length of the whole text; at most @size - 1 bytes of it are in @buf, always terminated.
 * Context: for sinks; @report is valid there only.
 */
QY_API size_t qy_report_text(const struct qy_report *report, char *buf, size_t size);

/** qy_mm_reports - findings since the start (NOMEM and TRACE not counted). Takes no lock. */
QY_API uint64_t qy_mm_reports(const struct qy_mm *mm);

/**
 * qy_debug_string_check - would qy_mm_create() take this debug string? A question to the build; no
 * instance is needed and no lock taken.
 * @where: set to the offset of the item that is not understood; untouched on success. May be NULL.
 * Return: 0, or -EINVAL: an item is unknown or malformed, or the string is too long (511 bytes).
 */
QY_API int qy_debug_string_check(const char *string, size_t *where);

/**
 * qy_build_debug_letters - letters this build knows, of "FZPU", a constant string; "" in the
 * release build.
 */
QY_API const char *qy_build_debug_letters(void);

QY_END_DECLS

#endif
