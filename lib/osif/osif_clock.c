/* SPDX-License-Identifier: MIT */
/*
 * osif_clock.c - the time, without the C library: a library that stands in for clock_gettime() (a
 * fake clock) may allocate.
 *
 * The kernel maps a small shared object (vDSO) into each process, where the clock is read without
 * a system call. Its function is looked up once, by a walk over its tables. Where it is not there
 * (Valgrind, some architectures) the system call is made; on a machine whose clock the vDSO cannot
 * read, the vDSO makes it itself.
 */
#include "osif/osif.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

#include "util/atomic.h"
#include "util/compiler.h"
#include "util/sys.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
#define MOST_SYMBOLS 4096u

typedef int (*clock_fn)(clockid_t id, struct timespec *ts);

/* What is needed of the vDSO's dynamic section. */
struct tables {
	uintptr_t base; /* added to its addresses */
	const ElfW(Sym) * sym;
	const char *str;
	const uint32_t *hash, *gnu_hash;
};

static bool find_tables(const ElfW(Ehdr) * eh, struct tables *t)
{
	const ElfW(Phdr) *ph = (const void *)((const char *)eh + eh->e_phoff);
	const ElfW(Dyn) *dyn = NULL;
	bool loaded = false;

	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && !loaded) {
			t->base = (uintptr_t)eh + ph[i].p_offset - ph[i].p_vaddr;
			loaded = true;
		} else if (ph[i].p_type == PT_DYNAMIC) {
			dyn = (const void *)((const char *)eh + ph[i].p_offset);
		}
	}
	for (; loaded && dyn && dyn->d_tag != DT_NULL; dyn++) {
		const void *at = (const void *)(t->base + dyn->d_un.d_ptr);

		switch (dyn->d_tag) {
		case DT_SYMTAB: t->sym = at; break;
		case DT_STRTAB: t->str = at; break;
		case DT_HASH: t->hash = at; break;
		case DT_GNU_HASH: t->gnu_hash = at; break;
		default: break;
		}
	}
	return t->sym && t->str && (t->hash || t->gnu_hash);
}

/* Newer kernels leave the old hash table out, which has the number; then the last chain's end. */
static uint32_t nr_symbols(const struct tables *t)
{
	const uint32_t *g = t->gnu_hash, *bucket, *chain;
	uint32_t last = 0;

	if (t->hash)
		return t->hash[1];
	bucket = g + 4 + g[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
	chain = bucket + g[0];
	for (uint32_t i = 0; i < g[0]; i++)
		last = max(last, bucket[i]);
	if (last < g[1])
		return 0;
	while (!(chain[last - g[1]] & 1))
		last++;
	return last + 1;
}

static clock_fn find_clock(void)
{
	static const char *const names[] = {"__vdso_clock_gettime", "__kernel_clock_gettime"};
	const ElfW(Ehdr) *eh = (const void *)getauxval(AT_SYSINFO_EHDR);
	struct tables t = {0};
	uint32_t nr;

	if (!eh || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 || !find_tables(eh, &t))
		return NULL;
	nr = min(nr_symbols(&t), MOST_SYMBOLS);
	for (uint32_t i = 0; i < nr; i++) {
		const ElfW(Sym) *s = &t.sym[i];

		for (size_t n = 0; s->st_shndx != SHN_UNDEF && n < ARRAY_SIZE(names); n++) {
			if (!strcmp(t.str + s->st_name, names[n]))
				return (clock_fn)(t.base + s->st_value);
		}
	}
	return NULL;
}

static int by_system_call(clockid_t id, struct timespec *ts)
{
	return (int)qy__sys2(SYS_clock_gettime, id, ts);
}

uint64_t qy__osif_monotonic(void)
{
	static clock_fn clock;
	clock_fn fn = qy__load_relaxed(&clock);
	struct timespec ts = {.tv_sec = 0};

	if (unlikely(!fn)) {
		fn = find_clock();
		if (!fn)
			fn = by_system_call;
		qy__store_relaxed(&clock, fn);
	}
	fn(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}
