/* SPDX-License-Identifier: MIT */
/* texts.h - everything that info.h can print of an instance, but who owns pages: see image.py. */
#ifndef TESTS_IMAGE_TEXTS_H
#define TESTS_IMAGE_TEXTS_H

#include <stdio.h>
#include <stdlib.h>

#include "all_texts.h"

static inline void print_texts(struct qy_mm *mm, FILE *f)
{
	static char buf[1 << 22];

	for (size_t i = 0; i < NR_TEXTS; i++) {
		if (all_texts[i].print == qy_page_owner)
			continue;
		all_texts[i].print(mm, buf, sizeof(buf));
		fprintf(f, "== %s\n%s\n", all_texts[i].name, buf);
	}
}

#endif
