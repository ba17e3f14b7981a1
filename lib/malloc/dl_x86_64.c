/* SPDX-License-Identifier: MIT */
/*
 * dl_x86_64.c - the stand-ins for dlopen(file, mode) and dlmopen(namespace, file, mode): see dl.c.
 *
 * The arguments are kept over the call of qy__malloc_before_dlopen(), the stack is aligned for it;
 * then everything is as it was but for the mode.
 */
#include "malloc/deepbind.h"

#if defined(__x86_64__)
__asm__(".text\n"
	".globl dlopen\n"
	".type dlopen, @function\n"
	"dlopen:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	push %rdi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	mov %esi, %edi\n"
	"	call qy__malloc_before_dlopen\n"
	"	mov %eax, %esi\n"
	"	pop %rdi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	jmp *qy__real_dlopen(%rip)\n"
	"	.cfi_endproc\n"
	".size dlopen, . - dlopen\n"
	".globl dlmopen\n"
	".type dlmopen, @function\n"
	"dlmopen:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	push %rdi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %rsi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	sub $8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	mov %edx, %edi\n"
	"	call qy__malloc_before_dlopen\n"
	"	mov %eax, %edx\n"
	"	add $8, %rsp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rsi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rdi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	jmp *qy__real_dlmopen(%rip)\n"
	"	.cfi_endproc\n"
	".size dlmopen, . - dlmopen\n");
#endif
