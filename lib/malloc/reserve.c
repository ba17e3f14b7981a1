/* SPDX-License-Identifier: MIT */
/*
 * reserve.c - memory for a signal handler that interrupted a call of malloc's in its own thread.
 *
 * The interrupted call holds locks, and what it is changing is half changed: such a handler is
 * served from pages apart, which never become part of the heap, by atomic operations alone.
 *
 *   two pools of equal granules with a bitmap; an object takes a run within one word of it
 *     small   128 B × 65,536    up to 8 KiB
 *     large   16 KiB × 4,096    up to 1 MiB
 *
 * The addresses are reserved at the first such call. What is released there is known by its
 * address, in any context. A handler that releases an object of the heap leaves a note, which the
 * next call that interrupted nothing follows.
 */
#include <string.h>
#include <sys/mman.h>

#include "malloc/malloc_internal.h"
#include "util/align.h"
#include "util/atomic.h"
#include "util/bitops.h"
#include "util/compiler.h"

#define SMALL_GRAIN 7u
#define LARGE_GRAIN 14u
#define SMALL_WORDS 1024u
#define LARGE_WORDS 64u
#define NR_GRAINS ((SMALL_WORDS + LARGE_WORDS) * 64u)
#define SMALL_BYTES ((size_t)SMALL_WORDS * 64 << SMALL_GRAIN)
#define LARGE_BYTES ((size_t)LARGE_WORDS * 64 << LARGE_GRAIN)

struct pool {
	unsigned int grain; /* log2 of its bytes */
	unsigned int first_word, nr_words;
	size_t start; /* in the mapping */
};
static const struct pool pools[] = {
	{SMALL_GRAIN, 0, SMALL_WORDS, 0},
	{LARGE_GRAIN, SMALL_WORDS, LARGE_WORDS, SMALL_BYTES},
};

/* What follows the objects in the mapping. */
struct books {
	uint64_t taken[SMALL_WORDS + LARGE_WORDS];
	uint32_t size[NR_GRAINS]; /* asked for, of the object that starts there */
};

struct note {
	struct note *next;
	void *object;
	struct qy__call call;
};

static char *base; /* NULL: never needed */
static struct note *notes;
static uint32_t was_used, was_told;

static struct books *books_of(char *at)
{
	return (void *)(at + SMALL_BYTES + LARGE_BYTES);
}

static char *get_base(void)
{
	size_t bytes = SMALL_BYTES + LARGE_BYTES + sizeof(struct books);
	char *at = qy__load_acquire(&base), *none = NULL;

	if (likely(at))
		return at;
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		  -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	if (qy__cas_acq_rel(&base, &none, at))
		return at;
	munmap(at, bytes);
	return none;
}

bool qy__reserve_owns(const void *p)
{
	const char *at = qy__load_relaxed(&base);

	return unlikely(at != NULL) && (size_t)((const char *)p - at) < SMALL_BYTES + LARGE_BYTES;
}

static uint64_t run_mask(unsigned int n)
{
	return n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* A run of @n in @word, at a multiple of @step; -1: there is none. */
static int take_run(uint64_t *word, unsigned int n, unsigned int step)
{
	uint64_t old = qy__load_relaxed(word);

	for (unsigned int at = 0; at + n <= 64; at += step) {
		uint64_t mask = run_mask(n) << at;

		while (!(old & mask))
			if (qy__cas_acq_rel(word, &old, old | mask))
				return (int)at;
	}
	return -1;
}

static void *take(char *at, const struct pool *pool, size_t size, size_t align)
{
	struct books *books = books_of(at);
	size_t grain = (size_t)1 << pool->grain;
	unsigned int n = (unsigned int)((size + grain - 1) >> pool->grain);
	unsigned int step = align > grain ? (unsigned int)(align >> pool->grain) : 1;

	for (unsigned int w = 0; w < pool->nr_words; w++) {
		int bit = take_run(&books->taken[pool->first_word + w], n, step);
		char *p;

		if (bit < 0)
			continue;
		books->size[(pool->first_word + w) * 64 + (unsigned int)bit] = (uint32_t)size;
		p = at + pool->start + ((size_t)(w * 64 + (unsigned int)bit) << pool->grain);
		memset(p, 0, size);
		return p;
	}
	return NULL;
}

static void *reserve_get(size_t size, size_t align)
{
	char *at = get_base();

	if (!at || !size)
		size = 1;
	for (unsigned int i = 0; at && i < ARRAY_SIZE(pools); i++) {
		size_t most = (size_t)64 << pools[i].grain;
		/* The large pool starts at a multiple of its most, if the mapping does. */
		void *p = size <= most && align <= QY_PAGE_SIZE ? take(at, &pools[i], size, align)
								: NULL;

		if (p)
			return p;
	}
	return NULL;
}

void *qy__reserve_alloc(size_t size, size_t align)
{
	qy__store_relaxed(&was_used, 1);
	return reserve_get(size, align);
}

/* Index of the granule in the books. */
static unsigned int grain_of(const void *p, const struct pool **pool)
{
	size_t off = (size_t)((const char *)p - base);

	*pool = &pools[off >= SMALL_BYTES];
	return (*pool)->first_word * 64 + (unsigned int)((off - (*pool)->start) >> (*pool)->grain);
}

size_t qy__reserve_size(const void *p)
{
	const struct pool *pool;

	return books_of(base)->size[grain_of(p, &pool)];
}

void qy__reserve_free(void *p)
{
	const struct pool *pool;
	unsigned int at = grain_of(p, &pool), n;
	struct books *books = books_of(base);
	size_t size = books->size[at];

	if (!size || (uintptr_t)p & (((uintptr_t)1 << pool->grain) - 1))
		return; /* not the start of an object, or freed before */
	books->size[at] = 0;
	n = (unsigned int)((size + ((size_t)1 << pool->grain) - 1) >> pool->grain);
	__atomic_fetch_and(&books->taken[at / 64], ~(run_mask(n) << at % 64), __ATOMIC_RELEASE);
}

/* No room for a note: the object is lost. */
void qy__reserve_defer(void *object, const struct qy__call *call)
{
	struct note *note = reserve_get(sizeof(*note), 0);

	qy__store_relaxed(&was_used, 1);
	if (!note)
		return;
	note->object = object;
	note->call = *call;
	note->next = qy__load_relaxed(&notes);
	while (!qy__cas_acq_rel(&notes, &note->next, note))
		;
}

bool qy__reserve_has_news(void)
{
	return unlikely(qy__load_relaxed(&was_used) != 0) &&
	       (qy__load_relaxed(&notes) || !qy__load_relaxed(&was_told));
}

bool qy__reserve_to_tell(void)
{
	uint32_t no = 0;

	return qy__cas_acq_rel(&was_told, &no, 1);
}

void qy__reserve_follow(void (*release)(void *object, struct qy__call *call))
{
	struct note *note = __atomic_exchange_n(&notes, NULL, __ATOMIC_ACQUIRE);

	while (note) {
		struct note *next = note->next;

		release(note->object, &note->call);
		qy__reserve_free(note);
		note = next;
	}
}
