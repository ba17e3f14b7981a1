/* SPDX-License-Identifier: MIT */
/*
 * test_info_random.c - the kernel's texts cut at every byte, with every bit wrong, mutated; printed
 * from random structs and read back; this machine's own.
 */
#include "info_texts.h"

#include "util/compiler.h"

/* A cut line is an error; a text cut between two lines is one if something is known to miss. */
static void text_cut_at_every_byte_is_refused_or_whole_lines(void **state)
{
	(void)state;
	for
		EACH_FORMAT(f)
		{
			size_t len = strlen(f->text);
			unsigned int passed = 0;

			for (size_t n = 0; n < len; n++) {
				int ret = parse_copy(f, f->text, n, NULL);

				if (n && f->text[n - 1] != '\n')
					assert_int_equal(ret, -EINVAL);
				else if (!ret && n) {
					size_t head = f->print(printed, sizeof(printed));

					/* a blank line at the end is part of nothing */
					assert_int_equal(head,
							 n - (n > 1 && f->text[n - 2] == '\n'));
					assert_memory_equal(printed, f->text, head);
					passed++;
				}
			}
			if (f->parse == parse_types)
				assert_int_equal(passed, f->text == mixed_text ? 2 : 0);
			else
				assert_true(passed > 0);
		}
	/* The mixed blocks' table may be missing as a whole. */
	assert_int_equal(parse_types(mixed_text,
				     (size_t)(strstr(mixed_text, "\nNumber of mixed") - mixed_text),
				     NULL),
			 0);
	assert_false(types.has_mixed);
}

static void text_with_any_bit_wrong_is_read_in_bounds(void **state)
{
	(void)state;
	for
		EACH_FORMAT(f)
		{
			size_t len = strlen(f->text);
			char *copy = malloc(len);
			unsigned int refused = 0;

			memcpy(copy, f->text, len);
			for (size_t i = 0; i < len; i++) {
				for (unsigned int bit = 0; bit < 8; bit++) {
					int ret;

					copy[i] ^= (char)(1u << bit);
					ret = f->parse(copy, len, NULL);
					copy[i] ^= (char)(1u << bit);
					assert_true(ret == 0 || ret == -EINVAL);
					if (ret)
						refused++;
					else
						assert_cycles(f);
				}
			}
			assert_true(refused > len);
			free(copy);
		}
}

/* ---- random figures, random damage ---- */

static uint64_t seed;

