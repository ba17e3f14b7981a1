/* SPDX-License-Identifier: MIT */
/*
 * functions.h - address → function of a compilation unit.
 *
 * libdw walks over all entries of a unit for each question. A unit of many functions, asked often,
 * is walked over once here; then a question is a binary search.
 */
#ifndef QUARRY_FUNCTIONS_H
#define QUARRY_FUNCTIONS_H

#include <elfutils/libdw.h>
#include <stdbool.h>

struct functions; /* of the units that were asked so far; NULL: none */

/* The function of @cu that holds @pc, or false. *@all grows. */
bool functions_find(struct functions **all, Dwarf_Die *cu, Dwarf_Addr pc, Dwarf_Die *function);
void functions_free(struct functions *all);

/*
 * @function and the blocks and inlined functions in it that hold @pc, from the outermost inwards.
 * Return: how many, at least 1, at most @max.
 */
unsigned int functions_scopes(const Dwarf_Die *function, Dwarf_Addr pc, Dwarf_Die *scopes,
			      unsigned int max);

#endif
