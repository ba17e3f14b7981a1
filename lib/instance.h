/* SPDX-License-Identifier: MIT */
/*
 * instance.h - the default instance with a configuration of the caller's, for the malloc drop-ins.
 */
#ifndef QY_INSTANCE_H
#define QY_INSTANCE_H

#include <quarry/page.h>

/* What the debug build looks for when nobody says. */
#define QY__DEFAULT_DEBUG "slab_debug=FZPU quarantine=16M red_zone=64"

/*
 * qy_mm_default(), made with @cfg if it does not stand yet. A debug string that is not understood
 * is complained of on standard error and replaced by the default: the program shall run all the
 * same.
 */
struct qy_mm *qy__mm_default_with(const struct qy_mm_config *cfg);

struct qy__look;

/* As qy_validate(), as far as @look lets it. */
unsigned int qy__validate_look(struct qy_mm *mm, struct qy__look *look);

#endif
