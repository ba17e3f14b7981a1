/* SPDX-License-Identifier: MIT */
/* texts.h - everything that info.h can print of an instance, but who owns pages: see image.py. */
#ifndef TESTS_IMAGE_TEXTS_H
#define TESTS_IMAGE_TEXTS_H

#include <stdio.h>
#include <stdlib.h>

#include <quarry/info.h>

static inline void print_texts(struct qy_mm *mm, FILE *f)
{
	static const struct {
		const char *name;
		size_t (*print)(struct qy_mm *mm, char *buf, size_t size);
	} text[] = {
		{"slabinfo", qy_slabinfo},
		{"buddyinfo", qy_buddyinfo},
		{"pagetypeinfo", qy_pagetypeinfo},
		{"zoneinfo", qy_zoneinfo},
		{"meminfo", qy_meminfo},
		{"unusable_index", qy_unusable_index},
		{"extfrag_index", qy_extfrag_index},
		{"json", qy_info_json},
	};
	static char buf[1 << 22];

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		text[i].print(mm, buf, sizeof(buf));
		fprintf(f, "== %s\n%s\n", text[i].name, buf);
	}
}

#endif
