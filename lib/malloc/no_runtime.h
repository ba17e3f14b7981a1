/* SPDX-License-Identifier: MIT */
/*
 * no_runtime.h - what the compiler refers to for a catch is weak: in a C program there is no C++
 * runtime, and nothing is thrown. For each file of C++ that catches.
 */
#ifndef QY_MALLOC_NO_RUNTIME_H
#define QY_MALLOC_NO_RUNTIME_H

__asm__(".weak __gxx_personality_v0\n"
	".weak __cxa_begin_catch\n"
	".weak __cxa_end_catch\n"
	".weak _ZSt9terminatev\n"
	".weak _Unwind_Resume\n");

#endif
