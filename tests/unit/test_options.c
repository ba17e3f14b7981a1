/* SPDX-License-Identifier: MIT */
/*
 * test_options.c - the debug string: the kernel's rules for letters, blocks and names, the other
 * items, and what is refused, with the place of the fault.
 */
#include "instance.h"

#include <errno.h>

#include "debug/debug.h"

#define F QY_SLAB_CONSISTENCY_CHECKS
#define Z QY_SLAB_RED_ZONE
#define P QY_SLAB_POISON
#define U QY_SLAB_STORE_USER
#define T QY_SLAB_TRACE
#define ALL (F | Z | P | U)

static struct qy__debug_config cfg;

static void parse(const char *string)
{
	const char *bad;
	int err = qy__debug_parse(&cfg, string, &bad);

	if (err)
		fail_msg("\"%s\" was refused at \"%s\"", string, bad);
}

static qy_slab_flags_t flags_of(const char *name)
{
	return qy__debug_cache_flags(&cfg, name, 0);
}

/* Refused, and the fault lies @at characters from the start. */
static void refuse(const char *string, size_t at)
{
	const char *bad = NULL;

	if (qy__debug_parse(&cfg, string, &bad) != -EINVAL)
		fail_msg("\"%s\" was accepted", string);
	if (bad != string + at)
		fail_msg("\"%s\": fault at %td, not %zu", string, bad - string, at);
}

static void parse_nothing_leaves_everything_off(void **state)
{
	static const char *const nothing[] = {NULL, "", " ", "::: \t\n:"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		parse(nothing[i]);
		assert_int_equal(cfg.global, 0);
		assert_int_equal(cfg.nr_blocks, 0);
		assert_int_equal(cfg.quarantine, 0);
		assert_int_equal(cfg.red_zone, 0);
		assert_int_equal(cfg.validate_every, 0);
		assert_int_equal(cfg.policy, -1);
		assert_string_equal(cfg.report_path, "");
		assert_int_equal(flags_of("any"), 0);
	}
}

static void parse_slab_debug_alone_is_fzpu(void **state)
{
	static const char *const alone[] = {"slab_debug", "slab_debug=", "slub_debug",
					    "slub_debug=", " :slab_debug: "};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		parse(alone[i]);
		assert_int_equal(flags_of("dentry"), ALL);
	}
}

static void parse_letters_each_and_any_case(void **state)
{
	static const struct {
		const char *string;
		qy_slab_flags_t flags;
	} row[] = {
		{"slab_debug=F", F},  {"slab_debug=f", F},	     {"slab_debug=Z", Z},
		{"slab_debug=z", Z},  {"slab_debug=P", P},	     {"slab_debug=p", P},
		{"slab_debug=U", U},  {"slab_debug=u", U},	     {"slab_debug=T", T},
		{"slab_debug=t", T},  {"slab_debug=-", 0},	     {"slab_debug=A", 0},
		{"slab_debug=o", 0},  {"slab_debug=fZpUt", ALL | T}, {"slab_debug=FZ-", 0},
		{"slab_debug=FF", F}, {"slub_debug=uO", U},	     {"slab_debug=-ZP", Z | P},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		parse(row[i].string);
		if (flags_of("dentry") != row[i].flags)
			fail_msg("%s: %x", row[i].string, flags_of("dentry"));
	}
}

static void parse_last_global_block_wins(void **state)
{
	(void)state;
	parse("slab_debug=FZPU;P");
	assert_int_equal(flags_of("x"), P);
	parse("slab_debug=F;Z,a;P");
	assert_int_equal(flags_of("x"), P);
	assert_int_equal(flags_of("a"), Z);
	parse("slab_debug=F slab_debug=Z");
	assert_int_equal(flags_of("x"), Z);
	parse("slab_debug=FZ;-");
	assert_int_equal(flags_of("x"), 0);
}

static void parse_first_matching_block_wins_and_replaces_the_global(void **state)
{
	(void)state;
	parse("slab_debug=FZ;PU,kmalloc-*;T,kmalloc-64");
	assert_int_equal(flags_of("dentry"), F | Z);
	assert_int_equal(flags_of("kmalloc-64"), P | U);
	assert_int_equal(flags_of("kmalloc-"), P | U);
	assert_int_equal(flags_of("kmalloc"), F | Z);
	parse("slab_debug=FZ;T,kmalloc-64;PU,kmalloc-*");
	assert_int_equal(flags_of("kmalloc-64"), T);
	assert_int_equal(flags_of("kmalloc-640"), P | U);
	/* Named blocks only: the others stay as they were. */
	parse("slab_debug=P,a,b");
	assert_int_equal(flags_of("c"), 0);
	assert_int_equal(flags_of("b"), P);
	assert_int_equal(flags_of("ab"), 0);
	/* "All off" for some. */
	parse("slab_debug=FZPU;-,skbuff*");
	assert_int_equal(flags_of("skbuff_head"), 0);
	assert_int_equal(flags_of("skbuf"), ALL);
	/* Blocks of a second item come behind those of the first. */
	parse("slab_debug=F,a:slab_debug=Z,a,b");
	assert_int_equal(flags_of("a"), F);
	assert_int_equal(flags_of("b"), Z);
}

