/* SPDX-License-Identifier: MIT */
/*
 * test_memblock_text.c - memblock in the kernel's words, byte for byte; and that what was printed
 * can be read back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <quarry/early.h>

static struct qy_memblock mb;
static char text[4096], lines[1024];

static int set_up(void **state)
{
	(void)state;
	qy_memblock_init(&mb);
	memset(text, 0xee, sizeof(text));
	lines[0] = '\0';
	return 0;
}

static void make_map(void)
{
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x9e000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x100000, 0xbff00000, 0, QY_MEMBLOCK_HOTPLUG), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x100000000, 0x140000000, 12, 0), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0, 0x1000), 0);
	assert_int_equal(qy_memblock_reserve_kern(&mb, 0x23ffff000, 0x1000), 0);
}

static void dump_all_is_the_log(void **state)
{
	static const char expected[] =
		"MEMBLOCK configuration:\n"
		" memory size = 0x00000001fff9e000 reserved size = 0x0000000000002000\n"
		" memory.cnt  = 0x3\n"
		" memory[0x0]\t[0x0000000000001000-0x000000000009efff], 0x000000000009e000 bytes "
		"on node 0 flags: 0x0\n"
		" memory[0x1]\t[0x0000000000100000-0x00000000bfffffff], 0x00000000bff00000 bytes "
		"on node 0 flags: 0x1\n"
		" memory[0x2]\t[0x0000000100000000-0x000000023fffffff], 0x0000000140000000 bytes "
		"on node 12 flags: 0x0\n"
		" reserved.cnt  = 0x2\n"
		" reserved[0x0]\t[0x0000000000000000-0x0000000000000fff], 0x0000000000001000 "
		"bytes flags: 0x0\n"
		" reserved[0x1]\t[0x000000023ffff000-0x000000023fffffff], 0x0000000000001000 "
		"bytes flags: 0x20\n";

	(void)state;
	make_map();
	assert_int_equal(qy_memblock_dump_all(&mb, text, sizeof(text)), sizeof(expected) - 1);
	assert_string_equal(text, expected);
	/* What does not fit is counted. */
	memset(text, 0xee, sizeof(text));
	assert_int_equal(qy_memblock_dump_all(&mb, text, 10), sizeof(expected) - 1);
	assert_string_equal(text, "MEMBLOCK ");
	assert_int_equal((unsigned char)text[10], 0xee);
	assert_int_equal(qy_memblock_dump_all(&mb, NULL, 0), sizeof(expected) - 1);
	/* physmem, if somebody uses it. */
	assert_int_equal(qy_memblock_physmem_add(&mb, 0, 0x1000), 0);
	qy_memblock_dump_all(&mb, text, sizeof(text));
	assert_non_null(strstr(text, "\n physmem.cnt  = 0x1\n physmem[0x0]\t[0x00000000"));
}

static void dump_type_is_the_file(void **state)
{
	(void)state;
	make_map();
	qy_memblock_dump_type(&mb.memory, text, sizeof(text));
	assert_string_equal(text, "   0: 0x0000000000001000..0x000000000009efff    0 NONE\n"
				  "   1: 0x0000000000100000..0x00000000bfffffff    0 HOTPLUG\n"
				  "   2: 0x0000000100000000..0x000000023fffffff   12 NONE\n");
	qy_memblock_dump_type(&mb.reserved, text, sizeof(text));
	assert_string_equal(text, "   0: 0x0000000000000000..0x0000000000000fff    x NONE\n"
				  "   1: 0x000000023ffff000..0x000000023fffffff    x RSV_KERN\n");
	assert_int_equal(qy_memblock_dump_type(&mb.physmem, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(qy_memblock_dump_type(&mb.physmem, NULL, 0), 0);
}

static void dump_type_names_the_first_flag(void **state)
{
	static const char *const name[] = {"HOTPLUG", "MIRROR",	  "NOMAP",	"DRV_MNG",
					   "RSV_NIT", "RSV_KERN", "KHO_SCRATCH"};

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), 0);
	for (int i = 6; i >= 0; i--) {
		assert_int_equal(qy_memblock_set_flags(&mb, &mb.memory, 0, 0x10000, 1u << i), 0);
		qy_memblock_dump_type(&mb.memory, text, sizeof(text));
		assert_non_null(strstr(text, name[i]));
		assert_null(i < 6 ? strstr(text, name[i + 1]) : NULL);
	}
	mb.memory.regions[0].flags = 0x100; /* damaged */
	qy_memblock_dump_type(&mb.memory, text, sizeof(text));
	assert_non_null(strstr(text, "UNKNOWN"));
}

