/* SPDX-License-Identifier: MIT */
/*
 * zonelist.h - the order in which zones are tried: by distance of their nodes, highest zone first.
 */
#ifndef QY_PAGE_ZONELIST_H
#define QY_PAGE_ZONELIST_H

#include "page/page.h"

#define QY__LISTS_A_NODE 2 /* everywhere; this node only */

/*
 * Bytes that the lists of @nr_nodes need. qy__zonelists_build fills zonelist.index (so many bytes,
 * zonelist.stride entries a list) from nr_nodes, topology and zonelist.order. A zone is in it if
 * its limits leave it pages, whether they are brought in yet or not.
 */
size_t qy__zonelists_bytes(unsigned int nr_nodes);
void qy__zonelists_build(struct qy_mm *mm);
/*
 * Nodes by distance from @node, itself first. A node that had the second place for one is less
 * favoured for the next, so that equal nodes are used in rotation: @load has one entry per node,
 * zero before the first call, and the calls go from node 0 upwards.
 */
void qy__node_order(const struct qy_mm *mm, unsigned int node, unsigned int *load, uint8_t *order);

/* The list of @node: all nodes, or (THISNODE) its own zones only. */
static inline const uint16_t *qy__zonelist(const struct qy_mm *mm, unsigned int node, qy_gfp_t gfp)
{
	return mm->zonelist.index +
	       (node * QY__LISTS_A_NODE + !!(gfp & QY_GFP_THISNODE)) * (size_t)mm->zonelist.stride;
}

#endif
