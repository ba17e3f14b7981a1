/* SPDX-License-Identifier: MIT */
/*
 * malloc.c - the C library's memory calls on the default instance.
 *
 *   malloc → sheaf of the calling CPU (inline: no call, no lock, no atomic operation)
 *          ↘ alloc_slow → the instance stands? → qy__kvmalloc_call
 *                       ↘ it is just being made: boot arena
 *
 * Rules that programs rely on: malloc(0) is an object; realloc(p, 0) frees; nothing above
 * PTRDIFF_MAX; failure is NULL with ENOMEM, success and free() leave errno alone; posix_memalign()
 * never touches it.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kmalloc/kmalloc_inline.h"
#include "malloc/malloc_internal.h"
#include "malloc/operators.h"
#include "util/align.h"
#include "util/fmt.h"
#include "util/inside.h"
#include "vmalloc/vmap_area.h"

#define USUAL_ALIGN 16u
#define GFP_MALLOC (QY_GFP_KERNEL | QY_GFP_NOWARN)
#define CALLER ((uintptr_t)__builtin_return_address(0))

QY_API void cfree(void *p);
QY_API void free_sized(void *p, size_t size);
QY_API void free_aligned_sized(void *p, size_t align, size_t size);

static QY_COLD void follow_notes(struct qy_mm *mm);

/*
 * Calls of the slow halves under way in this thread: a signal handler that comes amid one is served
 * from the reserve. The fast halves hold no lock and do without.
 */
static inline void enter(struct qy_mm *mm)
{
	if (unlikely(qy__reserve_has_news()))
		follow_notes(mm);
	qy__inside++;
	qy__barrier();
}

static inline void leave(void)
{
	qy__barrier();
	qy__inside--;
}

bool qy__malloc_is_inside(void)
{
	return qy__inside != 0;
}

/* Is @p of no memory of ours, but a block of the C library's? */
static QY_COLD bool is_libc_block(struct qy_mm *mm, const void *p, size_t *usable)
{
	int saved = errno;
	bool is_one = !qy__is_vmap_addr(mm, p) && qy__libc_block(p, usable);

	errno = saved;
	return is_one;
}

static void release_noted(void *object, struct qy__call *call)
{
	size_t usable;

	if (!qy__addr_page(qy__malloc_mm, object) && is_libc_block(qy__malloc_mm, object, &usable))
		qy__libc_block_free(object);
	else
		qy__kvfree_call(qy__malloc_mm, object, call);
}

/* What signal handlers released amid a call, and that there were such. */
static QY_COLD void follow_notes(struct qy_mm *mm)
{
	unsigned int depth = qy__inside++;

	qy__barrier();
	if (!depth) {
		qy__reserve_follow(release_noted);
		if (QY_CONFIG_DEBUG && qy__reserve_to_tell())
			qy__malloc_tell_handler(mm);
	}
	leave();
}

/* Of the C calls: what a foreign operator new or delete stands behind is not compared. */
static enum qy_family family_of(uintptr_t caller)
{
	if (QY_CONFIG_DEBUG && qy__malloc_is_foreign(caller))
		return QY_FAMILY_NONE;
	return QY_FAMILY_MALLOC;
}

/* ---- slow halves ---- */

/* errno is as it was, whatever comes out. */
static QY_NOINLINE void *alloc_slow(struct qy__call *call, qy_gfp_t gfp)
{
	struct qy_mm *mm = qy__load_acquire(&qy__malloc_mm);
	int saved = errno;
	bool failed;
	void *p;

	if (unlikely(call->size > PTRDIFF_MAX))
		return NULL;
	if (unlikely(!mm)) {
		mm = qy__malloc_start(&failed);
		if (!mm)
			return failed ? NULL : qy__boot_alloc(call->size, call->align);
	}
	if (unlikely(qy__inside))
		return qy__reserve_alloc(call->size, call->align);
	enter(mm);
	p = qy__kvmalloc_call(mm, call, gfp);
	leave();
	errno = saved;
	return p;
}

static void *alloc_or_enomem(struct qy__call *call, qy_gfp_t gfp)
{
	void *p = alloc_slow(call, gfp);

	if (unlikely(!p))
		errno = ENOMEM;
	return p;
}

static QY_NOINLINE void *malloc_slow(size_t size, size_t align, qy_gfp_t gfp, uintptr_t caller)
{
	struct qy__call call = {
		.libc = true,
		.size = size,
		.align = align,
		.family = family_of(caller),
		.caller = caller,
	};

	return alloc_or_enomem(&call, gfp);
}

