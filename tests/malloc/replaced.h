/* SPDX-License-Identifier: MIT */
/*
 * replaced.h - operator new and delete, replaced by sets: SET says which forms this module has.
 *
 * With HEADER the pairs of new and delete put 16 bytes in front of a block, with a mark that tells
 * which pair made it, and their delete takes nothing else. What a lone form (nothrow, sized) calls
 * is what the standard's default would. Without HEADER they are malloc and free, and give more than
 * is asked for.
 */
#ifndef TESTS_MALLOC_REPLACED_H
#define TESTS_MALLOC_REPLACED_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

/* Sets: pairs … */
#define SINGLE 1
#define ARRAY 2
#define ALIGNED 4
#define ALIGNED_ARRAY 8
/* … and forms that rest on them. */
#define NOTHROW 16
#define SIZED 32
#define ALIGNED_NOTHROW 64
#define ALIGNED_SIZED 128

#ifndef SET
#define SET 0
#endif
#ifndef HEADER
#define HEADER 1
#endif

/* The pair that a block of this kind comes from where the pairs of @set are replaced; 0: none. */
static inline unsigned int pair_of(unsigned int set, bool array, bool aligned)
{
	unsigned int pair = aligned ? ALIGNED_ARRAY : ARRAY;

	if (array && (set & pair))
		return pair;
	pair = aligned ? ALIGNED : SINGLE;
	return set & pair ? pair : 0;
}

#define MARK 0x6d61726b00000000u

namespace
{

[[maybe_unused]] void *get(unsigned int pair, size_t size, size_t align)
{
	size_t front = HEADER ? (align > 16 ? align : 16) : 0;
	char *p = static_cast<char *>(align ? aligned_alloc(align, size + front + align)
					    : malloc(size + front + 7));

	if (!p)
		throw std::bad_alloc();
	if (HEADER) {
		p += front;
		reinterpret_cast<uint64_t *>(p)[-1] = front;
		reinterpret_cast<uint64_t *>(p)[-2] = MARK | pair;
	}
	return p;
}

[[maybe_unused]] void put(unsigned int pair, void *p)
{
	uint64_t *words = static_cast<uint64_t *>(p);

	if (!p)
		return;
	if (!HEADER) {
		free(p);
		return;
	}
	if (words[-2] != (MARK | pair)) {
		fprintf(stderr, "delete of pair %u was given a block of another\n", pair);
		abort();
	}
	words[-2] = 0;
	free(static_cast<char *>(p) - words[-1]);
}

} // namespace

#define VAL(align) static_cast<std::align_val_t>(align)
#define NOTHROW_OF(call)                                                                           \
	try {                                                                                      \
		return call;                                                                       \
	} catch (...) {                                                                            \
		return nullptr;                                                                    \
	}

#if SET & SINGLE
void *operator new(size_t size)
{
	return get(SINGLE, size, 0);
}
void operator delete(void *p) noexcept
{
	put(SINGLE, p);
}
#endif
#if SET & ARRAY
void *operator new[](size_t size)
{
	return get(ARRAY, size, 0);
}
void operator delete[](void *p) noexcept
{
	put(ARRAY, p);
}
#endif
#if SET & ALIGNED
void *operator new(size_t size, std::align_val_t align)
{
	return get(ALIGNED, size, static_cast<size_t>(align));
}
void operator delete(void *p, std::align_val_t) noexcept
{
	put(ALIGNED, p);
}
#endif
#if SET & ALIGNED_ARRAY
void *operator new[](size_t size, std::align_val_t align)
{
	return get(ALIGNED_ARRAY, size, static_cast<size_t>(align));
}
void operator delete[](void *p, std::align_val_t) noexcept
{
	put(ALIGNED_ARRAY, p);
}
#endif
#if SET & NOTHROW
void *operator new(size_t size, const std::nothrow_t &) noexcept
{
	NOTHROW_OF(::operator new(size))
}
void *operator new[](size_t size, const std::nothrow_t &) noexcept
{
	NOTHROW_OF(::operator new[](size))
}
void operator delete(void *p, const std::nothrow_t &) noexcept
{
	::operator delete(p);
}
void operator delete[](void *p, const std::nothrow_t &) noexcept
{
	::operator delete[](p);
}
#endif
#if SET & SIZED
void operator delete(void *p, size_t) noexcept
{
	::operator delete(p);
}
void operator delete[](void *p, size_t) noexcept
{
	::operator delete[](p);
}
#endif
#if SET & ALIGNED_NOTHROW
void *operator new(size_t size, std::align_val_t align, const std::nothrow_t &) noexcept
{
	NOTHROW_OF(::operator new(size, align))
}
void *operator new[](size_t size, std::align_val_t align, const std::nothrow_t &) noexcept
{
	NOTHROW_OF(::operator new[](size, align))
}
void operator delete(void *p, std::align_val_t align, const std::nothrow_t &) noexcept
{
	::operator delete(p, align);
}
void operator delete[](void *p, std::align_val_t align, const std::nothrow_t &) noexcept
{
	::operator delete[](p, align);
}
#endif
#if SET & ALIGNED_SIZED
void operator delete(void *p, size_t, std::align_val_t align) noexcept
{
	::operator delete(p, align);
}
void operator delete[](void *p, size_t, std::align_val_t align) noexcept
{
	::operator delete[](p, align);
}
#endif

/* ---- every form, called from the module that includes this ---- */

struct kind {
	bool array, aligned, nothrow;
};

static inline void *make_block(const kind *k, size_t size, size_t align)
{
	if (k->aligned && k->nothrow)
		return k->array ? ::operator new[](size, VAL(align), std::nothrow)
				: ::operator new(size, VAL(align), std::nothrow);
	if (k->aligned)
		return k->array ? ::operator new[](size, VAL(align))
				: ::operator new(size, VAL(align));
	if (k->nothrow)
		return k->array ? ::operator new[](size, std::nothrow)
				: ::operator new(size, std::nothrow);
	return k->array ? ::operator new[](size) : ::operator new(size);
}

#define END_BLOCK(k, p, ...)                                                                       \
	((k)->array ? ::operator delete[](p, ##__VA_ARGS__) : ::operator delete(p, ##__VA_ARGS__))

enum { END_PLAIN, END_SIZED, END_NOTHROW, NR_ENDS };

static inline void end_block(const kind *k, int how, void *p, size_t size, size_t align)
{
	if (k->aligned)
		how == END_SIZED     ? END_BLOCK(k, p, size, VAL(align))
		: how == END_NOTHROW ? END_BLOCK(k, p, VAL(align), std::nothrow)
				     : END_BLOCK(k, p, VAL(align));
	else
		how == END_SIZED     ? END_BLOCK(k, p, size)
		: how == END_NOTHROW ? END_BLOCK(k, p, std::nothrow)
				     : END_BLOCK(k, p);
	__asm__ volatile(""); /* no tail call: the caller is to be this module */
}

#endif
