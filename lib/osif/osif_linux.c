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

#include "util/align.h"
#include "util/compiler.h"
#include "util/sys.h"

/* What mmap() aligns to at least; a page of ours may be larger than the system's. */
#define MMAP_ALIGN ((size_t)4096)
/* Guards above it are room to grow (page owners' records), and never accessible at first. */
#define MOST_GUARD ((size_t)1 << 20)

static void *map_anywhere(size_t size, int prot, int flags)
{
	long p = qy__osif_mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags);

	return qy__sys_failed(p) ? NULL : (void *)p;
}

static void give_back(char *addr, size_t len)
{
	/*
	 * A hole in a mapping needs one mapping more, of which there may be none: then the pages
	 * alone.
	 */
	if (len && qy__osif_munmap(addr, len))
		qy__osif_madvise(addr, len, MADV_DONTNEED);
}

/*
 * [... slack ...][ head ][ size ][ tail ][... slack ...], with the border of head and size at a
 * multiple of @align. Return: the start of size, NULL without effect.
 */
static char *map_aligned(size_t head, size_t size, size_t tail, size_t align, int prot, int flags)
{
	size_t len, total, slack;
	uintptr_t start;
	char *p;

	align = max(align, QY_PAGE_SIZE);
	slack = align - MMAP_ALIGN;
	if (__builtin_add_overflow(head, size, &len) || __builtin_add_overflow(len, tail, &len) ||
	    __builtin_add_overflow(len, slack, &total))
		return NULL;
	p = map_anywhere(total, prot, flags);
	if (!p)
		return NULL;
	start = qy__align_up((uintptr_t)p + head, align) - head;
	slack = start - (uintptr_t)p;
	give_back(p, slack);
	give_back(p + slack + len, total - slack - len);
	return p + slack + head;
}

int qy__osif_access(struct qy__osif *os, void *addr, size_t len, bool on)
{
	(void)os;
	return qy__osif_mprotect(addr, len, on ? PROT_READ | PROT_WRITE : PROT_NONE) ? -ENOMEM : 0;
}

static int anon_commit(struct qy__osif *os, void *addr, size_t len)
{
	return qy__osif_access(os, addr, len, true);
}

size_t qy__osif_discard(struct qy__osif *os, void *addr, size_t len)
{
	(void)os;
	/* refused if it is locked in memory */
	return qy__osif_madvise(addr, len, MADV_DONTNEED) ? 0 : len;
}

/* A new mapping in the place of the old: no access, no contents, and no mprotect() needed. */
static bool close_off(void *addr, size_t len)
{
	return !qy__sys_failed(
		qy__osif_mmap(addr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED));
}

/*
 * [ guard ][ len ][ guard ] by mmap() alone, which is what programs that forbid themselves most
 * system calls still allow: all of it accessible, then the guards closed. Closing takes nothing
 * that could be refused but borders, and then the mapping is as it was.
 */
static char *map_between_guards(size_t len, size_t align, size_t guard)
{
	char *p = map_aligned(guard, len, guard, align, PROT_READ | PROT_WRITE, 0);

	if (!p || !guard)
		return p;
	if (close_off(p - guard, guard) && close_off(p + len, guard))
		return p;
	give_back(p - guard, guard + len + guard);
	return NULL;
}

void *qy__osif_map(struct qy__osif *os, size_t len, size_t align, size_t guard)
{
	char *p;

	if (!len || len > SIZE_MAX - QY_PAGE_MASK || guard > SIZE_MAX - QY_PAGE_MASK)
		return NULL;
	len = qy__align_up(len, QY_PAGE_SIZE);
	guard = qy__align_up(guard, QY_PAGE_SIZE);
	if (guard <= MOST_GUARD) {
		p = map_between_guards(len, align, guard);
		if (p || align <= MMAP_ALIGN)
			return p;
	}
	/* Without the memory for slack and guards, which a strict limit counts. */
	p = map_aligned(guard, len, guard, align, PROT_NONE, 0);
	if (!p)
		return NULL;
	if (anon_commit(os, p, len)) {
		give_back(p - guard, guard + len + guard);
		return NULL;
	}
	return p;
}

void qy__osif_unmap(struct qy__osif *os, void *addr, size_t len, size_t guard)
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
bool qy__osif_move(struct qy__osif *os, void *to, void *from, size_t len, size_t guard)
{
	(void)os;
	len = qy__align_up(len, QY_PAGE_SIZE);
	guard = qy__align_up(guard, QY_PAGE_SIZE);
	if (qy__osif_mremap(from, len, to))
		return false;
	give_back((char *)from - guard, guard);
	give_back((char *)from + len, guard);
	return true;
}

void qy__osif_protect(struct qy__osif *os, void *addr, size_t len)
{
	(void)os;
	len = qy__align_up(len, QY_PAGE_SIZE);
	if (!close_off(addr, len))
		qy__osif_madvise(addr, len, MADV_DONTNEED);
}

static void anon_release(struct qy__osif *os)
{
	give_back(os->base, os->size);
}

const struct qy__osif_ops qy__osif_anon_ops = {
	.commit = anon_commit,
	.discard = qy__osif_discard,
	.map = qy__osif_map,
	.unmap = qy__osif_unmap,
	.move = qy__osif_move,
	.protect = qy__osif_protect,
	.access = qy__osif_access,
	.release = anon_release,
};

int qy__osif_anon(struct qy__osif *os, size_t size, size_t least, size_t align)
{
	char *base = NULL;

	/* A page of ours that is less than one of the machine's could not be protected alone. */
	if (qy__osif_page_size() > QY_PAGE_SIZE)
		return -ENOMEM;
	least = max(qy__align_up(least, QY_PAGE_SIZE), QY_PAGE_SIZE);
	for (size = qy__align_down(size, QY_PAGE_SIZE); size >= least;
	     size = qy__align_down(size / 2, QY_PAGE_SIZE)) {
		base = map_aligned(0, size, 0, align, PROT_NONE, MAP_NORESERVE);
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