static void parse_names_without_letters_are_fzpu(void **state)
{
	(void)state;
	parse("slab_debug=,dentry");
	assert_int_equal(flags_of("dentry"), ALL);
	assert_int_equal(flags_of("inode"), 0);
	parse("slab_debug=T;,dentry,inode");
	assert_int_equal(flags_of("inode"), ALL);
	assert_int_equal(flags_of("x"), T);
}

static void parse_star_matches_prefixes_only_at_the_end(void **state)
{
	(void)state;
	parse("slab_debug=Z,*");
	assert_int_equal(flags_of(""), Z);
	assert_int_equal(flags_of("anything"), Z);
	parse("slab_debug=Z,a*b");
	assert_int_equal(flags_of("axb"), 0);
	assert_int_equal(flags_of("a*b"), Z);
	parse("slab_debug=Z,a,,b");
	assert_int_equal(flags_of("b"), Z);
	parse("slab_debug=Z,Dentry");
	assert_int_equal(flags_of("dentry"), 0); /* names have a case */
}

/* What a cache asked for itself stays; what this build lacks goes. */
static void cache_flags_are_added_to_the_caches_own(void **state)
{
	(void)state;
	parse("slab_debug=P;-,quiet");
	assert_int_equal(qy__debug_cache_flags(&cfg, "a", Z | QY_SLAB_HWCACHE_ALIGN),
			 (Z | P | QY_SLAB_HWCACHE_ALIGN));
	assert_int_equal(qy__debug_cache_flags(&cfg, "quiet", Z | QY_SLAB_KMALLOC),
			 Z | QY_SLAB_KMALLOC);
	assert_string_equal(qy_build_debug_letters(), "FZPU");
}

static void parse_other_items_in_any_order(void **state)
{
	(void)state;
	parse("policy=report:quarantine=64M slab_debug=FZ;PU,kmalloc-*\tred_zone=64\nvalidate=100 "
	      "report=/tmp/q.%p");
	assert_int_equal(cfg.policy, QY_POLICY_REPORT);
	assert_int_equal(cfg.quarantine, 64u << 20);
	assert_int_equal(cfg.red_zone, 64);
	assert_int_equal(cfg.validate_every, 100);
	assert_string_equal(cfg.report_path, "/tmp/q.%p");
	assert_int_equal(flags_of("kmalloc-8"), P | U);
	parse("policy=abort");
	assert_int_equal(cfg.policy, QY_POLICY_ABORT);
	assert_false(cfg.no_signals);
	parse("signals=off");
	assert_true(cfg.no_signals);
	parse("signals=off signals=on");
	assert_false(cfg.no_signals);
}

static void parse_channel_is_a_descriptor_and_an_inode(void **state)
{
	static const char *const bad[] = {"channel",
					  "channel=",
					  "channel=3",
					  "channel=3.",
					  "channel=.5",
					  "channel=3.5x",
					  "channel=-1.5",
					  "channel=2147483648.1",
					  "channel=1.99999999999999999999"};

	(void)state;
	parse("policy=abort");
	assert_int_equal(cfg.channel_fd, -1);
	parse("channel=1024.18446744073709551600");
	assert_int_equal(cfg.channel_fd, 1024);
	assert_true(cfg.channel_inode == 18446744073709551600u);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(bad[i], 0);
}

