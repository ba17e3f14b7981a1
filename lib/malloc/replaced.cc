/* SPDX-License-Identifier: MIT */
/*
 * replaced.cc - calls of the program's own forms of operator new and delete, in place of ours.
 */
#include <cstddef>
#include <new>

#include "malloc/no_runtime.h"
#include "malloc/operators.h"

namespace
{

/* std::nothrow is libstdc++'s, which need not be there. */
const std::nothrow_t nothrow_arg = std::nothrow_t();

using new_fn = void *(size_t);
using new_aligned_fn = void *(size_t, std::align_val_t);
using new_nothrow_fn = void *(size_t, const std::nothrow_t &);
using new_aligned_nothrow_fn = void *(size_t, std::align_val_t, const std::nothrow_t &);
using delete_fn = void(void *);
using delete_sized_fn = void(void *, size_t);
using delete_aligned_fn = void(void *, std::align_val_t);
using delete_both_fn = void(void *, size_t, std::align_val_t);
using delete_nothrow_fn = void(void *, const std::nothrow_t &);
using delete_aligned_nothrow_fn = void(void *, std::align_val_t, const std::nothrow_t &);

template <typename F> F *as(void *p) noexcept
{
	return reinterpret_cast<F *>(p);
}

std::align_val_t val(size_t align) noexcept
{
	return static_cast<std::align_val_t>(align);
}

} // namespace

void *qy__op_new_slow(unsigned int form, size_t size, size_t align)
{
	const struct qy__op &op = qy__op[form];
	void *theirs = op.own ? op.own : op.base;

	if (form & QY__OP_ALIGNED)
		return as<new_aligned_fn>(theirs)(size, val(align));
	return as<new_fn>(theirs)(size);
}

void *qy__op_new_nothrow_slow(unsigned int form, size_t size, size_t align) noexcept
{
	void *own = qy__op[form].own;

	if (own && (form & QY__OP_ALIGNED))
		return as<new_aligned_nothrow_fn>(own)(size, val(align), nothrow_arg);
	if (own)
		return as<new_nothrow_fn>(own)(size, nothrow_arg);
	try {
		return qy__op_new_slow(form, size, align);
	} catch (...) {
		return nullptr;
	}
}

static void delete_own(void *own, unsigned int form, void *p, size_t size, size_t align) noexcept
{
	switch (form & (QY__OP_ALIGNED | QY__OP_NOTHROW | QY__OP_SIZED)) {
	case QY__OP_SIZED: return as<delete_sized_fn>(own)(p, size);
	case QY__OP_SIZED | QY__OP_ALIGNED: return as<delete_both_fn>(own)(p, size, val(align));
	case QY__OP_NOTHROW: return as<delete_nothrow_fn>(own)(p, nothrow_arg);
	case QY__OP_NOTHROW | QY__OP_ALIGNED:
		return as<delete_aligned_nothrow_fn>(own)(p, val(align), nothrow_arg);
	case QY__OP_ALIGNED: return as<delete_aligned_fn>(own)(p, val(align));
	default: return as<delete_fn>(own)(p);
	}
}

void qy__op_delete_slow(unsigned int form, void *p, size_t size, size_t align) noexcept
{
	const struct qy__op &op = qy__op[form];

	if (op.own)
		delete_own(op.own, form, p, size, align);
	else if (form & QY__OP_ALIGNED)
		as<delete_aligned_fn>(op.base)(p, val(align));
	else
		as<delete_fn>(op.base)(p);
}
