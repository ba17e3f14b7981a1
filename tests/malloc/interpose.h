/* SPDX-License-Identifier: MIT */
/*
 * interpose.h - one stand-in: all registers that may hold arguments are kept, interpose_note() is
 * told who calls which, and the true function is jumped to. See interpose.py.
 */
#ifndef TESTS_MALLOC_INTERPOSE_H
#define TESTS_MALLOC_INTERPOSE_H

extern const char *const interpose_name[];
extern const char *const interpose_version[];
extern const char interpose_allowed[];
extern const unsigned int interpose_nr;
extern void *interpose_real[];

/* Return: the true function. */
void *interpose_note(unsigned int nr, const void *caller);

/* Stack: 8 vector registers below 8 others, then the return address. */
#define INTERPOSE(name, nr)                                                                        \
	__asm__(".globl " #name "\n.type " #name ",@function\n" #name ":\n"                        \
		"	push %rbp; mov %rsp, %rbp\n"                                                     \
		"	push %rdi; push %rsi; push %rdx; push %rcx; push %r8; push %r9\n"                \
		"	push %rax; push %r10; sub $128, %rsp; and $-16, %rsp\n"                          \
		"	movaps %xmm0, (%rsp); movaps %xmm1, 16(%rsp)\n"                                  \
		"	movaps %xmm2, 32(%rsp); movaps %xmm3, 48(%rsp)\n"                                \
		"	movaps %xmm4, 64(%rsp); movaps %xmm5, 80(%rsp)\n"                                \
		"	movaps %xmm6, 96(%rsp); movaps %xmm7, 112(%rsp)\n"                               \
		"	mov $" #nr ", %edi; mov 8(%rbp), %rsi\n"                                   \
		"	call interpose_note@PLT\n"                                                       \
		"	mov %rax, %r11\n"                                                                \
		"	movaps (%rsp), %xmm0; movaps 16(%rsp), %xmm1\n"                                  \
		"	movaps 32(%rsp), %xmm2; movaps 48(%rsp), %xmm3\n"                                \
		"	movaps 64(%rsp), %xmm4; movaps 80(%rsp), %xmm5\n"                                \
		"	movaps 96(%rsp), %xmm6; movaps 112(%rsp), %xmm7\n"                               \
		"	lea -64(%rbp), %rsp\n"                                                           \
		"	pop %r10; pop %rax; pop %r9; pop %r8; pop %rcx; pop %rdx; pop %rsi\n"            \
		"	pop %rdi; pop %rbp\n"                                                            \
		"	jmp *%r11\n");

#endif
