/* SPDX-License-Identifier: MIT */
/*
 * context.h - what depends on the machine about a signal: the registers of the code it interrupted,
 * and going to another stack.
 */
#ifndef QY_UTIL_CONTEXT_H
#define QY_UTIL_CONTEXT_H

#include <stdint.h>
#include <ucontext.h>

#include "util/compiler.h"

#define QY__MAX_REGS 32u

struct qy__context {
	uintptr_t pc, sp, fp; /* 0: not known on this machine */
	uintptr_t reg[QY__MAX_REGS];
	unsigned int nr_regs;
	const char
		*access; /* of a fault: "read", "written", or "accessed" where that is not told */
};

#if defined(__x86_64__)
#define PAGE_FAULT 14
#define WRITE_FAULT 2

static inline void qy__context_read(struct qy__context *c, const ucontext_t *uc)
{
	const greg_t *r = uc->uc_mcontext.gregs;

	*c = (struct qy__context){
		.pc = (uintptr_t)r[REG_RIP],
		.sp = (uintptr_t)r[REG_RSP],
		.fp = (uintptr_t)r[REG_RBP],
		.nr_regs = REG_RIP, /* the general ones come before it */
		.access = "accessed",
	};
	for (unsigned int i = 0; i < c->nr_regs; i++)
		c->reg[i] = (uintptr_t)r[i];
	if (r[REG_TRAPNO] == PAGE_FAULT)
		c->access = r[REG_ERR] & WRITE_FAULT ? "written" : "read";
}

/*
 * Call @fn(@arg) on another stack: that of the thread may be used up, the alternate one is small.
 */
static inline void qy__call_on(char *top, void (*fn)(void *), void *arg)
{
	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "mov %[top], %%rsp\n\t"
			 "call *%[fn]\n\t"
			 "mov %%rbx, %%rsp"
			 : "+D"(arg), [top] "+S"(top), [fn] "+d"(fn)
			 :
			 : "rbx", "rax", "rcx", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2",
			   "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
			   "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
}
#elif defined(__aarch64__)
static inline void qy__context_read(struct qy__context *c, const ucontext_t *uc)
{
	*c = (struct qy__context){
		.pc = (uintptr_t)uc->uc_mcontext.pc,
		.sp = (uintptr_t)uc->uc_mcontext.sp,
		.fp = (uintptr_t)uc->uc_mcontext.regs[29],
		.nr_regs = 31,
		.access = "accessed",
	};
	for (unsigned int i = 0; i < c->nr_regs; i++)
		c->reg[i] = (uintptr_t)uc->uc_mcontext.regs[i];
}

static inline void qy__call_on(char *top, void (*fn)(void *), void *arg)
{
	register void *x0 __asm__("x0") = arg;

	__asm__ volatile("mov x19, sp\n\t"
			 "mov sp, %[top]\n\t"
			 "blr %[fn]\n\t"
			 "mov sp, x19"
			 : "+r"(x0)
			 : [top] "r"(top), [fn] "r"(fn)
			 : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			   "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x30", "v0",
			   "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",
			   "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21",
			   "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
			   "memory", "cc");
}
#else
static inline void qy__context_read(struct qy__context *c, const ucontext_t *uc)
{
	(void)uc;
	*c = (struct qy__context){.access = "accessed"};
}

static inline void qy__call_on(char *top, void (*fn)(void *), void *arg)
{
	(void)top;
	fn(arg);
}
#endif

#endif