static uint64_t rnd(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

/* Lines lost, doubled, swapped; runs of bytes from elsewhere; numbers that are none. */
static void text_mutated_at_random_is_read_in_bounds(void **state)
{
	static const char *const bits[] = {"Node", "\n",     "cpu:", " 18446744073709551615 ",
					   ">",	   "-1",     "(",    "type",
					   "\n\n", "000000", "kB",   "99999999999999999999"};

	(void)state;
	seed = 0x1234567;
	for
		EACH_FORMAT(f)
		{
			size_t whole = strlen(f->text);

			for (int round = 0; round < 4000; round++) {
				size_t len = whole;
				char *copy = malloc(2 * whole);

				memcpy(copy, f->text, whole);
				for (uint64_t n = 1 + rnd(3); n; n--) {
					size_t at = rnd(len), from = rnd(whole);
					const char *bit = bits[rnd(ARRAY_SIZE(bits))];

					if (rnd(2)) { /* overwrite with a piece of the text */
						size_t run = min(len - at, whole - from);

						memcpy(copy + at, f->text + from,
						       min(run, rnd(80)));
					} else if (rnd(2) &&
						   len + strlen(bit) < 2 * whole) { /* insert */
						memmove(copy + at + strlen(bit), copy + at,
							len - at);
						memcpy(copy + at, bit, strlen(bit));
						len += strlen(bit);
					} else { /* take out */
						size_t run = min(len - at, 1 + rnd(60));

						memmove(copy + at, copy + at + run, len - at - run);
						len -= run;
						if (!len)
							break;
					}
				}
				if (!parse_copy(f, copy, len, NULL))
					assert_cycles(f);
				free(copy);
			}
		}
}

/* ---- round trips of random figures ---- */

/* Small ones and zero are as likely as those that take all 64 bits. */
static uint64_t figure(void)
{
	uint64_t x = (rnd(UINT64_MAX) ^ rnd(UINT64_MAX)) >> rnd(64);

	return rnd(5) && x != QY_INFO_NONE ? x : rnd(3);
}

static void random_zone_name(unsigned int i, unsigned int *node, char name[12])
{
	static const char *const names[] = {"DMA", "DMA32", "Normal", "HighMem"};

	memset(name, 0, 12);
	strcpy(name, names[i % 4]);
	*node = i / 4 * (i > 7 ? 12345 : 1);
}

static void buddyinfo_random_structs_survive_a_round_trip(void **state)
{
	struct qy_buddyinfo_zone before[TEXT_ZONES];

	(void)state;
	seed = 0x9876;
	for (int round = 0; round < 300; round++) {
		memset(buddy_zones, 0, sizeof(buddy_zones));
		buddy = (struct qy_buddyinfo){sizeof(buddy), buddy_zones, TEXT_ZONES,
					      (unsigned int)rnd(TEXT_ZONES + 1),
					      (unsigned int)(1 + rnd(25))};
		for (unsigned int i = 0; i < buddy.nr_zones; i++) {
			random_zone_name(i, &buddy_zones[i].node, buddy_zones[i].name);
			for (unsigned int order = 0; order < buddy.nr_orders; order++)
				buddy_zones[i].nr_free[order] = figure();
		}
		memcpy(before, buddy_zones, sizeof(before));
		assert_cycles(&formats[0]);
		assert_memory_equal(before, buddy_zones, buddy.nr_zones * sizeof(before[0]));
	}
}

static void pagetypeinfo_random_structs_survive_a_round_trip(void **state)
{
	struct qy_pagetypeinfo_zone before[TEXT_ZONES];

	(void)state;
	seed = 0xabc;
	for (int round = 0; round < 300; round++) {
		struct qy_pagetypeinfo info = {
			sizeof(info),
			type_zones,
			TEXT_ZONES,
			(unsigned int)(1 + rnd(TEXT_ZONES)),
			(unsigned int)(1 + rnd(25)),
			(unsigned int)rnd(25),
			(uint32_t)(1 + rnd(63)),
			rnd(2),
		};

		types = info;
		memset(type_zones, 0, sizeof(type_zones));
		for (unsigned int i = 0; i < info.nr_zones; i++) {
			struct qy_pagetypeinfo_zone *z = &type_zones[i];

			random_zone_name(i, &z->node, z->name);
			for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++) {
				bool is = info.types >> type & 1;

				z->blocks[type] = is ? figure() : QY_INFO_NONE;
				z->mixed[type] = is && info.has_mixed ? figure() : QY_INFO_NONE;
				z->nr_free[type][0] = QY_INFO_NONE;
				for (unsigned int order = 0; is && order < info.nr_orders; order++)
					z->nr_free[type][order] = rnd(9) ? rnd(99999) : 100000;
			}
		}
		memcpy(before, type_zones, sizeof(before));
		assert_cycles(&formats[1]);
		assert_memory_equal(before, type_zones, info.nr_zones * sizeof(before[0]));
		assert_memory_equal(&types, &info, offsetof(struct qy_pagetypeinfo, has_mixed));
		assert_int_equal(types.has_mixed, info.has_mixed);
	}
}

/* All that is a figure from @from on to before @to. */
#define RANDOM_FIGURES(z, from, to)                                                                \
	do {                                                                                       \
		uint64_t *random_at = &(z)->from;                                                  \
                                                                                                   \
		do                                                                                 \
			*random_at++ = rnd(9) ? figure() : QY_INFO_NONE;                           \
		while (random_at <= &(z)->to);                                                     \
	} while (0)