static void parse_page_switches(void **state)
{
	static const struct {
		const char *key;
		unsigned int flag;
	} row[] = {
		{"init_on_alloc", QY_PAGE_INIT_ON_ALLOC},
		{"init_on_free", QY_PAGE_INIT_ON_FREE},
		{"page_poison", QY_PAGE_POISON},
		{"debug_pagealloc", QY_PAGE_UNMAP},
		{"page_owner", QY_PAGE_OWNER},
	};
	static const char *const on[] = {"", "=1", "=on", "=y"}, *const off[] = {"=0", "=off",
										 "=n"};
	static const char *const bad[] = {"=",	  "=2",	 "=On", "=onn", "=o",
					  "=yes", "=-1", "s",	"=1,"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (size_t k = 0; k < 4; k++) {
			snprintf(text, sizeof(text), "%s%s", row[i].key, on[k]);
			parse(text);
			assert_int_equal(cfg.page_on, row[i].flag);
			assert_int_equal(cfg.page_off, 0);
		}
		for (size_t k = 0; k < 3; k++) {
			snprintf(text, sizeof(text), "%s:%s%s", row[i].key, row[i].key, off[k]);
			parse(text);
			assert_int_equal(cfg.page_on, 0);
			assert_int_equal(cfg.page_off, row[i].flag);
		}
		for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
			snprintf(text, sizeof(text), "validate=1 %s%s", row[i].key, bad[k]);
			refuse(text, 11);
		}
	}
	parse("page_owner=off init_on_free page_poison=1:page_owner");
	assert_int_equal(cfg.page_on, QY_PAGE_INIT_ON_FREE | QY_PAGE_POISON | QY_PAGE_OWNER);
	assert_int_equal(cfg.page_off, 0);
}

static void parse_guardpage_minorder(void **state)
{
	char text[64];

	(void)state;
	parse("validate=1");
	assert_int_equal(cfg.guardpage_minorder, -1);
	parse("debug_guardpage_minorder=0");
	assert_int_equal(cfg.guardpage_minorder, 0);
	parse("debug_guardpage_minorder=3:debug_guardpage_minorder=2");
	assert_int_equal(cfg.guardpage_minorder, 2);
	snprintf(text, sizeof(text), "debug_guardpage_minorder=%d", QY_CONFIG_MAX_ORDER_LIMIT);
	parse(text);
	assert_int_equal(cfg.guardpage_minorder, QY_CONFIG_MAX_ORDER_LIMIT);
	snprintf(text, sizeof(text), "debug_guardpage_minorder=%d", QY_CONFIG_MAX_ORDER_LIMIT + 1);
	refuse(text, 0);
	refuse("debug_guardpage_minorder", 0);
	refuse("debug_guardpage_minorder=", 0);
	refuse("debug_guardpage_minorder=-1", 0);
	refuse("debug_guardpage_minorder=1G", 0);
	refuse("debug_guardpage_minorder=on", 0);
}

static void parse_bytes_knows_suffixes_and_limits(void **state)
{
	static const struct {
		const char *string;
		size_t bytes;
	} row[] = {
		{"quarantine=0", 0},
		{"quarantine=1", 1},
		{"quarantine=1k", 1024},
		{"quarantine=3K", 3072},
		{"quarantine=2m", 2u << 20},
		{"quarantine=4G", (size_t)4 << 30},
		{"quarantine=007", 7},
		{"quarantine=18446744073709551615", SIZE_MAX},
		{"quarantine=17179869183G", (size_t)17179869183 << 30},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		parse(row[i].string);
		if (cfg.quarantine != row[i].bytes)
			fail_msg("%s: %zu", row[i].string, cfg.quarantine);
	}
}

static void parse_malformed_items_are_refused_at_their_start(void **state)
{
	static const char *const item[] = {
		"quarantine",
		"quarantine=",
		"quarantine=K",
		"quarantine=x",
		"quarantine=-1",
		"quarantine=1x",
		"quarantine=1KB",
		"quarantine=1KK",
		"quarantine=0x10",
		"quarantine=+1",
		"quarantine=18446744073709551616",
		"quarantine=17179869184G",
		"quarantine=99999999999999999999999",
		"red_zone=7",
		"red_zone=0",
		"red_zone=4097",
		"red_zone=5K",
		"red_zone=",
		"validate=",
		"validate=x",
		"validate=4294967296",
		"signals=",
		"signals=maybe",
		"policy",
		"policy=",
		"policy=Abort",
		"policy=aborts",
		"policy=abor",
		"policy=reports",
		"report",
		"report=",
		"unknown",
		"unknown=1",
		"=",
		"=5",
		"slab_debugF",
		"slab_debu=F",
		"Slab_debug=F",
		"quarantin=1",
		"quarantinee=1",
		"F",
		"-",
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(item) / sizeof(item[0]); i++) {
		refuse(item[i], 0);
		snprintf(text, sizeof(text), " :slab_debug=FZ::%s red_zone=8", item[i]);
		refuse(text, 17);
	}
}

