/* SPDX-License-Identifier: MIT */
/* Which library is it, does it allocate, and does it see an overflow as it should? */
#include <stdio.h>
#include <string.h>

#include <quarry/quarry.h>

static void count(const struct qy_report *report, void *ctx)
{
	(void)report;
	++*(int *)ctx;
}

int main(int argc, char **argv)
{
	struct qy_mm_config config = QY_MM_CONFIG_INIT;
	int debug = argc > 1 && !strcmp(argv[1], "debug"), reports = 0;
	struct qy_mm *mm;
	char *text;

	config.size = (size_t)64 << 20;
	config.debug = debug ? "slab_debug=FZPU" : NULL;
	config.policy = QY_POLICY_REPORT;
	config.sink.fn = count;
	config.sink.ctx = &reports;
	mm = qy_mm_create(&config);
	text = mm ? qy_kmalloc(mm, 20, QY_GFP_KERNEL) : NULL;
	if (!text)
		return 1;
	memset(text, 'x', debug ? 21 : 20);
	qy_kfree(mm, text);
	qy_mm_destroy(mm);
	printf("%s: %d reports\n", debug ? "debug" : "release", reports);
	return reports != debug || debug != !!*qy_build_debug_letters();
}
