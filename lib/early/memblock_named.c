/* SPDX-License-Identifier: MIT */
/* memblock_named.c - reservations that others find by name (reserve_mem=size:align:name). */
#include "early/memblock.h"

#include <errno.h>
#include <string.h>

static bool is_blank(const char *name)
{
	return name[strspn(name, " \t\n\v\f\r")] == '\0';
}

static int find_name(const struct qy_memblock *mb, const char *name)
{
	for (uint32_t i = 0; i < mb->nr_names; i++)
		if (!strcmp(mb->names[i].name, name))
			return (int)i;
	return -1;
}

int qy_memblock_reserve_named(struct qy_memblock *mb, const char *name, qy_addr_t size,
			      qy_addr_t align)
{
	struct qy_memblock_name *slot = &mb->names[mb->nr_names];
	size_t len = strnlen(name, QY_MEMBLOCK_NAME_LEN + 1);
	qy_addr_t at;

	if (!size || !len || len > QY_MEMBLOCK_NAME_LEN || is_blank(name))
		return -EINVAL;
	if (mb->nr_names >= QY_MEMBLOCK_NAMES || find_name(mb, name) >= 0)
		return -EBUSY;
	at = qy_memblock_phys_alloc(mb, size, max(align, (qy_addr_t)QY__MEMBLOCK_ALIGN));
	if (!at)
		return -ENOMEM;
	*slot = (struct qy_memblock_name){.start = at, .size = size};
	memcpy(slot->name, name, len);
	mb->nr_names++;
	return 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static unsigned int suffix_shift(char c)
{
	switch (c | 0x20) {
	case 'k': return 10;
	case 'm': return 20;
	case 'g': return 30;
	case 't': return 40;
	default: return 0;
	}
}

/* A number of at least one digit, with its suffix, up to ':'. NULL: it is not, or too big. */
static const char *parse_size(const char *p, qy_addr_t *value)
{
	unsigned int radix = p[0] != '0' ? 10 : (p[1] | 0x20) == 'x' ? 16 : 8, shift;
	const char *first = p + (radix == 16 ? 2 : 0);
	qy_addr_t v = 0;

	for (p = first; digit(*p) < (int)radix; p++) {
		if (v > (QY__ADDR_MAX - (unsigned int)digit(*p)) / radix)
			return NULL;
		v = v * radix + (unsigned int)digit(*p);
	}
	if (p == first)
		return NULL;
	shift = suffix_shift(*p);
	if (v << shift >> shift != v)
		return NULL;
	*value = v << shift;
	p += shift != 0;
	return *p == ':' ? p + 1 : NULL;
}

int qy_memblock_reserve_mem(struct qy_memblock *mb, const char *option)
{
	qy_addr_t size, align;

	option = parse_size(option, &size);
	if (option)
		option = parse_size(option, &align);
	return option ? qy_memblock_reserve_named(mb, option, size, align) : -EINVAL;
}

bool qy_memblock_find_named(const struct qy_memblock *mb, const char *name, qy_addr_t *start,
			    qy_addr_t *size)
{
	int i = find_name(mb, name);

	if (i < 0)
		return false;
	*start = mb->names[i].start;
	*size = mb->names[i].size;
	return true;
}

int qy_memblock_release_named(struct qy_memblock *mb, const char *name)
{
	int i = find_name(mb, name), err;

	if (i < 0)
		return -ENOENT;
	err = qy_memblock_free(mb, mb->names[i].start, mb->names[i].size);
	if (err)
		return err;
	mb->names[i] = mb->names[--mb->nr_names];
	return 0;
}
