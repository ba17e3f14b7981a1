/* SPDX-License-Identifier: MIT */
/*
 * claim.c - does the way an object is given back fit the way it was asked for?
 *
 * One release has at most one report: what comes from another family need not be right in size.
 * Alignments up to malloc's are the same to new and delete; beyond, the plain delete does not fit
 * the aligned new, nor the other way round.
 */
#include "debug/debug.h"

#define USUAL_ALIGN ((size_t)16)

static bool other_family(const struct qy__origin *o, const struct qy__call *call)
{
	return o->family && call->family && o->family != call->family;
}

static bool other_size(const struct qy__origin *o, const struct qy__call *call)
{
	return call->sized && call->size != o->size;
}

static bool other_align(const struct qy__origin *o, const struct qy__call *call)
{
	bool is_delete = call->family == QY_FAMILY_NEW || call->family == QY_FAMILY_NEW_ARRAY;
	size_t claimed = call->aligned ? call->align : 0;

	if (!call->aligned && !(is_delete && o->family == call->family))
		return false;
	return max(claimed, USUAL_ALIGN) != max(o->align, USUAL_ALIGN);
}

enum qy_report_kind qy__debug_mismatch(const struct qy__origin *o, const struct qy__call *call)
{
	/* What belongs to no family may be longer than whoever claims its size was told. */
	if (!o->known || (call->family && !o->family))
		return QY_REPORT_NONE;
	if (other_family(o, call))
		return QY_REPORT_FAMILY_MISMATCH;
	if (other_size(o, call) || other_align(o, call))
		return QY_REPORT_SIZE_MISMATCH;
	return QY_REPORT_NONE;
}

static const char *family_name(enum qy_family family)
{
	static const char *const name[QY_NR_FAMILIES] = {
		[QY_FAMILY_NONE] = "kernel API",
		[QY_FAMILY_MALLOC] = "malloc",
		[QY_FAMILY_NEW] = "operator new",
		[QY_FAMILY_NEW_ARRAY] = "operator new[]",
	};

	return (unsigned int)family < QY_NR_FAMILIES ? name[family] : "?";
}

void qy__debug_mismatch_title(struct qy_report *r, const struct qy__origin *o,
			      const struct qy__call *call)
{
	if (other_family(o, call))
		qy__report_title(r, "Allocated by the family of %s, given to that of %s",
				 family_name(o->family), family_name(call->family));
	else if (other_size(o, call))
		qy__report_title(r, "Freed with size %zu, allocated with %zu", call->size, o->size);
	else
		qy__report_title(r, "Freed with alignment %zu, allocated with %zu",
				 call->aligned ? call->align : 0, o->align);
}
