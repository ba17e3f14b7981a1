/* SPDX-License-Identifier: MIT */
/*
 * poison.h - what the bytes of a freed object hold. A word of 0 stands for the kernel's bytes.
 */
#ifndef QY_DEBUG_POISON_H
#define QY_DEBUG_POISON_H

#include "page/page.h"

struct qy__damage;

/* @seed: another one gives other words. */
void qy__poison_init(struct qy_mm *mm, uint64_t seed);
/* The word of one object. */
uint64_t qy__poison_word(const struct qy_mm *mm, const void *object);
/* Fill with a word that is not 0; @p need not be aligned. */
void qy__poison_fill(void *p, size_t n, uint64_t word);
/* Damage of an object, aligned to 8, of @n bytes that are all poison. */
bool qy__poison_find(const void *object, size_t n, uint64_t word, struct qy__damage *d);
/*
 * Was @word, or a pointer little beyond it, read out of freed memory of @mm? For who explains a
 * crash: reads nothing but what the instance was made with.
 */
bool qy__debug_is_poison(const struct qy_mm *mm, uint64_t word);

#endif