/* Inline: each frame of ours on the stack costs the debug build's unwinder a step. */
static QY_ALWAYS_INLINE void free_call(void *p, struct qy__call *call)
{
	struct qy_mm *mm = qy__load_acquire(&qy__malloc_mm);
	int saved = errno;
	size_t usable;

	if (!p || !mm || qy__boot_owns(p))
		return;
	if (unlikely(qy__reserve_owns(p))) {
		qy__reserve_free(p);
		return;
	}
	if (unlikely(qy__inside)) {
		qy__reserve_defer(p, call);
		return;
	}
	if (unlikely(!qy__addr_page(mm, p)) && is_libc_block(mm, p, &usable)) {
		qy__libc_block_free(p);
		return;
	}
	enter(mm);
	qy__kvfree_call(mm, p, call);
	leave();
	errno = saved;
}

static QY_NOINLINE void free_slow(void *p, struct qy__call *call)
{
	free_call(p, call);
}

static QY_NOINLINE void free_slow_plain(void *p, enum qy_family family, uintptr_t caller)
{
	struct qy__call call = {.libc = true, .family = family, .caller = caller};

	free_call(p, &call);
}

/* Out of memory apart, or amid another call: @size bytes of it can be read. */
static void *realloc_copy(void *p, size_t size, struct qy__call *call)
{
	void *new = alloc_or_enomem(call, GFP_MALLOC);

	if (new) {
		memcpy(new, p, min(size, call->size));
		free_slow(p, call);
	}
	return new;
}

/* The C library's block becomes one of ours. */
static void *realloc_libc(void *p, size_t usable, struct qy__call *call)
{
	void *new = alloc_or_enomem(call, GFP_MALLOC);

	if (new) {
		memcpy(new, p, min(usable, call->size));
		qy__libc_block_free(p);
	}
	return new;
}

static void *realloc_slow(void *p, size_t size, uintptr_t caller)
{
	struct qy__call call = {
		.libc = true,
		.size = size,
		.family = family_of(caller),
		.caller = caller,
	};
	struct qy_mm *mm = qy__load_acquire(&qy__malloc_mm);
	int saved = errno;
	void *new = NULL;
	size_t usable;

	if (!p)
		return alloc_or_enomem(&call, GFP_MALLOC);
	if (!size) {
		free_slow(p, &call);
		return NULL;
	}
	if (qy__boot_owns(p))
		return realloc_copy(p, qy__boot_size(p), &call);
	if (unlikely(qy__reserve_owns(p)))
		return realloc_copy(p, qy__reserve_size(p), &call);
	if (unlikely(qy__inside))
		return realloc_copy(p, qy__malloc_peek_size(mm, p), &call);
	if (unlikely(mm && !qy__addr_page(mm, p)) && is_libc_block(mm, p, &usable))
		return realloc_libc(p, usable, &call);
	if (size <= PTRDIFF_MAX && mm) {
		enter(mm);
		new = qy__kvrealloc_call(mm, p, &call, GFP_MALLOC);
		leave();
	}
	errno = new ? saved : ENOMEM;
	return new;
}

static QY_ALWAYS_INLINE void *alloc_fast(size_t size)
{
	struct qy_mm *mm = qy__load_relaxed(&qy__malloc_mm);

	return likely(mm != NULL) ? qy__kmalloc_fast(mm, size, QY__THREAD_CPUS) : NULL;
}

static QY_ALWAYS_INLINE bool free_fast(void *p)
{
	struct qy_mm *mm = qy__load_relaxed(&qy__malloc_mm);

	return likely(mm != NULL) && qy__kfree_fast(mm, p, QY__THREAD_CPUS);
}

/* ---- the C library's calls ---- */

QY_API void *malloc(size_t size)
{
	void *p = alloc_fast(size);

	return likely(p != NULL) ? p : malloc_slow(size, 0, GFP_MALLOC, CALLER);
}

QY_API void free(void *p)
{
	if (unlikely(!free_fast(p)))
		free_slow_plain(p, family_of(CALLER), CALLER);
}

QY_API void *calloc(size_t n, size_t size)
{
	size_t total;
	void *p;

	if (unlikely(__builtin_mul_overflow(n, size, &total))) {
		errno = ENOMEM;
		return NULL;
	}
	p = alloc_fast(total);
	if (likely(p != NULL))
		return memset(p, 0, total);
	return malloc_slow(total, 0, GFP_MALLOC | QY_GFP_ZERO, CALLER);
}

