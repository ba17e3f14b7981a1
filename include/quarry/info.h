/* SPDX-License-Identifier: MIT */
/*
 * quarry/info.h - the state in the kernel's text formats. Read-only.
 */
#ifndef QUARRY_INFO_H
#define QUARRY_INFO_H

#include <quarry/types.h>

QY_BEGIN_DECLS

/**
 * qy_slabinfo, qy_buddyinfo - text as /proc/slabinfo (version 2.1) and /proc/buddyinfo print it.
 * Return: length of the whole text; at most @size - 1 bytes of it are in @buf, always terminated.
 */
QY_API size_t qy_slabinfo(struct qy_mm *mm, char *buf, size_t size);
QY_API size_t qy_buddyinfo(struct qy_mm *mm, char *buf, size_t size);
/**
 * qy_page_owner - who allocated each block, as the kernel's page_owner prints it; for tools such as
 * page_owner_sort. Nothing, if QY_PAGE_OWNER is off.
 * Return: as qy_slabinfo().
 */
QY_API size_t qy_page_owner(struct qy_mm *mm, char *buf, size_t size);

QY_END_DECLS

#endif
