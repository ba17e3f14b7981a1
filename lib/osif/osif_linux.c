/* SPDX-License-Identifier: MIT */
/*
 * osif_linux.c - private anonymous memory from the kernel.
 *
 *   reserved (no access, not accounted) → committed (read, write; zero) ⇄ discarded (is zero)
 *
 * Memory that was never committed, or was discarded, is zero when it is committed: the kernel
 * clears it, at the first touch of each page. Mappings of their own (vmalloc) are accounted when
 * they are made, so that an absurd request fails here and not in the out-of-memory killer.
 */
#include "osif/osif_internal.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/align.h"
#include "util/compiler.h"

/* What mmap() aligns to at least; a page of ours may be larger than the system's. */
#define MMAP_ALIGN ((size_t)4096)

static void *reserve(size_t size, int flags)
{
	int saved = errno;
	void *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	errno = saved;
	return p == MAP_FAILED ? NULL : p;
}

static void give_back(char *addr, size_t len)
{
	int saved = errno;

	/*
	 * A hole in a mapping needs one mapping more, of which there may be none: then the pages
	 * alone.
	 */
	if (len && munmap(addr, len))
		madvise(addr, len, MADV_DONTNEED);
	errno = saved;
}

/*
 * [... slack ...][ head ][ size ][ tail ][... slack ...], with the border of head and size at a
 * multiple of @align. Return: the start of size, NULL without effect.
 */
static char *reserve_aligned(size_t head, size_t size, size_t tail, size_t align, int flags)
{
	size_t len, total, slack;
	uintptr_t start;
	char *p;

	align = max(align, QY_PAGE_SIZE);
	slack = align - MMAP_ALIGN;
	if (__builtin_add_overflow(head, size, &len) || __builtin_add_overflow(len, tail, &len) ||
	    __builtin_add_overflow(len, slack, &total))
		return NULL;
	p = reserve(total, flags);
	if (!p)
		return NULL;
	start = qy__align_up((uintptr_t)p + head, align) - head;
	slack = start - (uintptr_t)p;
	give_back(p, slack);
	give_back(p + slack + len, total - slack - len);
	return p + slack + head;
}

static int anon_commit(struct qy__osif *os, void *addr, size_t len)
{
	int saved = errno, ret = mprotect(addr, len, PROT_READ | PROT_WRITE) ? -ENOMEM : 0;

	(void)os;
	errno = saved;
	return ret;
}

static size_t anon_discard(struct qy__osif *os, void *addr, size_t len)
{
	int saved = errno;
	size_t given;

	(void)os;
	given = madvise(addr, len, MADV_DONTNEED) ? 0 : len; /* refused if it is locked in memory */
	errno = saved;
	return given;
}

static void *anon_map(struct qy__osif *os, size_t len, size_t align, size_t guard)
{
	char *p;

	if (!len || len > SIZE_MAX - QY_PAGE_MASK || guard > SIZE_MAX - QY_PAGE_MASK)
		return NULL;
	len = qy__align_up(len, QY_PAGE_SIZE);
	guard = qy__align_up(guard, QY_PAGE_SIZE);
	p = reserve_aligned(guard, len, guard, align, 0);
	if (!p)
		return NULL;
	if (anon_commit(os, p, len)) {
		give_back(p - guard, guard + len + guard);
		return NULL;
	}
	return p;
}

static void anon_unmap(struct qy__osif *os, void *addr, size_t len, size_t guard)
{
	(void)os;
	len = qy__align_up(len, QY_PAGE_SIZE);
	guard = qy__align_up(guard, QY_PAGE_SIZE);
	give_back((char *)addr - guard, guard + len + guard);
}

/*
 * Page tables change, no byte is copied. Afterwards the addresses between the guards may be
 * somebody else's already.
 */
static bool anon_move(struct qy__osif *os, void *to, void *from, size_t len, size_t guard)
{
	int saved = errno;
	void *p;

	(void)os;
	len = qy__align_up(len, QY_PAGE_SIZE);
	guard = qy__align_up(guard, QY_PAGE_SIZE);
	p = mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	errno = saved;
	if (p == MAP_FAILED)
		return false;
	give_back((char *)from - guard, guard);
	give_back((char *)from + len, guard);
	return true;
}

static void anon_protect(struct qy__osif *os, void *addr, size_t len)
{
	int saved = errno;

	len = qy__align_up(len, QY_PAGE_SIZE);
	mprotect(addr, len, PROT_NONE);
	anon_discard(os, addr, len);
	errno = saved;
}

static int anon_access(struct qy__osif *os, void *addr, size_t len, bool on)
{
	int saved = errno;
	int ret = mprotect(addr, len, on ? PROT_READ | PROT_WRITE : PROT_NONE) ? -ENOMEM : 0;

	(void)os;
	errno = saved;
	return ret;
}

static void anon_release(struct qy__osif *os)
{
	give_back(os->base, os->size);
}

const struct qy__osif_ops qy__osif_anon_ops = {
	.commit = anon_commit,
	.discard = anon_discard,
	.map = anon_map,
	.unmap = anon_unmap,
	.move = anon_move,
	.protect = anon_protect,
	.access = anon_access,
	.release = anon_release,
};

int qy__osif_anon(struct qy__osif *os, size_t size, size_t least, size_t align)
{
	char *base = NULL;

	/* A page of ours that is less than one of the machine's could not be protected alone. */
	if ((size_t)sysconf(_SC_PAGESIZE) > QY_PAGE_SIZE)
		return -ENOMEM;
	least = max(qy__align_up(least, QY_PAGE_SIZE), QY_PAGE_SIZE);
	for (size = qy__align_down(size, QY_PAGE_SIZE); size >= least;
	     size = qy__align_down(size / 2, QY_PAGE_SIZE)) {
		base = reserve_aligned(0, size, 0, align, MAP_NORESERVE);
		if (base)
			break;
	}
	if (!base)
		return -ENOMEM;
	os->back_end = QY__OSIF_ANON;
	os->base = base;
	os->size = size;
	return 0;
}
