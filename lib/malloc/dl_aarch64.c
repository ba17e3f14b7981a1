/* SPDX-License-Identifier: MIT */
/*
 * dl_aarch64.c - the stand-ins for dlopen(file, mode) and dlmopen(namespace, file, mode): see dl.c.
 *
 * The arguments are kept over the call of qy__malloc_before_dlopen(), the stack is aligned for it;
 * then everything is as it was but for the mode.
 */
#include "malloc/deepbind.h"

#if defined(__aarch64__)
__asm__(".text\n"
	".globl dlopen\n"
	".type dlopen, %function\n"
	"dlopen:\n"
	"	.cfi_startproc\n"
	"	stp x29, x30, [sp, #-32]!\n"
	"	.cfi_def_cfa_offset 32\n"
	"	.cfi_offset 29, -32\n"
	"	.cfi_offset 30, -24\n"
	"	str x0, [sp, #16]\n"
	"	mov w0, w1\n"
	"	bl qy__malloc_before_dlopen\n"
	"	mov w1, w0\n"
	"	ldr x0, [sp, #16]\n"
	"	ldp x29, x30, [sp], #32\n"
	"	.cfi_def_cfa_offset 0\n"
	"	.cfi_restore 29\n"
	"	.cfi_restore 30\n"
	"	adrp x16, qy__real_dlopen\n"
	"	ldr x16, [x16, #:lo12:qy__real_dlopen]\n"
	"	br x16\n"
	"	.cfi_endproc\n"
	".size dlopen, . - dlopen\n"
	".globl dlmopen\n"
	".type dlmopen, %function\n"
	"dlmopen:\n"
	"	.cfi_startproc\n"
	"	stp x29, x30, [sp, #-32]!\n"
	"	.cfi_def_cfa_offset 32\n"
	"	.cfi_offset 29, -32\n"
	"	.cfi_offset 30, -24\n"
	"	stp x0, x1, [sp, #16]\n"
	"	mov w0, w2\n"
	"	bl qy__malloc_before_dlopen\n"
	"	mov w2, w0\n"
	"	ldp x0, x1, [sp, #16]\n"
	"	ldp x29, x30, [sp], #32\n"
	"	.cfi_def_cfa_offset 0\n"
	"	.cfi_restore 29\n"
	"	.cfi_restore 30\n"
	"	adrp x16, qy__real_dlmopen\n"
	"	ldr x16, [x16, #:lo12:qy__real_dlmopen]\n"
	"	br x16\n"
	"	.cfi_endproc\n"
	".size dlmopen, . - dlmopen\n");
#endif
