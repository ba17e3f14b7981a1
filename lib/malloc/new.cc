/* SPDX-License-Identifier: MIT */
/*
 * new.cc - operator new and delete in all their forms.
 *
 * Nothing of a C++ runtime may be needed: the library is preloaded into C programs, too. Whatever
 * this file refers to in one is weak; a program that calls operator new has one. Without one,
 * failure ends the program with a message.
 *
 * The families new and new[] are recorded; the debug build reports memory that goes back by another
 * family's delete, with another size, or with another alignment.
 */
#include <cstddef>
#include <cstdlib>
#include <new>
#include <unistd.h>

#include "malloc/malloc_internal.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define CALLER (reinterpret_cast<uintptr_t>(__builtin_return_address(0)))

namespace std
{
void __throw_bad_alloc() __attribute__((weak, noreturn));
}

/* std::get_new_handler, under a name that can be tested. */
extern "C" std::new_handler qy__get_new_handler(void) __asm__("_ZSt15get_new_handlerv")
	__attribute__((weak));

/* What the compiler needs for the one catch below. */
__asm__(".weak __gxx_personality_v0\n"
	".weak __cxa_begin_catch\n"
	".weak __cxa_end_catch\n"
	".weak _ZSt9terminatev\n"
	".weak _Unwind_Resume\n");

namespace
{

[[noreturn]] __attribute__((cold, noinline)) void fail()
{
	static const char message[] =
		"quarry: operator new: out of memory, and nobody to throw to\n";

	if (std::__throw_bad_alloc)
		std::__throw_bad_alloc();
	ssize_t written = write(STDERR_FILENO, message, sizeof(message) - 1);
	(void)written;
	abort();
}

/* Ask the program's handler to make room, until there is some or no handler. It may throw. */
__attribute__((cold, noinline)) void *alloc_slow(size_t size, size_t align, qy_family family,
						 uintptr_t caller)
{
	for (;;) {
		std::new_handler handler = qy__get_new_handler ? qy__get_new_handler() : nullptr;

		if (!handler)
			return nullptr;
		handler();
		void *p = qy__malloc_new(size, align, family, caller);
		if (p)
			return p;
	}
}

inline void *alloc(size_t size, size_t align, qy_family family, uintptr_t caller)
{
	void *p = qy__malloc_new(size, align, family, caller);

	if (LIKELY(p))
		return p;
	p = alloc_slow(size, align, family, caller);
	if (!p)
		fail();
	return p;
}

inline void *alloc_nothrow(size_t size, size_t align, qy_family family, uintptr_t caller) noexcept
{
	void *p = qy__malloc_new(size, align, family, caller);

	if (LIKELY(p))
		return p;
	try {
		return alloc_slow(size, align, family, caller);
	} catch (...) {
		return nullptr;
	}
}

inline void release(void *p, qy_family family, uintptr_t caller) noexcept
{
	qy__malloc_delete_plain(p, family, caller);
}

inline qy__call call_of(qy_family family, uintptr_t caller) noexcept
{
	qy__call call = {};

	call.libc = true;
	call.family = family;
	call.caller = caller;
	return call;
}

inline void release_sized(void *p, size_t size, qy_family family, uintptr_t caller) noexcept
{
	qy__call call = call_of(family, caller);

	call.size = size;
	call.sized = true;
	qy__malloc_delete(p, &call);
}

inline void release_aligned(void *p, std::align_val_t align, qy_family family,
			    uintptr_t caller) noexcept
{
	qy__call call = call_of(family, caller);

	call.align = static_cast<size_t>(align);
	call.aligned = true;
	qy__malloc_delete(p, &call);
}

inline void release_both(void *p, size_t size, std::align_val_t align, qy_family family,
			 uintptr_t caller) noexcept
{
	qy__call call = call_of(family, caller);

	call.size = size;
	call.sized = true;
	call.align = static_cast<size_t>(align);
	call.aligned = true;
	qy__malloc_delete(p, &call);
}

} // namespace

/* ---- new ---- */

QY_API void *operator new(size_t size)
{
	return alloc(size, 0, QY_FAMILY_NEW, CALLER);
}

QY_API void *operator new[](size_t size)
{
	return alloc(size, 0, QY_FAMILY_NEW_ARRAY, CALLER);
}

QY_API void *operator new(size_t size, const std::nothrow_t &) noexcept
{
	return alloc_nothrow(size, 0, QY_FAMILY_NEW, CALLER);
}

QY_API void *operator new[](size_t size, const std::nothrow_t &) noexcept
{
	return alloc_nothrow(size, 0, QY_FAMILY_NEW_ARRAY, CALLER);
}

QY_API void *operator new(size_t size, std::align_val_t align)
{
	return alloc(size, static_cast<size_t>(align), QY_FAMILY_NEW, CALLER);
}

QY_API void *operator new[](size_t size, std::align_val_t align)
{
	return alloc(size, static_cast<size_t>(align), QY_FAMILY_NEW_ARRAY, CALLER);
}

QY_API void *operator new(size_t size, std::align_val_t align, const std::nothrow_t &) noexcept
{
	return alloc_nothrow(size, static_cast<size_t>(align), QY_FAMILY_NEW, CALLER);
}

QY_API void *operator new[](size_t size, std::align_val_t align, const std::nothrow_t &) noexcept
{
	return alloc_nothrow(size, static_cast<size_t>(align), QY_FAMILY_NEW_ARRAY, CALLER);
}

/* ---- delete ---- */

QY_API void operator delete(void *p) noexcept
{
	release(p, QY_FAMILY_NEW, CALLER);
}

QY_API void operator delete[](void *p) noexcept
{
	release(p, QY_FAMILY_NEW_ARRAY, CALLER);
}

/* Called when a constructor throws in a nothrow new expression. */
QY_API void operator delete(void *p, const std::nothrow_t &) noexcept
{
	release(p, QY_FAMILY_NEW, CALLER);
}

QY_API void operator delete[](void *p, const std::nothrow_t &) noexcept
{
	release(p, QY_FAMILY_NEW_ARRAY, CALLER);
}

QY_API void operator delete(void *p, size_t size) noexcept
{
	release_sized(p, size, QY_FAMILY_NEW, CALLER);
}

QY_API void operator delete[](void *p, size_t size) noexcept
{
	release_sized(p, size, QY_FAMILY_NEW_ARRAY, CALLER);
}

QY_API void operator delete(void *p, std::align_val_t align) noexcept
{
	release_aligned(p, align, QY_FAMILY_NEW, CALLER);
}

QY_API void operator delete[](void *p, std::align_val_t align) noexcept
{
	release_aligned(p, align, QY_FAMILY_NEW_ARRAY, CALLER);
}

QY_API void operator delete(void *p, std::align_val_t align, const std::nothrow_t &) noexcept
{
	release_aligned(p, align, QY_FAMILY_NEW, CALLER);
}

QY_API void operator delete[](void *p, std::align_val_t align, const std::nothrow_t &) noexcept
{
	release_aligned(p, align, QY_FAMILY_NEW_ARRAY, CALLER);
}

QY_API void operator delete(void *p, size_t size, std::align_val_t align) noexcept
{
	release_both(p, size, align, QY_FAMILY_NEW, CALLER);
}

QY_API void operator delete[](void *p, size_t size, std::align_val_t align) noexcept
{
	release_both(p, size, align, QY_FAMILY_NEW_ARRAY, CALLER);
}
