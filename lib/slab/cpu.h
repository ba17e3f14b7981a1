/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - the only way to the sheaf of the calling CPU: pop and push, one object each.
 *
 * A thread may be on another CPU at the next instruction where the provider is not `thread` or
 * `manual`; so nobody keeps a sheaf: what is refilled or flushed goes through an array of its own.
 */
#ifndef QY_SLAB_CPU_H
#define QY_SLAB_CPU_H

#include "slab/slab.h"

/* The calling CPU, as an index of c->sheaf[]: QY__NO_CPU and QY__CPU_UNSET have entries, too. */
static QY_ALWAYS_INLINE unsigned int qy__cache_cpu(const struct qy_cache *c)
{
	return unlikely(c->provider == QY_CPU_MANUAL) ? c->mm->cpus.current : qy__thread_cpu;
}

/* NULL: it is empty, or there is none. */
static QY_ALWAYS_INLINE void *qy__cache_pop(const struct qy_cache *c)
{
	return qy__sheaf_pop(c->sheaf[qy__cache_cpu(c)]);
}

/* false: it is full, or there is none. */
static QY_ALWAYS_INLINE bool qy__cache_push(const struct qy_cache *c, void *object)
{
	return qy__sheaf_push(c->sheaf[qy__cache_cpu(c)], object);
}

/* The same for a caller who knows that the provider is `thread`. */
static QY_ALWAYS_INLINE void *qy__cache_pop_thread(const struct qy_cache *c)
{
	return qy__sheaf_pop(c->sheaf[qy__thread_cpu]);
}

static QY_ALWAYS_INLINE bool qy__cache_push_thread(const struct qy_cache *c, void *object)
{
	return qy__sheaf_push(c->sheaf[qy__thread_cpu], object);
}

#endif
