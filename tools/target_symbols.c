/* SPDX-License-Identifier: MIT */
/*
 * target_symbols.c - does a program define a function? Asked of both symbol tables: the dynamic
 * one, and the full one, which also holds what is hidden and may be stripped.
 */
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static bool is_it(const GElf_Sym *symbol, bool undefined_too)
{
	if (symbol->st_shndx == SHN_UNDEF)
		return undefined_too;
	return GELF_ST_TYPE(symbol->st_info) == STT_FUNC ||
	       GELF_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC;
}

static bool section_has(Elf *elf, Elf_Scn *section, const char *name, bool undefined_too)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Shdr header;
	size_t nr;

	if (!data || !gelf_getshdr(section, &header) || !header.sh_entsize)
		return false;
	nr = header.sh_size / header.sh_entsize;
	for (size_t i = 0; i < nr; i++) {
		const char *text;
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol) || !is_it(&symbol, undefined_too))
			continue;
		text = elf_strptr(elf, header.sh_link, symbol.st_name);
		if (text && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

bool target_has_symbol(const char *path, const char *name, bool undefined_too)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf_Scn *section = NULL;
	bool found = false;
	Elf *elf;

	if (fd < 0)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	while (elf && !found && (section = elf_nextscn(elf, section))) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) &&
		    (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
			found = section_has(elf, section, name, undefined_too);
	}
	if (elf)
		elf_end(elf);
	close(fd);
	return found;
}
