/* SPDX-License-Identifier: MIT */
/* all_texts.h - everything that info.h can print of an instance; who owns pages comes last. */
#ifndef TESTS_HARNESS_ALL_TEXTS_H
#define TESTS_HARNESS_ALL_TEXTS_H

#include <stddef.h>

#include <quarry/info.h>

static const struct {
	const char *name;
	size_t (*print)(struct qy_mm *mm, char *buf, size_t size);
} all_texts[] = {
	{"slabinfo", qy_slabinfo},
	{"buddyinfo", qy_buddyinfo},
	{"pagetypeinfo", qy_pagetypeinfo},
	{"zoneinfo", qy_zoneinfo},
	{"meminfo", qy_meminfo},
	{"unusable_index", qy_unusable_index},
	{"extfrag_index", qy_extfrag_index},
	{"json", qy_info_json},
	{"page_owner", qy_page_owner},
};

#define NR_TEXTS (sizeof(all_texts) / sizeof(all_texts[0]))

#endif
