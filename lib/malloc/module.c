/* SPDX-License-Identifier: MIT */
/*
 * module.c - modules by address, and their symbols, read from their own tables.
 *
 * dlsym() would do, but it takes the dynamic linker's lock, looks into the libraries that a module
 * needs as well, and leaves its failures to dlerror().
 */
#include "malloc/module.h"

#include <stddef.h>
#include <string.h>

#include "malloc/module_find.h"

struct search {
	uintptr_t addr;
	struct qy__module *module;
};

static int has_addr(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *s = arg;
	const ElfW(Dyn) *dynamic = NULL;
	bool inside = false;

	(void)size;
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t start = (uintptr_t)(info->dlpi_addr + ph->p_vaddr);

		if (ph->p_type == PT_DYNAMIC)
			dynamic = (const ElfW(Dyn) *)start;
		if (ph->p_type == PT_LOAD && s->addr - start < ph->p_memsz)
			inside = true;
	}
	if (!inside || !dynamic)
		return 0;
	s->module->load = (uintptr_t)info->dlpi_addr;
	s->module->dynamic = dynamic;
	return 1;
}

bool qy__elf_module_at(uintptr_t addr, struct qy__module *module)
{
	struct search s = {.addr = addr, .module = module};
	bool known, found = find_object(addr, module, &known);

	return known ? found : dl_iterate_phdr(has_addr, &s) != 0;
}

/* The tables that a lookup needs; addresses in the dynamic section may not be relocated. */
struct tables {
	const uint32_t *gnu_hash, *hash;
	const ElfW(Sym) * symbols;
	const char *strings;
	size_t soname;
};

static const void *relocated(const struct qy__module *m, const ElfW(Dyn) * d)
{
	uintptr_t at = (uintptr_t)d->d_un.d_ptr;

	return (const void *)(at < m->load ? at + m->load : at);
}

static struct tables tables_of(const struct qy__module *m)
{
	struct tables t = {.soname = 0};

	for (const ElfW(Dyn) *d = m->dynamic; d->d_tag != DT_NULL; d++) {
		switch (d->d_tag) {
		case DT_GNU_HASH: t.gnu_hash = relocated(m, d); break;
		case DT_HASH: t.hash = relocated(m, d); break;
		case DT_SYMTAB: t.symbols = relocated(m, d); break;
		case DT_STRTAB: t.strings = relocated(m, d); break;
		case DT_SONAME: t.soname = (size_t)d->d_un.d_val; break;
		default: break;
		}
	}
	return t;
}

static bool is_definition(const struct tables *t, uint32_t index, const char *name)
{
	const ElfW(Sym) *sym = &t->symbols[index];

	return sym->st_shndx != SHN_UNDEF && !strcmp(t->strings + sym->st_name, name);
}

/* Header: buckets, index of the first symbol, words of the filter, its shift. */
static bool gnu_hash_has(const struct tables *t, const char *name)
{
	const uint32_t *head = t->gnu_hash, *buckets, *chain;
	const ElfW(Addr) *filter = (const ElfW(Addr) *)(head + 4);
	uint32_t nr_buckets = head[0], first = head[1], nr_filter = head[2], shift = head[3];
	const unsigned int bits = 8 * sizeof(ElfW(Addr));
	uint32_t hash = 5381, i;
	ElfW(Addr) word;

	for (const char *p = name; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	if (!nr_buckets || !nr_filter)
		return false;
	word = filter[hash / bits % nr_filter];
	if (!(word >> hash % bits & word >> (hash >> shift) % bits & 1))
		return false;
	buckets = (const uint32_t *)(filter + nr_filter);
	chain = buckets + nr_buckets;
	i = buckets[hash % nr_buckets];
	if (i < first)
		return false;
	for (;; i++) {
		uint32_t h = chain[i - first];

		if ((h | 1) == (hash | 1) && is_definition(t, i, name))
			return true;
		if (h & 1)
			return false;
	}
}

bool qy__module_defines(const struct qy__module *module, const char *name)
{
	struct tables t = tables_of(module);

	if (!t.symbols || !t.strings)
		return false;
	if (t.gnu_hash)
		return gnu_hash_has(&t, name);
	/* DT_HASH: its second word is the number of symbols. */
	for (uint32_t i = 0; t.hash && i < t.hash[1]; i++)
		if (is_definition(&t, i, name))
			return true;
	return false;
}

const char *qy__module_soname(const struct qy__module *module)
{
	struct tables t = tables_of(module);

	return t.soname && t.strings ? t.strings + t.soname : "";
}
