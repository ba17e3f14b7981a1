/* SPDX-License-Identifier: MIT */
/* interpose.h - one stand-in: its number, and on to what all of them do. See interpose.py. */
#ifndef TESTS_MALLOC_INTERPOSE_H
#define TESTS_MALLOC_INTERPOSE_H

extern const char *const interpose_name[];
extern const char *const interpose_version[];
extern const char interpose_allowed[];
extern const unsigned int interpose_nr;
extern void *interpose_real[];

#define INTERPOSE(name, nr)                                                                        \
	__asm__(".globl " #name "\n"                                                               \
		".type " #name ",@function\n" #name ":\n"                                          \
		"push $" #nr "\n"                                                                  \
		"jmp interpose_common\n");

#endif
