/* SPDX-License-Identifier: MIT */
/*
 * touched.c - which pages of the heap a child of fork() has to itself: those that it, or its
 * parent, wrote since. All others are still the same pages as the parent's.
 *
 * The system tells by a bit in /proc/self/pagemap (Linux 4.2); 8 bytes for each page are read once,
 * in order. A page that is swapped out counts as touched. Any context; debug build only.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "malloc/malloc_internal.h"
#include "page/page.h"
#include "util/align.h"
#include "util/bitops.h"

#define OS_PAGE ((size_t)4096)
#define ONLY_HERE (UINT64_C(1) << 56)
#define SWAPPED (UINT64_C(1) << 62)
#define BATCH 512u

static uint64_t *touched; /* a bit for each page of the system's, from the span's start */
static size_t nr_pages;

static bool read_map(int fd, uintptr_t base)
{
	uint64_t entry[BATCH];

	for (size_t at = 0; at < nr_pages;) {
		size_t want = min(nr_pages - at, (size_t)BATCH) * sizeof(*entry);
		ssize_t got =
			pread(fd, entry, want, (off_t)((base / OS_PAGE + at) * sizeof(*entry)));

		if (got < (ssize_t)sizeof(*entry))
			return false;
		for (size_t i = 0; i < (size_t)got / sizeof(*entry); i++, at++)
			if (entry[i] & (ONLY_HERE | SWAPPED))
				qy__set_bit(touched, (unsigned int)at);
	}
	return true;
}

bool qy__touched_find(const struct qy_mm *mm)
{
	uintptr_t end = (uintptr_t)mm->base + ((size_t)mm->end_pfn << QY_CONFIG_PAGE_SHIFT);
	int saved = errno, fd = -1;
	bool done = false;

	if ((size_t)sysconf(_SC_PAGESIZE) == OS_PAGE)
		fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		nr_pages = (end - (uintptr_t)mm->base) / OS_PAGE;
		touched = mmap(NULL, nr_pages / 8 + sizeof(*touched), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		done = touched != MAP_FAILED && read_map(fd, (uintptr_t)mm->base);
		close(fd);
	}
	errno = saved;
	return done;
}

bool qy__touched_is(void *arg, const void *start, size_t len)
{
	const struct qy_mm *mm = arg;
	size_t from = ((uintptr_t)start - (uintptr_t)mm->base) / OS_PAGE;
	size_t to = ((uintptr_t)start + len - 1 - (uintptr_t)mm->base) / OS_PAGE;

	/* Areas lie elsewhere: they are few, and looked at. */
	for (size_t at = from; at <= to; at++)
		if (at >= nr_pages || touched[at / 64] >> at % 64 & 1)
			return true;
	return false;
}