static void zoneinfo_random_structs_survive_a_round_trip(void **state)
{
	struct qy_zoneinfo_zone before[TEXT_ZONES];
	struct qy_zoneinfo_cpu cpus[TEXT_CPUS];

	(void)state;
	seed = 0xdef;
	for (int round = 0; round < 300; round++) {
		memset(zone_zones, 0, sizeof(zone_zones));
		memset(zone_cpus, 0, sizeof(zone_cpus));
		zones = (struct qy_zoneinfo){
			sizeof(zones), zone_zones, TEXT_ZONES, (unsigned int)rnd(TEXT_ZONES + 1),
			zone_cpus,     TEXT_CPUS,  0};
		for (unsigned int i = 0; i < zones.nr_zones; i++) {
			struct qy_zoneinfo_zone *z = &zone_zones[i];

			random_zone_name(i, &z->node, z->name);
			RANDOM_FIGURES(z, nr_slab_reclaimable, free_highatomic);
			if (z->free == QY_INFO_NONE)
				z->free = figure();
			z->per_node = rnd(2);
			z->pagesets = rnd(2);
			z->nr_protection = (unsigned int)(1 + rnd(QY_INFO_PROTECTION));
			for (unsigned int k = 0; k < z->nr_protection; k++)
				z->protection[k] = figure();
			z->first_cpu = zones.nr_cpus;
			z->nr_cpus = z->pagesets ? (unsigned int)rnd(4) : 0;
			zones.nr_cpus += z->nr_cpus;
			for (unsigned int k = 0; k < z->nr_cpus; k++) {
				struct qy_zoneinfo_cpu *cpu = &zone_cpus[z->first_cpu + k];

				cpu->cpu = (unsigned int)rnd(INT32_MAX);
				RANDOM_FIGURES(cpu, count, stat_threshold);
			}
		}
		memcpy(before, zone_zones, sizeof(before));
		memcpy(cpus, zone_cpus, sizeof(cpus));
		assert_cycles(&formats[3]);
		assert_memory_equal(before, zone_zones, zones.nr_zones * sizeof(before[0]));
		assert_memory_equal(cpus, zone_cpus, zones.nr_cpus * sizeof(cpus[0]));
	}
}

static void meminfo_random_structs_survive_a_round_trip(void **state)
{
	struct qy_meminfo before;

	(void)state;
	seed = 0x321;
	for (int round = 0; round < 300; round++) {
		mem.struct_size = sizeof(mem);
		RANDOM_FIGURES(&mem, mem_total, cma_free);
		before = mem;
		assert_cycles(&formats[4]);
		assert_memory_equal(&before, &mem, sizeof(mem));
	}
}

/* ---- this machine's files ---- */

static size_t read_file(const char *path, char *to, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (!f)
		return 0;
	n = fread(to, 1, size - 1, f);
	to[n] = '\0';
	fclose(f);
	return n;
}

/* Each line of @some is one of @all, in the same order; what lies between is not known. */
static void assert_lines_of(const char *some, const char *all)
{
	while (*some) {
		size_t n = strcspn(some, "\n") + 1;

		while (*all && strncmp(some, all, n))
			all += strcspn(all, "\n") + (all[strcspn(all, "\n")] == '\n');
		if (!*all)
			printf("not found: %.*s\n", (int)n, some);
		assert_true(*all);
		some += n;
		all += n;
	}
}

static void files_of_this_kernel_are_read(void **state)
{
	static char file[1 << 20];
	unsigned int seen = 0;

	(void)state;
	for
		EACH_FORMAT(f)
		{
			size_t len = read_file(f->file, file, sizeof(file));
			unsigned int line;
			int ret;

			if (!len || len == sizeof(file) - 1)
				continue; /* not for us to read, or a machine with very many CPUs */
			ret = f->parse(file, len, &line);
			if (ret == -ENOSPC)
				continue;
			if (ret)
				printf("%s, line %u:\n%s\n", f->file, line, file);
			assert_int_equal(ret, 0);
			len = f->print(printed, sizeof(printed));
			assert_int_equal(len, strlen(printed));
			if (f->all_lines)
				assert_string_equal(printed, file);
			else
				assert_lines_of(printed, file);
			assert_cycles(f);
			seen++;
		}
	if (!seen)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_cut_at_every_byte_is_refused_or_whole_lines),
		cmocka_unit_test(text_with_any_bit_wrong_is_read_in_bounds),
		cmocka_unit_test(text_mutated_at_random_is_read_in_bounds),
		cmocka_unit_test(buddyinfo_random_structs_survive_a_round_trip),
		cmocka_unit_test(pagetypeinfo_random_structs_survive_a_round_trip),
		cmocka_unit_test(zoneinfo_random_structs_survive_a_round_trip),
		cmocka_unit_test(meminfo_random_structs_survive_a_round_trip),
		cmocka_unit_test(files_of_this_kernel_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
