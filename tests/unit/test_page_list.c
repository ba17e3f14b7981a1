/* SPDX-License-Identifier: MIT */
/*
 * test_page_list.c - lists of pages by page number: each operation at every place of a list,
 * against an array that says what must be on it; and lists whose links were damaged.
 */
#include "instance.h"

#include "page/page_list.h"

#define PAGES 24u /* descriptors to play with */
#define ROUNDS 20000u

static struct instance in;
static struct qy_page *page; /* PAGES descriptors; nobody else looks at them */
static uint32_t first;

/* What a list or stack must hold, from head to tail. */
struct expected {
	unsigned int nr;
	uint32_t at[PAGES];
};

static int set_up(void **state)
{
	(void)state;
	instance_make(&in, 128, NULL);
	page = qy_alloc_pages(in.mm, QY_GFP_NOWARN, 5);
	assert_non_null(page);
	first = qy__page_pfn(in.mm, page);
	assert_true(first > 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	instance_destroy(&in);
	return 0;
}

/* What an owner before may have left there. */
static void soil(struct qy_page *p)
{
	p->next = p->prev = 0x55555555;
}

static void insert(struct expected *e, unsigned int at, uint32_t pfn)
{
	memmove(e->at + at + 1, e->at + at, (e->nr - at) * sizeof(e->at[0]));
	e->at[at] = pfn;
	e->nr++;
}

static uint32_t take_out(struct expected *e, unsigned int at)
{
	uint32_t pfn = e->at[at];

	e->nr--;
	memmove(e->at + at, e->at + at + 1, (e->nr - at) * sizeof(e->at[0]));
	return pfn;
}

/* Every link and every field of a list. */
static void assert_list(const struct qy__page_list *list, const struct expected *e)
{
	assert_int_equal(list->nr, e->nr);
	assert_int_equal(qy__page_list_is_empty(list), !e->nr);
	assert_int_equal(list->head, e->nr ? e->at[0] : QY__PFN_NONE);
	assert_int_equal(list->tail, e->nr ? e->at[e->nr - 1] : QY__PFN_NONE);
	assert_ptr_equal(qy__page_list_first(in.mm, list),
			 e->nr ? qy__pfn_page(in.mm, e->at[0]) : NULL);
	for (unsigned int i = 0; i < e->nr; i++) {
		const struct qy_page *p = qy__pfn_page(in.mm, e->at[i]);

		assert_int_equal(p->prev, i ? e->at[i - 1] : QY__PFN_NONE);
		assert_int_equal(p->next, i + 1 < e->nr ? e->at[i + 1] : QY__PFN_NONE);
	}
}

/* As much of a stack as means anything. */
static void assert_stack(const struct qy__page_stack *stack, const struct expected *e)
{
	assert_int_equal(stack->nr, e->nr);
	if (!e->nr)
		return;
	assert_int_equal(stack->head, e->at[0]);
	assert_int_equal(stack->tail, e->at[e->nr - 1]);
	for (unsigned int i = 0; i < e->nr; i++) {
		const struct qy_page *p = qy__pfn_page(in.mm, e->at[i]);

		if (i)
			assert_int_equal(p->prev, e->at[i - 1]);
		if (i + 1 < e->nr)
			assert_int_equal(p->next, e->at[i + 1]);
	}
}

static void fill(struct qy__page_list *list, struct expected *e, unsigned int from, unsigned int n)
{
	qy__page_list_init(list);
	e->nr = 0;
	for (unsigned int i = from; i < from + n; i++) {
		soil(&page[i]);
		qy__page_list_add_tail(in.mm, list, &page[i]);
		insert(e, e->nr, first + i);
	}
	assert_list(list, e);
}

static void an_empty_list_has_nothing(void **state)
{
	struct qy__page_list list = QY__PAGE_LIST_INIT, made = {1, 2, 3};
	struct qy__page_walk walk = qy__page_list_walk(&list);

	(void)state;
	qy__page_list_init(&made);
	assert_memory_equal(&list, &made, sizeof(list));
	assert_true(qy__page_list_is_empty(&list));
	assert_null(qy__page_list_first(in.mm, &list));
	assert_null(qy__page_list_pop(in.mm, &list));
	assert_memory_equal(&list, &made, sizeof(list));
	assert_null(qy__page_walk_next(in.mm, &walk));
}

static void add_head_puts_first_what_came_last(void **state)
{
	struct qy__page_list list = QY__PAGE_LIST_INIT;
	struct expected e = {0};

	(void)state;
	for (unsigned int i = 0; i < PAGES; i++) {
		soil(&page[i]);
		qy__page_list_add_head(in.mm, &list, &page[i]);
		insert(&e, 0, first + i);
		assert_list(&list, &e);
	}
}

/* Of lists of every length up to four, each page. */
static void del_at_every_place_leaves_the_others(void **state)
{
	struct qy__page_list list;
	struct expected e;

	(void)state;
	for (unsigned int n = 1; n <= 4; n++) {
		for (unsigned int at = 0; at < n; at++) {
			fill(&list, &e, 0, n);
			qy__page_list_del(in.mm, &list, &page[at]);
			take_out(&e, at);
			assert_list(&list, &e);
			assert_int_equal(page[at].next, QY__PFN_NONE);
			assert_int_equal(page[at].prev, QY__PFN_NONE);
		}
	}
}

static void pop_gives_the_first_and_no_more_than_there_are(void **state)
{
	struct qy__page_list list;
	struct expected e;

	(void)state;
	fill(&list, &e, 0, 3);
	for (unsigned int i = 0; i < 3; i++) {
		assert_ptr_equal(qy__page_list_pop(in.mm, &list), &page[i]);
		take_out(&e, 0);
		assert_list(&list, &e);
		assert_int_equal(page[i].next, QY__PFN_NONE);
	}
	assert_null(qy__page_list_pop(in.mm, &list));
	assert_list(&list, &e);
}

static void splice_keeps_both_orders_and_empties_its_source(void **state)
{
	struct qy__page_list to, from;
	struct expected e, f;

	(void)state;
	for (unsigned int n = 0; n <= 3; n++) {
		for (unsigned int m = 0; m <= 3; m++) {
			fill(&to, &e, 0, n);
			fill(&from, &f, PAGES / 2, m);
			qy__page_list_splice_tail(in.mm, &to, &from);
			while (f.nr)
				insert(&e, e.nr, take_out(&f, 0));
			assert_list(&to, &e);
			assert_list(&from, &f);
		}
	}
}

static void a_walk_allows_to_take_off_what_it_gave(void **state)
{
	struct qy__page_list list;
	struct qy__page_walk walk;
	struct expected e;
	struct qy_page *p;
	unsigned int n = 0;

	(void)state;
	fill(&list, &e, 0, PAGES);
	walk = qy__page_list_walk(&list);
	while ((p = qy__page_walk_next(in.mm, &walk))) {
		assert_ptr_equal(p, &page[n]);
		if (n++ % 3 == 1)
			continue;
		qy__page_list_del(in.mm, &list, p);
		soil(p);
	}
	assert_int_equal(n, PAGES);
	for (unsigned int i = PAGES; i-- > 0;) {
		if (i % 3 != 1)
			take_out(&e, i);
	}
	assert_list(&list, &e);
}

/* A ring, a page that points to itself, links out of the span, an empty list that says nr 5. */
static void a_walk_over_damage_ends(void **state)
{
	static const uint32_t wild[] = {0, 1, 0x55555555, QY__PFN_NONE - 1};
	struct qy__page_list list;
	struct qy__page_walk walk;
	struct expected e;
	unsigned int n;

	(void)state;
	for (unsigned int to = 0; to < 4; to++) {
		fill(&list, &e, 0, 4);
		page[3].next = first + to;
		walk = qy__page_list_walk(&list);
		for (n = 0; qy__page_walk_next(in.mm, &walk); n++)
			assert_true(n < 4);
		assert_int_equal(n, 4);
	}
	for (unsigned int i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		fill(&list, &e, 0, 4);
		page[1].next = wild[i];
		in.mm->min_pfn += 2; /* pfns below do not exist */
		in.mm->pages += 2;
		walk = qy__page_list_walk(&list);
		for (n = 0; qy__page_walk_next(in.mm, &walk); n++)
			assert_true(n < 4);
		in.mm->min_pfn -= 2;
		in.mm->pages -= 2;
		assert_int_equal(n, 2);
	}
	qy__page_list_init(&list);
	list.nr = 5;
	walk = qy__page_list_walk(&list);
	assert_null(qy__page_walk_next(in.mm, &walk));
}

/* ---- stacks ---- */

static void zeroed_memory_is_an_empty_stack(void **state)
{
	struct qy__page_stack stack = {0};
	struct expected e = {0};

	(void)state;
	soil(&page[0]);
	qy__page_stack_push(in.mm, &stack, &page[0]);
	insert(&e, 0, first);
	assert_stack(&stack, &e);
	assert_ptr_equal(qy__page_stack_pop(in.mm, &stack), &page[0]);
	assert_int_equal(stack.nr, 0);
}

/* That is what it is for: no descriptor is touched but the one that goes. */
static void pop_writes_to_no_page(void **state)
{
	struct qy__page_stack stack = {0};
	struct qy_page before[PAGES];

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		qy__page_stack_push(in.mm, &stack, &page[i]);
	memcpy(before, page, sizeof(before));
	assert_ptr_equal(qy__page_stack_pop(in.mm, &stack), &page[3]);
	assert_ptr_equal(qy__page_stack_pop_tail(in.mm, &stack), &page[0]);
	assert_memory_equal(before, page, sizeof(before));
	assert_int_equal(stack.nr, 2);
}

/* ---- at random ---- */

static unsigned int dice(unsigned int below)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned int)(x % below);
}