QY_API void *realloc(void *p, size_t size)
{
	return realloc_slow(p, size, CALLER);
}

QY_API void *reallocarray(void *p, size_t n, size_t size)
{
	size_t total;

	if (unlikely(__builtin_mul_overflow(n, size, &total))) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc_slow(p, total, CALLER);
}

QY_API void cfree(void *p)
{
	free_slow_plain(p, QY_FAMILY_MALLOC, CALLER);
}

QY_API void free_sized(void *p, size_t size)
{
	struct qy__call call = {
		.libc = true,
		.size = size,
		.sized = true,
		.family = QY_FAMILY_MALLOC,
		.caller = CALLER,
	};

	if (unlikely(!free_fast(p)))
		free_slow(p, &call);
}

QY_API void free_aligned_sized(void *p, size_t align, size_t size)
{
	struct qy__call call = {
		.libc = true,
		.size = size,
		.align = align,
		.sized = true,
		.aligned = true,
		.family = QY_FAMILY_MALLOC,
		.caller = CALLER,
	};

	if (unlikely(!free_fast(p)))
		free_slow(p, &call);
}

/* ---- aligned ---- */

/* glibc's; NULL in another C library. */
extern const char *gnu_get_libc_version(void) __attribute__((weak));

/* glibc's aligned_alloc() was its memalign() until 2.38; other C libraries refuse. */
static QY_COLD bool takes_any_alignment(void)
{
	const char *version = gnu_get_libc_version ? gnu_get_libc_version() : "";

	return !strncmp(version, "2.", 2) && atoi(version + 2) < 38;
}

/* Takes any alignment, as it always did: rounded up to a power of two. */
static void *memalign_rounded(size_t align, size_t size, uintptr_t caller)
{
	if (unlikely(align > SIZE_MAX / 2 + 1)) {
		errno = EINVAL;
		return NULL;
	}
	while (unlikely(align & (align - 1)))
		align = (align | (align - 1)) + 1;
	return malloc_slow(size, align, GFP_MALLOC, caller);
}

QY_API void *aligned_alloc(size_t align, size_t size)
{
	if (unlikely(!qy__is_pow2(align)) && !takes_any_alignment()) {
		/* glibc refuses 0 with the others, musl does not. */
		if (align || gnu_get_libc_version) {
			errno = EINVAL;
			return NULL;
		}
	}
	return memalign_rounded(align, size, CALLER);
}

QY_API void *memalign(size_t align, size_t size)
{
	return memalign_rounded(align, size, CALLER);
}

QY_API int posix_memalign(void **memptr, size_t align, size_t size)
{
	struct qy__call call = {
		.libc = true,
		.size = size,
		.align = align,
		.family = QY_FAMILY_MALLOC,
		.caller = CALLER,
	};
	void *p;

	if (unlikely(!qy__is_pow2(align) || align % sizeof(void *)))
		return EINVAL;
	p = alloc_slow(&call, GFP_MALLOC);
	if (unlikely(!p))
		return ENOMEM;
	*memptr = p;
	return 0;
}

QY_API void *valloc(size_t size)
{
	return malloc_slow(size, QY_PAGE_SIZE, GFP_MALLOC, CALLER);
}

QY_API void *pvalloc(size_t size)
{
	if (unlikely(size > PTRDIFF_MAX)) {
		errno = ENOMEM;
		return NULL;
	}
	return malloc_slow(size ? qy__align_up(size, QY_PAGE_SIZE) : QY_PAGE_SIZE, QY_PAGE_SIZE,
			   GFP_MALLOC, CALLER);
}

/* ---- figures and knobs ---- */

QY_API size_t malloc_usable_size(void *p)
{
	struct qy__call call = {
		.libc = true,
		.family = QY_FAMILY_MALLOC,
		.caller = CALLER,
	};
	struct qy_mm *mm = qy__load_acquire(&qy__malloc_mm);
	int saved = errno;
	size_t size;

	if (!p)
		return 0;
	if (qy__boot_owns(p))
		return qy__boot_size(p);
	if (!mm)
		return 0;
	if (unlikely(qy__reserve_owns(p)))
		return qy__reserve_size(p);
	if (unlikely(qy__inside))
		return qy__malloc_peek_size(mm, p);
	if (unlikely(!qy__addr_page(mm, p)) && is_libc_block(mm, p, &size))
		return size;
	enter(mm);
	size = qy__kvsize_call(mm, p, &call);
	leave();
	errno = saved;
	return size;
}

