/* SPDX-License-Identifier: MIT */
/*
 * symbols.c - a sorted symbol table; see symbols.h.
 */
#include "symbols.h"

#include <stdbool.h>
#include <stdlib.h>

#include "tool.h"

struct entry {
	GElf_Addr start, end;
	const char *name;
};

struct symbols {
	Dwfl_Module *mod;
	struct entry *entry;
	size_t nr;
	bool *overlaps; /* its bytes are also another's */
};

static int by_start(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start > y->start ? 1 : -1;
	return (x->end > y->end) - (x->end < y->end);
}

static void mark_overlaps(struct symbols *s)
{
	GElf_Addr end = 0;
	size_t longest = 0; /* of those so far, the one that ends last */

	s->overlaps = tool_alloc(s->nr * sizeof(*s->overlaps));
	for (size_t i = 0; i < s->nr; i++) {
		if (i && s->entry[i].start < end)
			s->overlaps[i] = s->overlaps[longest] = true;
		if (s->entry[i].end > end) {
			end = s->entry[i].end;
			longest = i;
		}
	}
}

struct symbols *symbols_new(Dwfl_Module *mod)
{
	struct symbols *s = tool_alloc(sizeof(*s));
	int nr = dwfl_module_getsymtab(mod);

	s->mod = mod;
	s->entry = tool_alloc((size_t)(nr > 0 ? nr : 0) * sizeof(*s->entry));
	for (int i = 0; i < nr; i++) {
		GElf_Addr addr;
		GElf_Sym sym;
		const char *name = dwfl_module_getsym_info(mod, i, &sym, &addr, NULL, NULL, NULL);

		if (name && *name && sym.st_size && sym.st_shndx != SHN_UNDEF &&
		    GELF_ST_TYPE(sym.st_info) == STT_FUNC)
			s->entry[s->nr++] = (struct entry){addr, addr + sym.st_size, name};
	}
	qsort(s->entry, s->nr, sizeof(*s->entry), by_start);
	mark_overlaps(s);
	return s;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	free(s->entry);
	free(s->overlaps);
	free(s);
}

const char *symbols_find(const struct symbols *s, GElf_Addr addr, uint64_t *into, uint64_t *size)
{
	size_t low = 0, high = s->nr;
	const char *name;
	GElf_Off offset;
	GElf_Sym sym;

	/* Entries before @low begin at @addr or below. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->entry[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low && addr < s->entry[low - 1].end && !s->overlaps[low - 1]) {
		*into = addr - s->entry[low - 1].start;
		*size = s->entry[low - 1].end - s->entry[low - 1].start;
		return s->entry[low - 1].name;
	}
	name = dwfl_module_addrinfo(s->mod, addr, &offset, &sym, NULL, NULL, NULL);
	if (name) {
		*into = offset;
		*size = sym.st_size;
	}
	return name;
}
