/* SPDX-License-Identifier: MIT */
/*
 * operators.h - the forms of operator new and delete, and whose they are. Read by C and C++.
 *
 * A program may replace any of them; the forms that it does not replace are then the standard's,
 * each in terms of another: the array form calls the single one, nothrow the throwing one, sized
 * the one without size. A block of a form that is replaced may have a header in front of it, come
 * from a pool, or be longer than was asked for: it must go back the way it came.
 */
#ifndef QY_MALLOC_OPERATORS_H
#define QY_MALLOC_OPERATORS_H

#include <quarry/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How size_t is spelt in their names. */
#if __SIZEOF_SIZE_T__ == 8
#define QY__OP_SIZE "m"
#else
#define QY__OP_SIZE "j"
#endif

QY_BEGIN_DECLS

/* A form is its kind, and what it says beyond it. */
enum {
	QY__OP_ARRAY = 1,
	QY__OP_ALIGNED = 2,
	QY__OP_NOTHROW = 4,
	QY__OP_DELETE = 8,
	QY__OP_SIZED = 16, /* of delete; never with nothrow */
	QY__NR_OPS = 32,
};

/* What a form of ours is to do. */
struct qy__op {
	void *own;  /* this form of the program's, hidden behind ours: call it; else NULL */
	void *base; /* the program's form that it rests on, without size or nothrow; else NULL */
};

/* Indexed by form; final once qy__ops_known. */
extern struct qy__op qy__op[QY__NR_OPS] __attribute__((visibility("hidden")));
enum { QY__OPS_UNKNOWN, QY__OPS_OURS, QY__OPS_REPLACED };
extern uint8_t qy__ops_state __attribute__((visibility("hidden")));

/* Look whose the forms are; after the dynamic linker has bound the program's libraries. */
void qy__ops_init(void);
/* Is any of them replaced? Looks, if nobody has. */
bool qy__ops_replaced_slow(void);
/* Is a call of this form of ours to be handed on? */
static inline bool qy__op_is_theirs(unsigned int form)
{
	return qy__op[form].own || qy__op[form].base;
}
/* The linker's name of a form; NULL: there is no such form. */
const char *qy__op_name(unsigned int form);

#ifdef __cplusplus
/*
 * replaced.cc: hand on a call of @form, which is theirs. May throw what theirs throws; nothrow
 * forms do not.
 */
void *qy__op_new_slow(unsigned int form, size_t size, size_t align);
void *qy__op_new_nothrow_slow(unsigned int form, size_t size, size_t align) noexcept;
void qy__op_delete_slow(unsigned int form, void *p, size_t size, size_t align) noexcept;
#endif

QY_END_DECLS

#endif