/* What the log says is all there is to know. */
static void dump_all_can_be_read_back(void **state)
{
	struct qy_memblock again;
	char set[16];
	unsigned int i, flags;
	unsigned long long base, last, size;
	int nid;

	(void)state;
	make_map();
	qy_memblock_dump_all(&mb, text, sizeof(text));
	qy_memblock_init(&again);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, " %15[a-z][0x%x]\t[%llx-%llx], %llx", set, &i, &base, &last,
			   &size) != 5)
			continue;
		assert_true(last - base + 1 == size);
		nid = QY_NO_NODE;
		sscanf(strstr(line, "bytes"), "bytes on node %d", &nid);
		assert_int_equal(sscanf(strstr(line, "flags"), "flags: %x", &flags), 1);
		if (!strcmp(set, "memory"))
			assert_int_equal(qy_memblock_add(&again, base, size, nid, flags), 0);
		else
			assert_int_equal(qy_memblock_reserve_node(&again, base, size, nid, flags),
					 0);
	}
	assert_int_equal(again.memory.cnt, mb.memory.cnt);
	assert_int_equal(again.reserved.cnt, mb.reserved.cnt);
	assert_memory_equal(again.memory_regions, mb.memory_regions, sizeof(mb.memory_regions));
	assert_memory_equal(again.reserved_regions, mb.reserved_regions,
			    sizeof(mb.reserved_regions));
}

static void keep_line(void *ctx, const char *line)
{
	assert_null(ctx);
	strcat(lines, line);
	strcat(lines, "\n");
}

static const struct qy_memblock_ops ops = {
	.struct_size = sizeof(ops), .log = keep_line, .map = qy_memblock_map_at};

static void debug_logs_each_change(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_set_ops(&mb, &ops, NULL), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x1000000, 0x10000, 0, 0), 0);
	assert_string_equal(lines, "");
	mb.debug = true;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0x1000, 0x800), 0);
	assert_int_equal(qy_memblock_free(&mb, 0x1000, 0x800), 0);
	assert_int_equal(qy_memblock_remove(&mb, 0x1000, 0x1000), 0);
	assert_int_equal(qy_memblock_physmem_add(&mb, 0x1000, 0x1000), 0);
	assert_true(qy_memblock_phys_alloc(&mb, 0x1000, 0x1000) == 0x100f000);
	assert_string_equal(lines, "memblock_add: [0x0000000000001000-0x0000000000001fff]\n"
				   "memblock_reserve: [0x0000000000001000-0x00000000000017ff]\n"
				   "memblock_free: [0x0000000000001000-0x00000000000017ff]\n"
				   "memblock_remove: [0x0000000000001000-0x0000000000001fff]\n"
				   "memblock_physmem_add: [0x0000000000001000-0x0000000000001fff]\n"
				   "memblock_reserve: [0x000000000100f000-0x000000000100ffff]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(dump_all_is_the_log, set_up),
		cmocka_unit_test_setup(dump_type_is_the_file, set_up),
		cmocka_unit_test_setup(dump_type_names_the_first_flag, set_up),
		cmocka_unit_test_setup(dump_all_can_be_read_back, set_up),
		cmocka_unit_test_setup(debug_logs_each_change, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