/* A page that is on none of the two. */
static uint32_t some_other(const struct expected *a, const struct expected *b)
{
	bool used[PAGES] = {false};
	unsigned int i;

	for (i = 0; i < a->nr; i++)
		used[a->at[i] - first] = true;
	for (i = 0; b && i < b->nr; i++)
		used[b->at[i] - first] = true;
	do
		i = dice(PAGES);
	while (used[i]);
	soil(&page[i]);
	return first + i;
}

static void list_step(struct qy__page_list list[2], struct expected e[2])
{
	unsigned int which = dice(2), at;
	struct qy__page_list *l = &list[which];
	struct expected *x = &e[which];
	uint32_t pfn;

	switch (dice(e[0].nr + e[1].nr < PAGES ? 7 : 3)) {
	case 0:
		if (!x->nr)
			break;
		at = dice(x->nr);
		pfn = take_out(x, at);
		qy__page_list_del(in.mm, l, qy__pfn_page(in.mm, pfn));
		soil(qy__pfn_page(in.mm, pfn));
		break;
	case 1:
		pfn = x->nr ? take_out(x, 0) : QY__PFN_NONE;
		assert_ptr_equal(qy__page_list_pop(in.mm, l),
				 pfn == QY__PFN_NONE ? NULL : qy__pfn_page(in.mm, pfn));
		break;
	case 2:
		if (dice(8))
			break;
		qy__page_list_splice_tail(in.mm, l, &list[!which]);
		while (e[!which].nr)
			insert(x, x->nr, take_out(&e[!which], 0));
		break;
	case 3:
	case 4:
		pfn = some_other(&e[0], &e[1]);
		insert(x, 0, pfn);
		qy__page_list_add_head(in.mm, l, qy__pfn_page(in.mm, pfn));
		break;
	default:
		pfn = some_other(&e[0], &e[1]);
		insert(x, x->nr, pfn);
		qy__page_list_add_tail(in.mm, l, qy__pfn_page(in.mm, pfn));
		break;
	}
}

