/* SPDX-License-Identifier: MIT */
/*
 * interpose.c - what all stand-ins do. It calls no function by a name that it stands in for itself,
 * but dlvsym(), malloc() and free().
 *
 * True functions are looked up at the first call, whoever makes it: the dynamic linker's own lookup
 * calls functions of the C library by addresses that cannot be stood in for.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "interpose.h"

#define MOST 512

static __thread int interpose_inside __attribute__((tls_model("initial-exec")));
unsigned int interpose_count[MOST];
/* The drop-in's addresses. */
uintptr_t interpose_from, interpose_to;

/* From the program: its thread is in a call of malloc's kin from now on, or no more. */
void interpose_enter(int on)
{
	interpose_inside = on;
}

/* By its version: dlsym() is one of them, and a lookup that fails allocates. */
static void *look_up(unsigned int nr)
{
	void *at = dlvsym(RTLD_NEXT, interpose_name[nr], interpose_version[nr]);

	if (!at)
		__builtin_trap();
	return at;
}

/*
 * On the stack: the number, the caller. All registers that may hold arguments are kept; the true
 * function is jumped to.
 */
__asm__(".hidden interpose_common\n"
	".globl interpose_common\n"
	"interpose_common:\n"
	"push %rbp\n"
	"mov %rsp, %rbp\n"
	"push %rdi\n"
	"push %rsi\n"
	"push %rdx\n"
	"push %rcx\n"
	"push %r8\n"
	"push %r9\n"
	"push %rax\n"
	"push %r10\n"
	"sub $128, %rsp\n"
	"and $-16, %rsp\n"
	"movaps %xmm0, 0(%rsp)\n"
	"movaps %xmm1, 16(%rsp)\n"
	"movaps %xmm2, 32(%rsp)\n"
	"movaps %xmm3, 48(%rsp)\n"
	"movaps %xmm4, 64(%rsp)\n"
	"movaps %xmm5, 80(%rsp)\n"
	"movaps %xmm6, 96(%rsp)\n"
	"movaps %xmm7, 112(%rsp)\n"
	"mov 8(%rbp), %edi\n"
	"mov 16(%rbp), %rsi\n"
	"call interpose_note@PLT\n"
	"mov %rax, %r11\n"
	"movaps 0(%rsp), %xmm0\n"
	"movaps 16(%rsp), %xmm1\n"
	"movaps 32(%rsp), %xmm2\n"
	"movaps 48(%rsp), %xmm3\n"
	"movaps 64(%rsp), %xmm4\n"
	"movaps 80(%rsp), %xmm5\n"
	"movaps 96(%rsp), %xmm6\n"
	"movaps 112(%rsp), %xmm7\n"
	"lea -64(%rbp), %rsp\n"
	"pop %r10\n"
	"pop %rax\n"
	"pop %r9\n"
	"pop %r8\n"
	"pop %rcx\n"
	"pop %rdx\n"
	"pop %rsi\n"
	"pop %rdi\n"
	"pop %rbp\n"
	"add $8, %rsp\n"
	"jmp *%r11\n");

/* Return: the true function. */
void *interpose_note(unsigned int nr, const void *caller);

void *interpose_note(unsigned int nr, const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	if (!__atomic_load_n(&interpose_real[nr], __ATOMIC_RELAXED)) {
		int inside = interpose_inside;

		interpose_inside = 0;
		__atomic_store_n(&interpose_real[nr], look_up(nr), __ATOMIC_RELAXED);
		interpose_inside = inside;
	}
	if (!interpose_allowed[nr] && interpose_inside && at >= interpose_from &&
	    at < interpose_to) {
		__atomic_fetch_add(&interpose_count[nr], 1, __ATOMIC_RELAXED);
		free(malloc(40)); /* as a library might: round and round, if it is called again */
	}
	return interpose_real[nr];
}
