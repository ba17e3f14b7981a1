/* SPDX-License-Identifier: MIT */
/*
 * mutator.h - changes to an input that keep its operations whole. Everything random comes from
 * @seed.
 */
#ifndef QY_FUZZ_MUTATOR_H
#define QY_FUZZ_MUTATOR_H

#include "ops.h"

/* Change @data in place, at most @max bytes. Returns the new size. */
size_t fz_mutate(const struct fz_format *format, uint8_t *data, size_t size, size_t max,
		 uint32_t seed);
/* A new input out of two. */
size_t fz_splice(const struct fz_format *format, const uint8_t *a, size_t a_size, const uint8_t *b,
		 size_t b_size, uint8_t *out, size_t max, uint32_t seed);
/* An input out of nothing, with @nr operations. */
size_t fz_generate(const struct fz_format *format, uint8_t *out, size_t max, unsigned int nr,
		   uint64_t seed);

#endif
