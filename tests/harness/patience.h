/* SPDX-License-Identifier: MIT */
/*
 * patience.h - nets for what hangs. None of them is a verdict on a slow or busy machine: seconds of
 * the clock on the wall are multiplied by QUARRY_TEST_PATIENCE (default 10), seconds of the
 * processor, which others cannot take away, are not.
 */
#ifndef TESTS_HARNESS_PATIENCE_H
#define TESTS_HARNESS_PATIENCE_H

#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_DEFAULT 10u
#define PATIENCE_MOST 1000u

static inline unsigned int patience(void)
{
	const char *text = getenv("QUARRY_TEST_PATIENCE");
	unsigned long factor = text ? strtoul(text, NULL, 10) : PATIENCE_DEFAULT;

	return factor < 1 || factor > PATIENCE_MOST ? PATIENCE_DEFAULT : (unsigned int)factor;
}

/* alarm(): what waits for ever ends by SIGALRM. */
static inline void patient_alarm(unsigned int seconds)
{
	alarm(seconds * patience());
}

/* And what runs for ever ends by SIGPROF after @seconds of the processor's time. */
static inline void patient_limits(unsigned int seconds)
{
	const struct itimerval spent = {.it_value = {.tv_sec = seconds}};

	patient_alarm(seconds);
	setitimer(ITIMER_PROF, &spent, NULL);
}

#endif
