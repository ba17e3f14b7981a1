/* SPDX-License-Identifier: MIT */
/*
 * libunwind_fix.c - keep libunwind off the program's file descriptors.
 *
 * libunwind (up to 1.8 at least) finds out whether memory can be read by sending a byte of it
 * through a pipe, whose two descriptors it keeps. A program that closes what it has not opened
 * (ssh), or puts something else in the place of descriptor 3 (a shell), then has libunwind read
 * from and write to its own files (libunwind issues 274 and 291). Under a preloaded allocator that
 * would happen to any program.
 *
 * So the functions that make, fill and drain the pipe are replaced, in the import table of this one
 * library: the pipe is a number that is no descriptor, and writing to it asks the kernel about the
 * address in a way that needs none. Calls with any other descriptor are passed on. The same way
 * serves for mincore(): so there is one system call less that a sandbox has to allow.
 */
#include "util/libunwind_fix.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "util/align.h"
#include "util/compiler.h"
#include "util/sys.h"

typedef ElfW(Dyn) Dyn;
typedef ElfW(Ehdr) Ehdr;
typedef ElfW(Phdr) Phdr;
typedef ElfW(Rela) Rela;
typedef ElfW(Sym) Sym;

#define NO_PIPE (-1000) /* both ends */
#define MAX_IMPORTS 4096u

bool qy__is_readable(uintptr_t addr)
{
	/*
	 * The kernel copies the new mask in before it looks at how: EFAULT if that cannot be done.
	 */
	return qy__sys4(SYS_rt_sigprocmask, ~0, qy__align_down(addr, 8), 0, 8) != -EFAULT;
}

/* What the C library's functions return. */
static long set_errno(long ret)
{
	if (!qy__sys_failed(ret))
		return ret;
	errno = (int)-ret;
	return -1;
}

static int fake_pipe(int fd[2])
{
	fd[0] = NO_PIPE;
	fd[1] = NO_PIPE;
	return 0;
}

static int fake_pipe2(int fd[2], int flags)
{
	(void)flags;
	return fake_pipe(fd);
}

static ssize_t fake_read(int fd, void *buf, size_t count)
{
	if (fd != NO_PIPE)
		return set_errno(qy__sys3(SYS_read, fd, buf, count));
	return set_errno(-EAGAIN); /* open, and drained */
}

static ssize_t fake_write(int fd, const void *buf, size_t count)
{
	if (fd != NO_PIPE)
		return set_errno(qy__sys3(SYS_write, fd, buf, count));
	return set_errno(qy__is_readable((uintptr_t)buf) ? (long)count : -EFAULT);
}

static long fake_syscall(long nr, ...)
{
	long arg[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_write && (int)arg[0] == NO_PIPE)
		return fake_write(NO_PIPE, (const void *)arg[1], (size_t)arg[2]);
	return set_errno(qy__sys6(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]));
}

/* What libunwind asks in truth: whether the pages can be read. */
static int fake_mincore(void *addr, size_t len, unsigned char *vec)
{
	size_t page = (size_t)getauxval(AT_PAGESZ);

	for (size_t i = 0; i < len; i += page) {
		if (!qy__is_readable((uintptr_t)addr + i))
			return (int)set_errno(-ENOMEM);
		vec[i / page] = 1;
	}
	return 0;
}

static const struct fake {
	const char *name;
	void (*fn)(void);
} fakes[] = {
	{"pipe", (void (*)(void))fake_pipe},	   {"pipe2", (void (*)(void))fake_pipe2},
	{"read", (void (*)(void))fake_read},	   {"write", (void (*)(void))fake_write},
	{"syscall", (void (*)(void))fake_syscall}, {"mincore", (void (*)(void))fake_mincore},
};

/* The import table of a loaded library. */
struct imports {
	uintptr_t base;
	const Sym *sym;
	const char *str;
	const Rela *table[2]; /* of functions called through the PLT; of the others */
	size_t nr[2];
};

static bool find_imports(const struct link_map *map, struct imports *im)
{
	*im = (struct imports){.base = map->l_addr};
	for (const Dyn *d = map->l_ld; d->d_tag != DT_NULL; d++) {
		switch (d->d_tag) {
		case DT_SYMTAB: im->sym = (const void *)d->d_un.d_ptr; break;
		case DT_STRTAB: im->str = (const void *)d->d_un.d_ptr; break;
		case DT_JMPREL: im->table[0] = (const void *)d->d_un.d_ptr; break;
		case DT_PLTRELSZ: im->nr[0] = d->d_un.d_val / sizeof(Rela); break;
		case DT_RELA: im->table[1] = (const void *)d->d_un.d_ptr; break;
		case DT_RELASZ: im->nr[1] = d->d_un.d_val / sizeof(Rela); break;
		case DT_PLTREL:
			if (d->d_un.d_val != DT_RELA)
				return false;
			break;
		default: break;
		}
	}
	/* Some C libraries leave addresses in the table as they are in the file: not for us. */
	return im->sym && im->str && (uintptr_t)im->str > im->base;
}

/* The slot may lie in the part that the linker has made read-only. */
static bool write_slot(uintptr_t *slot, void (*fn)(void), bool read_only)
{
	size_t page = (size_t)getauxval(AT_PAGESZ);
	void *start = (void *)qy__align_down((uintptr_t)slot, page);

	if (read_only && qy__sys3(SYS_mprotect, start, page, PROT_READ | PROT_WRITE))
		return false;
	*slot = (uintptr_t)fn;
	if (read_only)
		qy__sys3(SYS_mprotect, start, page, PROT_READ);
	return true;
}

static bool is_relro(uintptr_t base, uintptr_t addr)
{
	const Ehdr *eh = (const void *)base;
	const Phdr *ph = (const void *)(base + eh->e_phoff);
	size_t page = (size_t)getauxval(AT_PAGESZ);

	for (unsigned int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_GNU_RELRO && addr >= base + ph[i].p_vaddr &&
		    addr < qy__align_down(base + ph[i].p_vaddr + ph[i].p_memsz, page))
			return true;
	return false;
}

/* Return: false if the import could not be redirected. */
static bool redirect(const struct imports *im, const Rela *rel)
{
	const char *name = im->str + im->sym[ELF64_R_SYM(rel->r_info)].st_name;
	uintptr_t slot = im->base + rel->r_offset;

	if (!ELF64_R_SYM(rel->r_info))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++)
		if (!strcmp(name, fakes[i].name))
			return write_slot((uintptr_t *)slot, fakes[i].fn, is_relro(im->base, slot));
	return true;
}

bool qy__libunwind_fix(void *lib)
{
	const struct link_map *map = lib; /* what dlopen() returns is one */
	struct imports im;

	if (sizeof(void *) != 8 || memcmp((const void *)map->l_addr, ELFMAG, SELFMAG) ||
	    !find_imports(map, &im))
		return false;
	for (int t = 0; t < 2; t++) {
		if (im.nr[t] > MAX_IMPORTS)
			return false;
		for (size_t i = 0; im.table[t] && i < im.nr[t]; i++)
			if (!redirect(&im, &im.table[t][i]))
				return false;
	}
	return true;
}
