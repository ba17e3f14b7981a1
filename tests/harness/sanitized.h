/* SPDX-License-Identifier: MIT */
/*
 * sanitized.h - SANITIZED: is this program under the address or the thread sanitizer? Their own
 * locks do not survive fork() in a process with threads, and their stacks are not the program's.
 */
#ifndef TESTS_HARNESS_SANITIZED_H
#define TESTS_HARNESS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#endif
