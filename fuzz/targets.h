/* SPDX-License-Identifier: MIT */
/*
 * targets.h - every fuzz target there is, for the programs: a new one is added here and in
 * targets.c.
 *
 * A program for one target links that one alone: fuzz/meson.build defines FZ_TARGET as one of these
 * names. `quarry replay` looks in the table.
 */
#ifndef QY_FUZZ_TARGETS_H
#define QY_FUZZ_TARGETS_H

#include "harness.h"

extern const struct fz_target fz_page_target;	  /* fuzz_page.c */
extern const struct fz_target fz_slab_target;	  /* fuzz_slab.c */
extern const struct fz_target fz_bootmem_target;  /* fuzz_bootmem.c */
extern const struct fz_target fz_memblock_target; /* fuzz_memblock.c */

/* NULL: no such. */
const struct fz_target *fz_target_named(const char *name);
/* The one that the first bytes of an input name; NULL: none. */
const struct fz_target *fz_target_of_input(const uint8_t *data, size_t size);

#endif
