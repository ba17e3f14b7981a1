/* SPDX-License-Identifier: MIT */
/*
 * libc_block.c - blocks of the C library's own malloc that come to our free().
 *
 * A module that keeps RTLD_DEEPBIND (dl.c) has the C library's malloc, and hands out its blocks.
 * They go back there. But a wild pointer is to be reported: so a block must lie where glibc keeps
 * such, and what is in front of it must be what glibc writes there. That is asked only about
 * addresses that are in no memory of ours, and read through the kernel: there may be nothing.
 *
 * glibc's chunk, the same since 2.3:   [ size of the one before ][ size | flags ][ block …
 *
 *   flags  1 the one before is in use    2 a mapping of its own    4 in the heap of another arena
 */
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "malloc/malloc_internal.h"
#include "util/align.h"
#include "util/compiler.h"

/* glibc exports its own malloc under a second name; no other C library does. */
extern void __libc_free(void *p) __attribute__((weak));

#define WORD sizeof(size_t)
#define PREV_IN_USE ((size_t)1)
#define MAPPED ((size_t)2)
#define OTHER_ARENA ((size_t)4)
#define FLAGS ((size_t)7)
#define CHUNK_ALIGN (2 * WORD)
#define LEAST_CHUNK (4 * WORD)
/* Heaps of other arenas lie on borders of this, and begin with where their arena is. */
#define HEAP_MAX ((size_t)(WORD == 8 ? 64 : 1) << 20)
#define ARENA_OFFSET_MAX 256u /* in its first heap */

static uintptr_t brk_start;

/* false: there is nothing that can be read. */
static bool read_words(uintptr_t from, size_t *words, size_t n)
{
	struct iovec to = {.iov_base = words, .iov_len = n * WORD},
		     at = {.iov_base = (void *)from, .iov_len = n * WORD};

	return process_vm_readv(getpid(), &to, 1, &at, 1, 0) == (ssize_t)(n * WORD);
}

static bool in_own_mapping(uintptr_t chunk, size_t before, size_t size)
{
	size_t word, page = (size_t)sysconf(_SC_PAGESIZE);

	return before <= chunk && qy__is_aligned(chunk - before, page) &&
	       qy__is_aligned(before + size, page) && before < page + size &&
	       read_words(chunk + size - WORD, &word, 1);
}

static bool in_arena(uintptr_t chunk, size_t size)
{
	uintptr_t heap = chunk & ~(uintptr_t)(HEAP_MAX - 1);
	size_t head[3], word; /* arena, heap before, bytes in use */

	return read_words(heap, head, ARRAY_SIZE(head)) && head[2] <= HEAP_MAX &&
	       qy__is_aligned(head[2], QY_PAGE_SIZE) && size < head[2] &&
	       chunk - heap <= head[2] - size && head[0] % HEAP_MAX < ARENA_OFFSET_MAX &&
	       qy__is_aligned(head[1], HEAP_MAX) && read_words(head[0], &word, 1);
}

static bool in_main_heap(uintptr_t chunk, size_t size)
{
	uintptr_t end = (uintptr_t)sbrk(0);
	size_t next[2];

	return brk_start && chunk >= brk_start && chunk < end && size < end - chunk &&
	       read_words(chunk + size, next, 2) && (next[1] & PREV_IN_USE) &&
	       (next[1] & ~FLAGS) <= end - chunk - size;
}

bool qy__libc_block(const void *p, size_t *usable)
{
	uintptr_t chunk = (uintptr_t)p - 2 * WORD;
	size_t head[2], size;
	bool is_one;

	if (!__libc_free || !qy__is_aligned((uintptr_t)p, CHUNK_ALIGN) ||
	    !read_words(chunk, head, 2))
		return false;
	size = head[1] & ~FLAGS;
	if (size < LEAST_CHUNK || size % CHUNK_ALIGN)
		return false;
	if (head[1] & MAPPED)
		is_one = in_own_mapping(chunk, head[0], size);
	else if (head[1] & OTHER_ARENA)
		is_one = in_arena(chunk, size);
	else
		is_one = in_main_heap(chunk, size);
	*usable = size - (head[1] & MAPPED ? 2 * WORD : WORD);
	return is_one;
}

void qy__libc_block_free(void *p)
{
	__libc_free(p);
}

void qy__libc_block_init(void)
{
	brk_start = (uintptr_t)sbrk(0);
}
