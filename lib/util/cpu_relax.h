/* SPDX-License-Identifier: MIT */
/* cpu_relax.h - tell the processor that this is a spin loop. */
#ifndef QY_UTIL_CPU_RELAX_H
#define QY_UTIL_CPU_RELAX_H

static inline void qy__cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
