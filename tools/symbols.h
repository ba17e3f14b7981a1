/* SPDX-License-Identifier: MIT */
/*
 * symbols.h - address → entry of a module's symbol table.
 *
 * libdw goes through the whole table for each question. Here the functions' entries are sorted
 * once; where more than one holds an address, libdw decides as ever.
 */
#ifndef QUARRY_SYMBOLS_H
#define QUARRY_SYMBOLS_H

#include <elfutils/libdwfl.h>
#include <stdint.h>

struct symbols;

struct symbols *symbols_new(Dwfl_Module *mod);
void symbols_free(struct symbols *s);
/*
 * The name of what @addr lies in, *@into bytes behind its begin, *@size bytes long (0: not said),
 * or NULL.
 */
const char *symbols_find(const struct symbols *s, GElf_Addr addr, uint64_t *into, uint64_t *size);

#endif
