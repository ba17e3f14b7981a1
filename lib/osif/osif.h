/* SPDX-License-Identifier: MIT */
/*
 * osif.h - where memory and time come from: the only floor that talks to the operating system.
 *
 * A span of addresses is chosen once; parts of it are committed (usable, zero) and discarded
 * (contents lost, address space kept). Mappings of their own serve vmalloc. Three back ends:
 * anonymous memory that is reserved as a whole, or only claimed; a caller's buffer.
 */
#ifndef QY_OSIF_H
#define QY_OSIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <quarry/page.h>

struct qy__osif;

struct qy__osif_ops {
	/*
	 * Make [addr, addr+len) usable and zero (page borders). 0 / -ENOMEM; -EEXIST: a claimed
	 * span, and somebody else has a mapping there.
	 */
	int (*commit)(struct qy__osif *os, void *addr, size_t len);
	/* The contents may be dropped: it reads as zero or as before. Return: bytes given back. */
	size_t (*discard)(struct qy__osif *os, void *addr, size_t len);
	/*
	 * A mapping of its own: @len usable bytes at a multiple of @align, with @guard inaccessible
	 * bytes on both sides. NULL when there is none.
	 */
	void *(*map)(struct qy__osif *os, size_t len, size_t align, size_t guard);
	void (*unmap)(struct qy__osif *os, void *addr, size_t len, size_t guard);
	/*
	 * The contents of a mapping go to the start of another, at least as long one; the first is
	 * gone as by unmap. false: not possible, nothing happened.
	 */
	bool (*move)(struct qy__osif *os, void *to, void *from, size_t len, size_t guard);
	/* Keep the addresses but let no access pass (freed mappings in quarantine). */
	void (*protect)(struct qy__osif *os, void *addr, size_t len);
	/*
	 * Let no access pass (@on false), or again; the contents stay. An arena lets every access
	 * pass. 0 / -ENOMEM: the system keeps no more borders, nothing changed.
	 */
	int (*access)(struct qy__osif *os, void *addr, size_t len, bool on);
	/* Give the whole span back. */
	void (*release)(struct qy__osif *os);
};

/* By number: nothing in an instance points into the library. */
enum qy__back_end {
	QY__OSIF_ANON,
	QY__OSIF_CLAIM,
	QY__OSIF_ARENA,
	QY__OSIF_TEST, /* a test's own operations, in a slot of the table that is empty */
	QY__NR_OSIF
};
extern const struct qy__osif_ops *qy__osif_back_end[QY__NR_OSIF];

/* Runs of a claimed span that are mapped: the books' and, between the holes, the pages'. */
#define QY__OSIF_RUNS 32

struct qy__osif {
	enum qy__back_end back_end;
	void *base;  /* of the span, page aligned */
	size_t size; /* bytes, multiple of the page size */
	struct qy_clock clock;
	unsigned int nr_runs;
	struct qy__osif_run {
		uintptr_t start, end;
	} run[QY__OSIF_RUNS]; /* CLAIM; in no order, none touches another */
};

static inline const struct qy__osif_ops *qy__osif_ops(const struct qy__osif *os)
{
	return qy__osif_back_end[os->back_end];
}

/*
 * Anonymous memory: reserve @size bytes, halving down to @least when the system refuses (address
 * space limit). Aligned to @align. 0 / -ENOMEM.
 */
int qy__osif_anon(struct qy__osif *os, size_t size, size_t least, size_t align);
/*
 * Anonymous memory without a reservation: @size bytes of address space where nobody maps anything,
 * most likely; what is committed is found to be free, or not, then. It costs nothing of an address
 * space limit or of a limit of locked memory. @attempt: 0, 1, …: other places, as long as
 * there are any. 0 / -ENOMEM: no more.
 */
int qy__osif_claim(struct qy__osif *os, size_t size, size_t align, unsigned int attempt);
/* A caller's buffer: rounded inwards to page borders. 0 / -ENOMEM if no page is left. */
int qy__osif_arena(struct qy__osif *os, void *base, size_t size);

/* ---- the machine (osif_machine.c) ---- */

/*
 * A barrier on every CPU that runs a thread of this process: what the others wrote before it is
 * seen after it. init: false: the system has no such thing. barrier: only after init said true.
 */
bool qy__osif_barrier_init(void);
void qy__osif_barrier(void);
/* Let another thread run. */
void qy__osif_yield(void);
/* CPUs that can run at once, at least 1. */
unsigned int qy__osif_online_cpus(void);
/*
 * The machine's memory nodes. Return: their number, at least 1 and at most @max; @distance gets
 * that many rows of as many.
 */
unsigned int qy__osif_nodes(uint8_t *distance, unsigned int max);
/* The node of the CPU the caller runs on, 0 if that is not known. */
unsigned int qy__osif_this_node(void);
/* Prefer @node for the pages of [addr, addr+len); no matter if the system refuses. */
void qy__osif_bind(void *addr, size_t len, unsigned int node);

/* Nanoseconds of the instance's clock. */
uint64_t qy__osif_now(const struct qy__osif *os);
/* Nanoseconds of the system's monotonic clock (osif_clock.c). */
uint64_t qy__osif_monotonic(void);
/*
 * Kernel thread id of the caller. A child of vfork() may be given its parent's (osif_tid.c).
 */
int qy__osif_tid(void);

#endif
