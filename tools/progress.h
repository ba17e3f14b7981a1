/* SPDX-License-Identifier: MIT */
/*
 * progress.h - a line on the terminal while something takes long.
 *
 * Only if standard error is a terminal; the line is taken back before anything else is printed.
 */
#ifndef QUARRY_PROGRESS_H
#define QUARRY_PROGRESS_H

/* Work on @what goes on. Shown after a second without progress_end(), then twice a second. */
void progress_step(const char *what);
/* It ended, or output comes. */
void progress_end(void);

#endif
