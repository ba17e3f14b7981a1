/* SPDX-License-Identifier: MIT */
/*
 * ops_slab.c - the format of target slab: an instance with its debug string (ops_instance.c), and
 * nothing besides.
 *
 * Decoder, printer and mutator are given the table at the end.
 */
#include "ops.h"

static void decode_header(struct fz_input *in, const uint8_t h[FZ_HEADER])
{
	fz_instance_decode_header(&in->geo, h);
	fz_instance_decode_debug(&in->geo, h);
}

static void say_slab(struct fz_text *t, const struct fz_geometry *geo)
{
	fz_say(t, ", %s classes, debug \"%s\", red zone %u", geo->fine_classes ? "fine" : "kernel",
	       geo->debug, geo->red_zone);
}

static void say_header(struct fz_text *t, const struct fz_input *in)
{
	fz_instance_say_header(t, in, say_slab);
}

static const uint8_t frees[] = {FZ_CACHE_FREE, FZ_KFREE, FZ_FREE_PAGES, FZ_CACHE_FREE_BULK};

const struct fz_format fz_slab_format = {
	.name = "slab",
	.which = FZ_T_SLAB,
	.letter = 'S',
	.version = 1,
	.frees = frees,
	.nr_frees = sizeof(frees),
	.decode_header = decode_header,
	.say_header = say_header,
	.say_field = fz_instance_say_field,
};