static void two_lists_at_random_hold_what_they_must(void **state)
{
	struct qy__page_list list[2] = {QY__PAGE_LIST_INIT, QY__PAGE_LIST_INIT};
	struct expected e[2] = {{0}, {0}};

	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		list_step(list, e);
		assert_list(&list[0], &e[0]);
		assert_list(&list[1], &e[1]);
	}
}

static void a_stack_at_random_holds_what_it_must(void **state)
{
	struct qy__page_stack stack = {0};
	struct expected e = {0};
	uint32_t pfn;

	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		bool tail = dice(2);

		if (e.nr < PAGES && (!e.nr || dice(2))) {
			pfn = some_other(&e, NULL);
			insert(&e, tail ? e.nr : 0, pfn);
			if (tail)
				qy__page_stack_push_tail(in.mm, &stack, qy__pfn_page(in.mm, pfn));
			else
				qy__page_stack_push(in.mm, &stack, qy__pfn_page(in.mm, pfn));
		} else {
			pfn = take_out(&e, tail ? e.nr - 1 : 0);
			assert_ptr_equal(tail ? qy__page_stack_pop_tail(in.mm, &stack)
					      : qy__page_stack_pop(in.mm, &stack),
					 qy__pfn_page(in.mm, pfn));
			soil(qy__pfn_page(in.mm, pfn));
		}
		assert_stack(&stack, &e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_list_has_nothing),
		cmocka_unit_test(add_head_puts_first_what_came_last),
		cmocka_unit_test(del_at_every_place_leaves_the_others),
		cmocka_unit_test(pop_gives_the_first_and_no_more_than_there_are),
		cmocka_unit_test(splice_keeps_both_orders_and_empties_its_source),
		cmocka_unit_test(a_walk_allows_to_take_off_what_it_gave),
		cmocka_unit_test(a_walk_over_damage_ends),
		cmocka_unit_test(zeroed_memory_is_an_empty_stack),
		cmocka_unit_test(pop_writes_to_no_page),
		cmocka_unit_test(two_lists_at_random_hold_what_they_must),
		cmocka_unit_test(a_stack_at_random_holds_what_it_must),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
