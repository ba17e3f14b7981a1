/* SPDX-License-Identifier: MIT */
/*
 * seen.h - the states that a breadth-first search has met: queue, set and way back in one.
 *
 * A state is a word from which it can be made again; two states are the same if their keys are.
 * Beside it, whence it came and by which operation.
 */
#ifndef TESTS_MODEL_SEEN_H
#define TESTS_MODEL_SEEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seen {
	uint64_t *state; /* in the order in which they were met */
	uint64_t *key;
	uint32_t *parent;
	uint32_t *op;
	uint32_t *table; /* index + 1, open addressing */
	uint64_t mask;
	uint32_t nr, room;
};

static inline void *seen_array(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p) {
		printf("no memory\n");
		exit(2);
	}
	return p;
}

static inline void seen_init(struct seen *s, uint32_t room)
{
	uint64_t slots = 16;

	while (slots < 2 * (uint64_t)room)
		slots *= 2;
	*s = (struct seen){.mask = slots - 1, .room = room};
	s->table = seen_array(slots, sizeof(*s->table));
	s->state = seen_array(room, sizeof(*s->state));
	s->key = seen_array(room, sizeof(*s->key));
	s->parent = seen_array(room, sizeof(*s->parent));
	s->op = seen_array(room, sizeof(*s->op));
}

static inline void seen_drop(struct seen *s)
{
	free(s->table);
	free(s->state);
	free(s->key);
	free(s->parent);
	free(s->op);
	*s = (struct seen){.nr = 0};
}

/* False: it is new, and there is no room for it. */
static inline bool seen_add(struct seen *s, uint64_t key, uint64_t state, uint32_t parent,
			    uint32_t op)
{
	uint64_t slot = key * UINT64_C(0x9e3779b97f4a7c15);

	for (slot ^= slot >> 32;; slot++) {
		uint32_t i = s->table[slot & s->mask];

		if (i && s->key[i - 1] == key)
			return true;
		if (!i)
			break;
	}
	if (s->nr == s->room)
		return false;
	s->state[s->nr] = state;
	s->key[s->nr] = key;
	s->parent[s->nr] = parent;
	s->op[s->nr] = op;
	s->table[slot & s->mask] = ++s->nr;
	return true;
}

/* The states from the first one (left out) to @i, in @path; returns how many. */
static inline unsigned int seen_path(const struct seen *s, uint32_t i, uint32_t *path,
				     unsigned int most)
{
	unsigned int nr = 0;

	for (uint32_t at = i; at && nr < most; at = s->parent[at])
		nr++;
	for (unsigned int k = nr; k--; i = s->parent[i])
		path[k] = i;
	return nr;
}

/* The states from the first one to @now, and the operations that led there. */
static inline void seen_print_way(const struct seen *s, uint32_t now, void (*draw)(uint64_t state),
				  void (*print_op)(uint32_t op))
{
	static uint32_t path[1024];
	unsigned int nr = seen_path(s, now, path, sizeof(path) / sizeof(path[0]));

	printf("  at first ");
	draw(s->state[0]);
	for (unsigned int i = 0; i < nr; i++) {
		printf("           ");
		print_op(s->op[path[i]]);
		printf("\n  gives    ");
		draw(s->state[path[i]]);
	}
}

#endif