static void parse_unknown_letter_is_refused_at_its_place(void **state)
{
	(void)state;
	refuse("slab_debug=FX", 12);
	refuse("slab_debug=FZ;PQ,a", 15);
	refuse("quarantine=1 slab_debug=1", 24);
	refuse("slab_debug=F,a;@", 15);
	refuse("slab_debug=F\x01", 12);
	refuse("slab_debug=\xc6", 11);
	refuse("slab_debug=F,", 12); /* a comma and no name */
	refuse("slab_debug=F,;Z", 12);
}

static void parse_limits_of_blocks_paths_and_strings(void **state)
{
	char text[1024], *p = text;

	(void)state;
	/* 16 named blocks, not 17. */
	p += sprintf(p, "slab_debug=");
	for (int i = 0; i < QY__DEBUG_BLOCKS; i++)
		p += sprintf(p, "%sZ,c%d", i ? ";" : "", i);
	parse(text);
	assert_int_equal(flags_of("c15"), Z);
	strcpy(p, ";Z,c16");
	refuse(text, (size_t)(p - text) + 2);

	/* 255 characters of a path, not 256. */
	memset(text, 'p', sizeof(text));
	memcpy(text, "report=", 7);
	text[7 + 255] = 0;
	parse(text);
	assert_int_equal(strlen(cfg.report_path), 255);
	memset(text + 7, 'p', 256);
	text[7 + 256] = 0;
	refuse(text, 0);

	/* 511 characters in all, not 512. */
	memset(text, ':', sizeof(text));
	memcpy(text + 500, "slab_debug=", 11);
	text[511] = 0;
	parse(text);
	assert_int_equal(flags_of("x"), ALL);
	text[511] = 'F';
	text[512] = 0;
	refuse(text, 0);
}

/* Any bytes: accepted or refused, but nothing is read or written beside the string. */
static void parse_random_bytes_never_go_astray(void **state)
{
	static const char parts[] =
		"slab_debug=;,*-FZPUTX :quarantine64KMGred_zone\xffpage_poison=on";
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)(round % 90);
		char *text = malloc(len + 1);
		const char *bad;

		for (size_t i = 0; i < len; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text[i] = parts[(seed >> 33) % (sizeof(parts) - 1)];
		}
		if (len > 11 && round % 2)
			memcpy(text, "slab_debug=", 11);
		text[len] = 0;
		if (!qy__debug_parse(&cfg, text, &bad))
			flags_of("kmalloc-64");
		else
			assert_true(bad >= text && bad <= text + len);
		free(text);
	}
}

static void create_bad_string_gives_einval(void **state)
{
	struct instance in;

	(void)state;
	instance_init(&in, 256);
	in.config.debug = "slab_debug=FX";
	errno = 0;
	instance_try(&in);
	assert_null(in.mm);
	assert_int_equal(errno, EINVAL);
	free(in.buf);

	/* The string's red zone and policy go before the configuration's. */
	instance_init(&in, 256);
	in.config.debug = "red_zone=32:policy=report:slab_debug=Z";
	in.config.red_zone = 128;
	in.config.policy = QY_POLICY_ABORT;
	instance_create(&in);
	assert_int_equal(in.mm->debug->config.red_zone, 32);
	assert_int_equal(in.mm->report.policy, QY_POLICY_REPORT);
	instance_destroy(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_nothing_leaves_everything_off),
		cmocka_unit_test(parse_slab_debug_alone_is_fzpu),
		cmocka_unit_test(parse_letters_each_and_any_case),
		cmocka_unit_test(parse_last_global_block_wins),
		cmocka_unit_test(parse_first_matching_block_wins_and_replaces_the_global),
		cmocka_unit_test(parse_names_without_letters_are_fzpu),
		cmocka_unit_test(parse_star_matches_prefixes_only_at_the_end),
		cmocka_unit_test(cache_flags_are_added_to_the_caches_own),
		cmocka_unit_test(parse_other_items_in_any_order),
		cmocka_unit_test(parse_channel_is_a_descriptor_and_an_inode),
		cmocka_unit_test(parse_page_switches),
		cmocka_unit_test(parse_guardpage_minorder),
		cmocka_unit_test(parse_bytes_knows_suffixes_and_limits),
		cmocka_unit_test(parse_malformed_items_are_refused_at_their_start),
		cmocka_unit_test(parse_unknown_letter_is_refused_at_its_place),
		cmocka_unit_test(parse_limits_of_blocks_paths_and_strings),
		cmocka_unit_test(parse_random_bytes_never_go_astray),
		cmocka_unit_test(create_bad_string_gives_einval),
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
