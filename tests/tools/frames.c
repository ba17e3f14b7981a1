/* SPDX-License-Identifier: MIT */
/*
 * frames.c - prints itself as a stack frame of a report: the return address of a call made in a
 * function that is inlined into another. The test knows the functions' names and the marked lines.
 */
#ifndef _GNU_SOURCE /* g++ has it built in */
#define _GNU_SOURCE
#endif
#include <link.h>
#include <stdint.h>
#include <stdio.h>

static uintptr_t load_bias;

static int first_module(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	load_bias = info->dlpi_addr;
	return 1;
}

__attribute__((noinline)) static int print_frame(const char *module)
{
	uintptr_t pc = (uintptr_t)__builtin_return_address(0);

	return printf("    #0 0x%lx (%s+0x%lx)\n", (unsigned long)pc, module,
		      (unsigned long)(pc - load_bias));
}

__attribute__((always_inline)) static inline int inlined_caller(const char *module)
{
	return print_frame(module) + 1; /* line: inner */
}

__attribute__((noinline)) static int real_caller(const char *module)
{
	return inlined_caller(module) + 1; /* line: outer */
}

int main(int argc, char **argv)
{
	(void)argc;
	dl_iterate_phdr(first_module, NULL);
	return real_caller(argv[0]) > 0 ? 0 : 1;
}
