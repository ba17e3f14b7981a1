/* SPDX-License-Identifier: MIT */
/*
 * symbolize.h - module and offset → function, file and line.
 *
 * Modules are opened once and kept. Debug information may be in the module, in a file named by its
 * build id or by .gnu_debuglink.
 */
#ifndef QUARRY_SYMBOLIZE_H
#define QUARRY_SYMBOLIZE_H

#include <stdbool.h>
#include <stdint.h>

struct symbolizer;

#define SYM_MAX_FRAMES 16 /* one address: functions inlined into each other */

struct sym_frame {
	char *function; /* demangled; NULL: not known */
	char *file;	/* NULL: not known */
	int line;
	uint64_t offset; /* of the address in the function; the outermost frame's only */
	uint64_t size;	 /* of the function; 0: not known */
	bool standard;	 /* a function of namespace std, or of libstdc++'s own */
};

struct symbolizer *symbolizer_new(void);
void symbolizer_free(struct symbolizer *s);

/*
 * @offset: ELF virtual address of a *return address* in @module; the call before it is looked up.
 * Return: number of frames, innermost first; the last one is the function that really exists, those
 * before it were inlined. 0: nothing is known. *@frames stays valid as long as @s.
 */
unsigned int symbolizer_resolve(struct symbolizer *s, const char *module, uint64_t offset,
				const struct sym_frame **frames);
/*
 * The variable, or else the function (*@is_code), at @offset of @module: "NAME" or "NAME+0x10", to
 * be freed. NULL: none.
 */
char *symbolizer_variable(struct symbolizer *s, const char *module, uint64_t offset, bool *is_code);

#endif
