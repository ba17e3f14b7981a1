/* SPDX-License-Identifier: MIT */
/*
 * osif_map.c - mmap() and its kin, past whoever stands in for them (util/sys.h).
 *
 * But a sanitizer's runtime must hear of mappings: it clears what it remembers of an address. Its
 * own stand-ins allocate nothing of ours.
 */
#include "osif/osif_internal.h"

#include <sys/mman.h>

#include "util/sys.h"

extern void __tsan_init(void) __attribute__((weak));
extern void __msan_init(void) __attribute__((weak));
extern void __asan_init(void) __attribute__((weak));

bool qy__osif_is_sanitized(void)
{
	return &__tsan_init || &__msan_init || &__asan_init;
}

long qy__osif_mmap(void *addr, size_t len, int prot, int flags)
{
	int saved = errno;
	void *p;
	long ret;

	if (!qy__osif_is_sanitized())
		return qy__sys6(SYS_mmap, addr, len, prot, flags, -1, 0);
	p = mmap(addr, len, prot, flags, -1, 0);
	ret = p == MAP_FAILED ? -errno : (long)p;
	errno = saved;
	return ret;
}

int qy__osif_munmap(void *addr, size_t len)
{
	int saved = errno, ret;

	if (!qy__osif_is_sanitized())
		return (int)qy__sys2(SYS_munmap, addr, len);
	ret = munmap(addr, len) ? -errno : 0;
	errno = saved;
	return ret;
}

int qy__osif_mprotect(void *addr, size_t len, int prot)
{
	return (int)qy__sys3(SYS_mprotect, addr, len, prot);
}

/* To a fixed place, of the same size. */
int qy__osif_mremap(void *from, size_t len, void *to)
{
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED, saved = errno, ret = 0;
	long at;

	if (qy__osif_is_sanitized()) {
		if (mremap(from, len, len, flags, to) == MAP_FAILED)
			ret = -errno;
		errno = saved;
		return ret;
	}
	at = qy__sys6(SYS_mremap, from, len, len, flags, to, 0);
	return qy__sys_failed(at) ? (int)at : 0;
}

int qy__osif_madvise(void *addr, size_t len, int advice)
{
	return (int)qy__sys3(SYS_madvise, addr, len, advice);
}
