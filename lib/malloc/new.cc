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
 *
 * A program that replaces some forms (operators.h) finds the rest to be what the standard says:
 * each in terms of the form that it rests on, the program's. Then nothing is compared: what stands
 * behind a form is not known. The usual program replaces none; finding that costs a comparison.
 */
#include <cstddef>
#include <cstdlib>
#include <new>
#include <unistd.h>

#include "malloc/malloc_internal.h"
#include "malloc/no_runtime.h"
#include "malloc/operators.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define INLINE __attribute__((always_inline)) inline
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define CALLER (reinterpret_cast<uintptr_t>(__builtin_return_address(0)))

namespace std
{
void __throw_bad_alloc() __attribute__((weak, noreturn));
}

/* std::get_new_handler, under a name that can be tested. */
extern "C" std::new_handler qy__get_new_handler(void) __asm__("_ZSt15get_new_handlerv")
	__attribute__((weak));

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

INLINE void *alloc(size_t size, size_t align, qy_family family, uintptr_t caller)
{
	void *p = qy__malloc_new(size, align, family, caller);

	if (LIKELY(p))
		return p;
	p = alloc_slow(size, align, family, caller);
	if (!p)
		fail();
	return p;
}

INLINE void *alloc_nothrow(size_t size, size_t align, qy_family family, uintptr_t caller) noexcept
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

INLINE bool all_ours() noexcept
{
	return LIKELY(__atomic_load_n(&qy__ops_state, __ATOMIC_RELAXED) == QY__OPS_OURS) ||
	       !qy__ops_replaced_slow();
}

constexpr qy_family family_of(unsigned int form)
{
	return form & QY__OP_ARRAY ? QY_FAMILY_NEW_ARRAY : QY_FAMILY_NEW;
}

template <unsigned int form> INLINE void *form_new(size_t size, size_t align, uintptr_t caller)
{
	if (LIKELY(all_ours()))
		return alloc(size, align, family_of(form), caller);
	if (qy__op_is_theirs(form))
		return qy__op_new_slow(form, size, align);
	return alloc(size, align, QY_FAMILY_NONE, caller);
}

template <unsigned int form>
INLINE void *form_new_nothrow(size_t size, size_t align, uintptr_t caller) noexcept
{
	if (LIKELY(all_ours()))
		return alloc_nothrow(size, align, family_of(form), caller);
	if (qy__op_is_theirs(form))
		return qy__op_new_nothrow_slow(form, size, align);
	return alloc_nothrow(size, align, QY_FAMILY_NONE, caller);
}

template <unsigned int form>
INLINE void form_delete(void *p, size_t size, size_t align, uintptr_t caller) noexcept
{
	if (LIKELY(all_ours())) {
		if (form & (QY__OP_SIZED | QY__OP_ALIGNED))
			qy__malloc_delete(p, form, size, align, family_of(form), caller);
		else
			qy__malloc_delete_plain(p, family_of(form), caller);
	} else if (qy__op_is_theirs(form)) {
		qy__op_delete_slow(form, p, size, align);
	} else {
		qy__malloc_delete_plain(p, QY_FAMILY_NONE, caller);
	}
}

} // namespace

/* ---- new ---- */

QY_API void *operator new(size_t size)
{
	return form_new<0>(size, 0, CALLER);
}

QY_API void *operator new[](size_t size)
{
	return form_new<QY__OP_ARRAY>(size, 0, CALLER);
}

QY_API void *operator new(size_t size, const std::nothrow_t &) noexcept
{
	return form_new_nothrow<QY__OP_NOTHROW>(size, 0, CALLER);
}

QY_API void *operator new[](size_t size, const std::nothrow_t &) noexcept
{
	return form_new_nothrow<QY__OP_ARRAY | QY__OP_NOTHROW>(size, 0, CALLER);
}

QY_API void *operator new(size_t size, std::align_val_t align)
{
	return form_new<QY__OP_ALIGNED>(size, static_cast<size_t>(align), CALLER);
}

QY_API void *operator new[](size_t size, std::align_val_t align)
{
	return form_new<QY__OP_ARRAY | QY__OP_ALIGNED>(size, static_cast<size_t>(align), CALLER);
}

QY_API void *operator new(size_t size, std::align_val_t align, const std::nothrow_t &) noexcept
{
	return form_new_nothrow<QY__OP_ALIGNED | QY__OP_NOTHROW>(size, static_cast<size_t>(align),
								 CALLER);
}

QY_API void *operator new[](size_t size, std::align_val_t align, const std::nothrow_t &) noexcept
{
	return form_new_nothrow<QY__OP_ARRAY | QY__OP_ALIGNED | QY__OP_NOTHROW>(
		size, static_cast<size_t>(align), CALLER);
}

/* ---- delete ---- */

QY_API void operator delete(void *p) noexcept
{
	form_delete<QY__OP_DELETE>(p, 0, 0, CALLER);
}

QY_API void operator delete[](void *p) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_ARRAY>(p, 0, 0, CALLER);
}

/* Called when a constructor throws in a nothrow new expression. */
QY_API void operator delete(void *p, const std::nothrow_t &) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_NOTHROW>(p, 0, 0, CALLER);
}

QY_API void operator delete[](void *p, const std::nothrow_t &) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_ARRAY | QY__OP_NOTHROW>(p, 0, 0, CALLER);
}

QY_API void operator delete(void *p, size_t size) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_SIZED>(p, size, 0, CALLER);
}

QY_API void operator delete[](void *p, size_t size) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_ARRAY | QY__OP_SIZED>(p, size, 0, CALLER);
}

QY_API void operator delete(void *p, std::align_val_t align) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_ALIGNED>(p, 0, static_cast<size_t>(align), CALLER);
}

QY_API void operator delete[](void *p, std::align_val_t align) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_ARRAY | QY__OP_ALIGNED>(p, 0, static_cast<size_t>(align),
								   CALLER);
}

QY_API void operator delete(void *p, std::align_val_t align, const std::nothrow_t &) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_ALIGNED | QY__OP_NOTHROW>(
		p, 0, static_cast<size_t>(align), CALLER);
}

QY_API void operator delete[](void *p, std::align_val_t align, const std::nothrow_t &) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_ARRAY | QY__OP_ALIGNED | QY__OP_NOTHROW>(
		p, 0, static_cast<size_t>(align), CALLER);
}

QY_API void operator delete(void *p, size_t size, std::align_val_t align) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_SIZED | QY__OP_ALIGNED>(
		p, size, static_cast<size_t>(align), CALLER);
}

QY_API void operator delete[](void *p, size_t size, std::align_val_t align) noexcept
{
	form_delete<QY__OP_DELETE | QY__OP_ARRAY | QY__OP_SIZED | QY__OP_ALIGNED>(
		p, size, static_cast<size_t>(align), CALLER);
}
