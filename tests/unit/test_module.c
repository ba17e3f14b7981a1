/* SPDX-License-Identifier: MIT */
/* test_module.c - from an instruction's address to its file, and the program's name. */
#define _GNU_SOURCE /* dladdr() */
#include "instance.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "util/module.h"

extern const char __executable_start[];

static char self[PATH_MAX];

static int find_self(void **state)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	return n > 0 ? 0 : -1;
}

/* Old C libraries cannot tell: then there is no module, and that is all. */
static bool can_tell(void)
{
	return dlsym(RTLD_DEFAULT, "_dl_find_object") != NULL;
}

static void module_of_own_function_is_the_program(void **state)
{
	char path[PATH_MAX];
	uintptr_t offset = 0, other, pc = (uintptr_t)module_of_own_function_is_the_program;

	(void)state;
	if (!can_tell())
		skip();
	assert_true(qy__module_of(pc, path, sizeof(path), &offset));
	assert_string_equal(path, self);
	/*
	 * The file's own terms: less than the address unless the program is loaded where it was
	 * linked.
	 */
	assert_true(offset == pc || offset == pc - (uintptr_t)__executable_start);
	/* Two addresses of one file keep their distance. */
	assert_true(qy__module_of((uintptr_t)find_self, path, sizeof(path), &other));
	assert_int_equal(other - offset, (uintptr_t)find_self - pc);
}

static void module_of_a_library_function_is_the_library(void **state)
{
	char path[PATH_MAX];
	uintptr_t offset;
	void *fn = dlsym(RTLD_NEXT, "qsort");
	Dl_info info;

	(void)state;
	if (!can_tell() || !fn || !dladdr(fn, &info))
		skip();
	assert_true(qy__module_of((uintptr_t)fn, path, sizeof(path), &offset));
	assert_string_equal(path, info.dli_fname);
	assert_int_equal(offset, (uintptr_t)fn - (uintptr_t)info.dli_fbase);
}

static void module_of_no_code_is_none(void **state)
{
	char path[64] = "untouched", *heap = malloc(1);
	uintptr_t offset = 77;
	const void *const no_code[] = {NULL,	(void *)1,	     heap,
				       &offset, (void *)UINTPTR_MAX, (void *)0x4141414141414141};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_false(qy__module_of((uintptr_t)no_code[i], path, sizeof(path), &offset));
		assert_int_equal(offset, 77);
	}
	assert_string_equal(path, "untouched");
	free(heap);
}

/* Cut and terminated, never beyond the buffer. */
static void module_path_is_cut_to_the_buffer(void **state)
{
	uintptr_t offset;

	(void)state;
	if (!can_tell())
		skip();
	for (size_t size = 1; size < 40; size++) {
		char *path = malloc(size + 1);

		memset(path, 'x', size + 1);
		if (qy__module_of((uintptr_t)find_self, path, size, &offset)) {
			assert_true(strlen(path) < size);
			assert_memory_equal(path, self, strlen(path));
		}
		assert_int_equal(path[size], 'x');
		free(path);
	}
}

static void program_name_is_the_last_part(void **state)
{
	char name[PATH_MAX];

	(void)state;
	assert_string_equal(qy__program_name(name, sizeof(name)), strrchr(self, '/') + 1);
	for (size_t size = 1; size < 20; size++) {
		char *small = malloc(size);

		assert_non_null(qy__program_name(small, size));
		free(small);
	}
}

static void module_calls_keep_errno(void **state)
{
	char path[PATH_MAX];
	uintptr_t offset;

	(void)state;
	errno = EDOM;
	qy__module_of((uintptr_t)find_self, path, sizeof(path), &offset);
	qy__module_of(0, path, sizeof(path), &offset);
	qy__program_name(path, sizeof(path));
	assert_int_equal(errno, EDOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(module_of_own_function_is_the_program),
		cmocka_unit_test(module_of_a_library_function_is_the_library),
		cmocka_unit_test(module_of_no_code_is_none),
		cmocka_unit_test(module_path_is_cut_to_the_buffer),
		cmocka_unit_test(program_name_is_the_last_part),
		cmocka_unit_test(module_calls_keep_errno),
	};

	return cmocka_run_group_tests(tests, find_self, NULL);
}