QY_API int malloc_trim(size_t pad)
{
	struct qy_mm *mm = qy__load_acquire(&qy__malloc_mm);
	int saved = errno, ret;

	(void)pad;
	if (!mm || qy__inside)
		return 0;
	enter(mm);
	ret = (qy__vmap_purge(mm) + qy_mm_trim(mm)) != 0;
	leave();
	errno = saved;
	return ret;
}

/*
 * There is nothing to tune by numbers of another allocator's; programs only ask whether it worked.
 */
QY_API int mallopt(int param, int value)
{
	(void)param;
	(void)value;
	return 1;
}

QY_API struct mallinfo2 mallinfo2(void)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};
	struct qy_mm *mm = qy__load_acquire(&qy__malloc_mm);
	struct mallinfo2 info = {.arena = 0};

	if (!mm || qy__inside)
		return info;
	enter(mm);
	qy_page_stats(mm, &stats);
	leave();
	info.arena = stats.managed * QY_PAGE_SIZE;
	info.fordblks = stats.free * QY_PAGE_SIZE;
	info.uordblks = info.arena - info.fordblks;
	info.keepcost = stats.free_max * QY_PAGE_SIZE;
	info.ordblks = stats.free != 0;
	info.hblks = qy__load_relaxed(&mm->vmap->nr_live);
	info.hblkhd = qy__load_relaxed(&mm->vmap->live_bytes);
	return info;
}

static int saturate(size_t x)
{
	return x > INT32_MAX ? INT32_MAX : (int)x;
}

QY_API struct mallinfo mallinfo(void)
{
	struct mallinfo2 m = mallinfo2();

	return (struct mallinfo){
		.arena = saturate(m.arena),
		.ordblks = saturate(m.ordblks),
		.hblks = saturate(m.hblks),
		.hblkhd = saturate(m.hblkhd),
		.uordblks = saturate(m.uordblks),
		.fordblks = saturate(m.fordblks),
		.keepcost = saturate(m.keepcost),
	};
}

QY_API void malloc_stats(void)
{
	struct mallinfo2 m = mallinfo2();
	char text[256];
	size_t len = qy__snprintf(text, sizeof(text),
				  "Pages:\n"
				  "system bytes     = %10zu\n"
				  "in use bytes     = %10zu\n"
				  "mapped areas     = %10zu\n"
				  "mapped bytes     = %10zu\n",
				  m.arena, m.uordblks, m.hblks, m.hblkhd);

	qy__write_all(STDERR_FILENO, text, min(len, sizeof(text) - 1));
}

QY_API int malloc_info(int options, FILE *stream)
{
	struct mallinfo2 m = mallinfo2();

	if (options)
		return EINVAL;
	fprintf(stream,
		"<malloc version=\"1\">\n"
		"<system type=\"current\" size=\"%zu\"/>\n"
		"<total type=\"rest\" size=\"%zu\"/>\n"
		"<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n"
		"</malloc>\n",
		m.arena, m.fordblks, m.hblks, m.hblkhd);
	return 0;
}

/* ---- for operator new and delete ---- */

void *qy__malloc_new(size_t size, size_t align, enum qy_family family, uintptr_t caller)
{
	struct qy__call call = {
		.libc = true,
		.size = size,
		.align = align,
		.family = family,
		.caller = caller,
	};
	void *p = align <= USUAL_ALIGN ? alloc_fast(size) : NULL;

	return likely(p != NULL) ? p : alloc_slow(&call, GFP_MALLOC);
}

static QY_NOINLINE void delete_slow(void *p, unsigned int form, size_t size, size_t align,
				    enum qy_family family, uintptr_t caller)
{
	struct qy__call call = {
		.libc = true,
		.size = size,
		.align = align,
		.family = family,
		.sized = form & QY__OP_SIZED,
		.aligned = form & QY__OP_ALIGNED,
		.caller = caller,
	};

	free_call(p, &call);
}

void qy__malloc_delete(void *p, unsigned int form, size_t size, size_t align, enum qy_family family,
		       uintptr_t caller)
{
	if (unlikely(!free_fast(p)))
		delete_slow(p, form, size, align, family, caller);
}

void qy__malloc_delete_plain(void *p, enum qy_family family, uintptr_t caller)
{
	if (unlikely(!free_fast(p)))
		free_slow_plain(p, family, caller);
}
