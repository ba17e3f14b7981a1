/* SPDX-License-Identifier: MIT */
/* osif_internal.h - the back ends, and mmap() and its kin: for the files of this folder only. */
#ifndef QY_OSIF_INTERNAL_H
#define QY_OSIF_INTERNAL_H

#include "osif/osif.h"

extern const struct qy__osif_ops qy__osif_anon_ops;
extern const struct qy__osif_ops qy__osif_claim_ops;
extern const struct qy__osif_ops qy__osif_arena_ops;

/* What anonymous memory has in common, however its span was had. */
size_t qy__osif_discard(struct qy__osif *os, void *addr, size_t len);
void *qy__osif_map(struct qy__osif *os, size_t len, size_t align, size_t guard);
void qy__osif_unmap(struct qy__osif *os, void *addr, size_t len, size_t guard);
bool qy__osif_move(struct qy__osif *os, void *to, void *from, size_t len, size_t guard);
void qy__osif_protect(struct qy__osif *os, void *addr, size_t len);
int qy__osif_access(struct qy__osif *os, void *addr, size_t len, bool on);

/* Bytes of a page of the system's. */
size_t qy__osif_page_size(void);

/* Is a sanitizer's runtime in the process? It must hear of mappings, and says where they may be. */
bool qy__osif_is_sanitized(void);

/* As the system calls, errno kept. mmap: the address / -errno; the others: 0 / -errno. */
long qy__osif_mmap(void *addr, size_t len, int prot, int flags);
int qy__osif_munmap(void *addr, size_t len);
int qy__osif_mprotect(void *addr, size_t len, int prot);
int qy__osif_mremap(void *from, size_t len, void *to);
int qy__osif_madvise(void *addr, size_t len, int advice);

#endif
