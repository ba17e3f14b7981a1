/* SPDX-License-Identifier: MIT */
/*
 * osif_tid.c - the kernel's number of the calling thread, asked for once per thread.
 *
 * Each thread keeps its number with the generation of the process it belongs to. The generation
 * lies in a page that the kernel clears in a child (MADV_WIPEONFORK, Linux 4.14), however it was
 * forked: there the next caller begins a new one, and what was kept before counts no more. Without
 * such a page nothing is kept.
 *
 * A child of vfork() has its parent's memory, thread-local memory included. It keeps nothing (its
 * process number is not the one in the page), but takes a number that its parent's thread kept for
 * its own until it executes a program.
 */
#include "osif/osif_internal.h"

#include <sys/mman.h>

#include "util/atomic.h"
#include "util/compiler.h"
#include "util/sys.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

struct process {
	uint32_t generation; /* 0: the page was cleared */
	int32_t pid;
};

static struct process *process; /* in a page of its own */
static struct process refused;	/* its generation stays 0 */
static uint32_t generations;	/* of this process and those that it was forked from */

static __thread struct {
	uint32_t generation;
	int tid;
} kept __attribute__((tls_model("initial-exec")));

/* Several threads may come at once: one page stays. */
static struct process *make_process(void)
{
	size_t size = qy__osif_page_size();
	struct process *none = NULL, *p = &refused;
	long at = qy__osif_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	if (!qy__sys_failed(at)) {
		p = (struct process *)at;
		if (qy__osif_madvise(p, size, MADV_WIPEONFORK)) {
			qy__osif_munmap(p, size);
			p = &refused;
		}
	}
	if (qy__cas_acq_rel(&process, &none, p))
		return p;
	if (p != &refused)
		qy__osif_munmap(p, size);
	return none;
}

static QY_COLD int tid_slow(struct process *p)
{
	int tid = (int)qy__sys0(SYS_gettid), pid = (int)qy__sys0(SYS_getpid);
	uint32_t none = 0, generation;

	if (!p)
		p = make_process();
	if (p == &refused)
		return tid;
	if (!qy__load_acquire(&p->generation)) {
		qy__store_relaxed(&p->pid, pid);
		qy__cas_acq_rel(&p->generation, &none, qy__fetch_add(&generations, 1) + 1);
	}
	generation = qy__load_acquire(&p->generation);
	if (qy__load_relaxed(&p->pid) != pid)
		return tid;
	kept.tid = tid;
	qy__barrier(); /* a signal handler may come between */
	kept.generation = generation;
	return tid;
}

int qy__osif_tid(void)
{
	struct process *p = qy__load_acquire(&process);
	uint32_t generation = p ? qy__load_relaxed(&p->generation) : 0;

	if (likely(generation && kept.generation == generation))
		return kept.tid;
	return tid_slow(p);
}
