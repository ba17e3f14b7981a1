/* SPDX-License-Identifier: MIT */
/*
 * poison.c - what the bytes of a freed object hold.
 *
 * Kernel-style: 0x6b …, the last byte 0xa5. A write that leaves a byte as it was is not seen:
 * `*d += 1.0` does not change a double of 0x6b6b6b6b6b6b6b6b, which is far too large.
 *
 * Objects of malloc's classes (QY_CLASSES_FINE) hold, in each aligned word of 8 bytes, one word of
 * their own, which no program can know: made of address and instance.
 *
 *   byte   7     6    5    4    3    2    1    0
 *          0xa?  run  …    …    0xa? …    …    …      each of them 0x80 … 0xfe
 *
 * As a double, and either half as a float, it is a small number that changes when anything is added
 * to it; as a pointer it can be followed by no program, since the upper bits are not all equal. No
 * byte is zero, a character of ASCII, a small number or -1: such a byte written alone is always
 * found. Bytes 6 and 7 are the same for all objects of an instance: a crash is explained by them.
 */
#include "debug/poison.h"

#include <string.h>

#include "debug/debug.h"
#include "util/bytes.h"
#include "util/hash.h"

#define WORD sizeof(uint64_t)
#define HIGH_SHIFT 48
#define NIBBLE_SHIFT 28
#define SMALL UINT64_C(0xa) /* the upper nibble of either half */
#define EACH UINT64_C(0x0101010101010101)

/* All bytes 0x80 … 0xfe, the upper nibbles of both halves SMALL. */
static uint64_t shape(uint64_t word)
{
	uint64_t ones;

	word |= 0x80 * EACH;
	ones = ((word & 0x7f * EACH) + EACH) & 0x80 * EACH; /* of bytes that are 0xff */
	word ^= ones >> 1;
	word &= ~(UINT64_C(0xf) << 60 | UINT64_C(0xf) << NIBBLE_SHIFT);
	return word | SMALL << 60 | SMALL << NIBBLE_SHIFT;
}

void qy__poison_init(struct qy_mm *mm, uint64_t seed)
{
	uint64_t run = qy__mix64(seed + UINT64_C(0x9e3779b97f4a7c15));

	mm->debug->poison_seed = run;
	mm->debug->poison_high = shape(run) >> HIGH_SHIFT << HIGH_SHIFT;
}

uint64_t qy__poison_word(const struct qy_mm *mm, const void *object)
{
	uint64_t place = (uint64_t)((const char *)object - mm->base);
	uint64_t word = qy__mix64(mm->debug->poison_seed ^ place * UINT64_C(0x9e3779b97f4a7c15));

	return mm->debug->poison_high | (shape(word) & ((UINT64_C(1) << HIGH_SHIFT) - 1));
}

bool qy__debug_is_poison(const struct qy_mm *mm, uint64_t word)
{
	if (word >> 32 == EACH * QY_POISON_FREE >> 32)
		return true;
	return word >> HIGH_SHIFT == mm->debug->poison_high >> HIGH_SHIFT &&
	       (word >> NIBBLE_SHIFT & 0xf) == SMALL;
}

/* The byte at @p of a word that stands at all multiples of 8. */
static uint8_t byte_at(const void *p, uint64_t word)
{
	uint8_t bytes[WORD];

	memcpy(bytes, &word, WORD);
	return bytes[(uintptr_t)p % WORD];
}

static void fill_bytes(uint8_t *p, size_t n, uint64_t word)
{
	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(p + i, word);
}

void qy__poison_fill(void *start, size_t n, uint64_t word)
{
	uint8_t *p = start;
	size_t ahead = -(uintptr_t)p % WORD;

	if (ahead) {
		ahead = min(ahead, n);
		fill_bytes(p, ahead, word);
		p += ahead;
		n -= ahead;
	}
	for (; n >= WORD; n -= WORD, p += WORD)
		memcpy(p, &word, WORD);
	fill_bytes(p, n, word);
}

/* @p is aligned. Words that are all the same equal themselves one word further on. */
static bool is_whole(const uint8_t *p, size_t n, uint64_t word)
{
	return n >= WORD && !memcmp(p, &word, WORD) && !memcmp(p, p + WORD, n - WORD);
}

static uint8_t *find_words(const uint8_t *p, size_t n, uint64_t word, uint8_t **last)
{
	size_t first = 0, end = n;

	if (is_whole(p, n, word))
		return NULL;
	while (first < n && p[first] == byte_at(p + first, word))
		first++;
	if (first == n)
		return NULL;
	while (p[end - 1] == byte_at(p + end - 1, word))
		end--;
	*last = (uint8_t *)p + end - 1;
	return (uint8_t *)p + first;
}

/* One write may run over the body's end and the end byte: one finding. */
static uint8_t *find_kernels(const uint8_t *p, size_t n, uint8_t **last)
{
	const uint8_t *end = p + n - 1;
	uint8_t *first = qy__find_not(p, n - 1, QY_POISON_FREE, last);

	if (first && *last + 1 == end && *end != QY_POISON_END)
		*last = (uint8_t *)end;
	if (first || *end == QY_POISON_END)
		return first;
	*last = (uint8_t *)end;
	return (uint8_t *)end;
}

bool qy__poison_find(const void *object, size_t n, uint64_t word, struct qy__damage *d)
{
	uint8_t *last, *first, *end = (uint8_t *)object + n;

	if (!n)
		return false;
	first = word ? find_words(object, n, word, &last) : find_kernels(object, n, &last);
	if (!first)
		return false;
	*d = (struct qy__damage){
		.kind = QY_REPORT_USE_AFTER_FREE,
		.what = !word && first + 1 == end ? "End Poison" : "Poison",
		.start = first,
		.end = last + 1,
		.word = word,
		.poison_end = !word && last + 1 == end,
	};
	d->expected = word		 ? byte_at(first, word)
		      : first + 1 == end ? QY_POISON_END
					 : QY_POISON_FREE;
	d->fill = d->expected;
	return true;
}
