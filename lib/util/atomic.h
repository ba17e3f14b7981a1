/* SPDX-License-Identifier: MIT */
/* atomic.h - the compiler's atomics under short names; T is any integer or pointer type. */
#ifndef QY_UTIL_ATOMIC_H
#define QY_UTIL_ATOMIC_H

#define qy__load_relaxed(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define qy__load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define qy__store_relaxed(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define qy__store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define qy__fetch_add(p, v) __atomic_fetch_add(p, v, __ATOMIC_RELAXED)
#define qy__fetch_sub(p, v) __atomic_fetch_sub(p, v, __ATOMIC_RELAXED)
#define qy__xchg_acquire(p, v) __atomic_exchange_n(p, v, __ATOMIC_ACQUIRE)
#define qy__xchg_release(p, v) __atomic_exchange_n(p, v, __ATOMIC_RELEASE)
#define qy__cas_acquire(p, old, new)                                                               \
	__atomic_compare_exchange_n(p, old, new, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define qy__cas_acq_rel(p, old, new)                                                               \
	__atomic_compare_exchange_n(p, old, new, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

#endif
