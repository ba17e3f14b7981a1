/* SPDX-License-Identifier: MIT */
/*
 * functions.c - sorted ranges of a unit's functions; see functions.h.
 */
#include "functions.h"

#include <dwarf.h>
#include <stdlib.h>

#include "tool.h"

#define MAX_NESTING 32 /* of namespaces */
#define LOOK_BACK 8    /* ranges that begin before an address: they may overlap */

struct range {
	Dwarf_Addr start, end;
	Dwarf_Die die;
};

struct functions {
	struct functions *next;
	Dwarf_Off unit; /* offset of its entry */
	struct range *range;
	size_t nr, cap;
};

static void add_ranges(struct functions *f, Dwarf_Die *die)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
		if (f->nr == f->cap) {
			f->cap = f->cap ? 2 * f->cap : 64;
			f->range = tool_grow(f->range, f->cap * sizeof(*f->range));
		}
		f->range[f->nr++] = (struct range){start, end, *die};
	}
}

/* Functions stand in the unit itself or, as some compilers write it, in namespaces. */
static void add_children(struct functions *f, Dwarf_Die *parent, unsigned int depth)
{
	Dwarf_Die die;

	if (depth == MAX_NESTING || dwarf_child(parent, &die) != 0)
		return;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			add_ranges(f, &die);
		else if (tag == DW_TAG_namespace || tag == DW_TAG_module)
			add_children(f, &die, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static struct functions *get_unit(struct functions **all, Dwarf_Die *cu)
{
	Dwarf_Off unit = dwarf_dieoffset(cu);
	struct functions *f;

	for (f = *all; f; f = f->next)
		if (f->unit == unit)
			return f;
	f = tool_alloc(sizeof(*f));
	f->unit = unit;
	add_children(f, cu, 0);
	if (f->nr)
		qsort(f->range, f->nr, sizeof(*f->range), by_start);
	f->next = *all;
	*all = f;
	return f;
}

bool functions_find(struct functions **all, Dwarf_Die *cu, Dwarf_Addr pc, Dwarf_Die *function)
{
	const struct functions *f = get_unit(all, cu);
	size_t low = 0, high = f->nr;

	/* Ranges before @low begin at @pc or below. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->range[middle].start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = 0; i < low && i < LOOK_BACK; i++) {
		if (pc < f->range[low - 1 - i].end) {
			*function = f->range[low - 1 - i].die;
			return true;
		}
	}
	return false;
}

void functions_free(struct functions *all)
{
	struct functions *next;

	for (; all; all = next) {
		next = all->next;
		free(all->range);
		free(all);
	}
}

static bool is_scope(int tag)
{
	return tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine ||
	       tag == DW_TAG_try_block || tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

/* The child of @parent that holds @pc. */
static bool inner_scope(Dwarf_Die *parent, Dwarf_Addr pc, Dwarf_Die *inner)
{
	if (dwarf_child(parent, inner) != 0)
		return false;
	do {
		if (is_scope(dwarf_tag(inner)) && dwarf_haspc(inner, pc) == 1)
			return true;
	} while (dwarf_siblingof(inner, inner) == 0);
	return false;
}

unsigned int functions_scopes(const Dwarf_Die *function, Dwarf_Addr pc, Dwarf_Die *scopes,
			      unsigned int max)
{
	unsigned int nr = 1;

	scopes[0] = *function;
	while (nr < max && inner_scope(&scopes[nr - 1], pc, &scopes[nr]))
		nr++;
	return nr;
}
