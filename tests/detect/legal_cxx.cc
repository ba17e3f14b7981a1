/* SPDX-License-Identifier: MIT */
/*
 * legal_cxx.cc - operator new in all its forms, and what the C++ library does with it.
 */
#include <algorithm>
#include <any>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <forward_list>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <list>
#include <locale>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <valarray>
#include <variant>
#include <vector>

#include "legal.h"

namespace
{

struct counted {
	static int alive;
	long value = 7;
	counted()
	{
		alive++;
	}
	counted(const counted &o) : value(o.value)
	{
		alive++;
	}
	~counted()
	{
		alive--;
	}
};
int counted::alive;

struct alignas(128) wide {
	char bytes[300];
	~wide()
	{
		bytes[0] = 0;
	}
};

struct shape {
	virtual ~shape()
	{
	}
};

struct circle : shape {
	double x = 1, y = 2, r = 3;
	std::string name = "a circle with a name too long for the object itself";
};

/* Its operators give what is behind it, too. */
struct with_tail {
	long n;
	static void *operator new(size_t size, size_t tail)
	{
		return ::operator new(size + tail);
	}
	static void operator delete(void *p)
	{
		::operator delete(p);
	}
	static void operator delete(void *p, size_t)
	{
		::operator delete(p);
	}
};

void all_forms()
{
	for (size_t size : {0u, 1u, 8u, 17u, 100u, 5000u, 100000u, 5000000u}) {
		const std::align_val_t align[] = {
			std::align_val_t(8),
			std::align_val_t(16),
			std::align_val_t(64),
			std::align_val_t(4096),
		};

		::operator delete(::operator new(size));
		::operator delete(::operator new(size), size);
		::operator delete[](::operator new[](size));
		::operator delete[](::operator new[](size), size);
		::operator delete(::operator new(size, std::nothrow), std::nothrow);
		::operator delete[](::operator new[](size, std::nothrow), std::nothrow);
		::operator delete(::operator new(size, std::nothrow));
		for (std::align_val_t a : align) {
			void *p = ::operator new(size, a);

			CHECK(reinterpret_cast<uintptr_t>(p) % static_cast<size_t>(a) == 0);
			memset(p, 1, size);
			::operator delete(p, a);
			::operator delete(::operator new(size, a), size, a);
			::operator delete[](::operator new[](size, a), a);
			::operator delete[](::operator new[](size, a), size, a);
			::operator delete(::operator new(size, a, std::nothrow), a, std::nothrow);
			::operator delete[](::operator new[](size, a, std::nothrow), a,
					    std::nothrow);
		}
	}
	::operator delete(nullptr);
	delete[] static_cast<counted *>(nullptr);
}

void expressions()
{
	for (size_t n = 0; n < 300; n += 7) {
		counted *many = new counted[n];
		wide *aligned = new wide[n % 9];
		char *plain = new char[n]();
		std::unique_ptr<shape> s(new circle);

		for (size_t i = 0; i < n; i++)
			CHECK(plain[i] == 0 && many[i].value == 7);
		delete[] plain;
		delete[] aligned;
		delete[] many;
		delete new wide;
		delete new (std::nothrow) counted;
		delete new (n) with_tail{5};
	}
	CHECK(counted::alive == 0);
	alignas(counted) char place[sizeof(counted)];
	counted *p = new (place) counted;
	p->~counted();
	long *raw = static_cast<long *>(malloc(sizeof(long)));
	free(new (raw) long(5));
}

struct fails {
	std::string s = std::string(100, 'x');
	explicit fails(int n)
	{
		if (n % 2)
			throw std::runtime_error(std::string(n, 'e'));
	}
};

struct alignas(64) fails_aligned : fails {
	using fails::fails;
};

void exceptions()
{
	std::exception_ptr kept;

	for (int i = 0; i < 200; i++) {
		try {
			delete new fails(i);
			delete new (std::nothrow) fails(i + 1);
			delete new fails_aligned(i);
		} catch (const std::runtime_error &e) {
			try {
				std::throw_with_nested(std::logic_error(e.what()));
			} catch (...) {
				kept = std::current_exception();
			}
		}
	}
	try {
		std::rethrow_exception(kept);
	} catch (const std::exception &e) {
		try {
			std::rethrow_if_nested(e);
		} catch (const std::runtime_error &) {
			return;
		}
	}
	CHECK(!"nested");
}

int handled;
char *reserve;

void handler()
{
	handled++;
	delete[] reserve;
	reserve = nullptr;
	if (handled == 3)
		std::set_new_handler(nullptr);
}

template <class F> bool is_refused(F f)
{
	try {
		f();
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

void impossible()
{
	volatile size_t most = SIZE_MAX, half = SIZE_MAX / 2;

	CHECK(is_refused([&] { ::operator delete(::operator new(most)); }));
	CHECK(is_refused([&] { ::operator delete[](::operator new[](half)); }));
	CHECK(is_refused([&] { ::operator delete(::operator new(half, std::align_val_t(64))); }));
	CHECK(is_refused([&] {
		long *volatile p = new long[half]; /* a compiler may leave an unused one out */
		delete[] p;
	}));
	CHECK(is_refused([&] {
		std::vector<char> v(half - 4096);
		char *volatile p = v.data();
		(void)p;
	}));
	CHECK(::operator new(most, std::nothrow) == nullptr);
	CHECK(::operator new[](half + 1, std::align_val_t(32), std::nothrow) == nullptr);
	reserve = new char[1000];
	std::set_new_handler(handler);
	CHECK(::operator new(most, std::nothrow) == nullptr &&handled == 3 && !reserve);
}

template <class C> void use_map(C &c)
{
	for (int i = 0; i < 3000; i++)
		c[std::to_string(i * 7919 % 3001)] = std::string(i % 50, 'v');
	for (int i = 0; i < 3000; i += 2)
		c.erase(std::to_string(i));
	C copy = c, moved = std::move(copy);
	CHECK(moved.size() == c.size());
}

void containers()
{
	std::map<std::string, std::string> m;
	std::unordered_map<std::string, std::string> u;
	std::vector<std::vector<std::string>> v;
	std::vector<wide> aligned(20);
	std::deque<std::string> d;
	std::list<std::string> l;
	std::multiset<int> s;
	std::vector<bool> bits;
	std::valarray<double> values(1.5, 1000);

	use_map(m);
	use_map(u);
	for (int i = 0; i < 500; i++) {
		v.emplace_back(i % 10, std::string(i % 40, 'x'));
		v.insert(v.begin() + v.size() / 2, v.back());
		aligned.push_back(aligned[i % 5]);
		d.push_front(std::to_string(i));
		d.push_back(d.front() + d.front());
		l.push_back(std::string(i, 'l'));
		s.insert(i % 7);
		bits.push_back(i % 3);
		if (i % 3 == 0) {
			d.pop_front();
			l.pop_front();
		}
	}
	v.shrink_to_fit();
	d.shrink_to_fit();
	l.sort();
	values = values * 2.0 + values.apply([](double x) { return x * x; });
	std::stable_sort(d.begin(), d.end()); /* with a temporary buffer */
	std::inplace_merge(d.begin(), d.begin() + 100, d.end());
	std::forward_list<std::any> anything;
	anything.push_front(std::string(100, 'a'));
	anything.push_front(std::vector<int>(100));
	std::variant<int, std::string, std::vector<int>> var = std::string(200, 'v');
	var = std::vector<int>(50);
	std::optional<std::string> opt(std::string(80, 'o'));
	opt.reset();
}

void pointers()
{
	std::shared_ptr<circle> a = std::make_shared<circle>(), b = a;
	std::shared_ptr<shape> base(new circle);
	std::shared_ptr<std::string> inside(a, &a->name);
	std::weak_ptr<circle> weak = b;
	std::unique_ptr<int[]> array = std::make_unique<int[]>(100);
	std::shared_ptr<char> from_c(static_cast<char *>(malloc(10)), free);
	std::function<size_t()> f = [a, text = std::string(100, 'f')] {
		return a->name.size() + text.size();
	};
	std::function<size_t()> g = f;

	a.reset();
	b.reset();
	CHECK(f() == g() && weak.lock());
	f = g = nullptr;
	CHECK(!inside->empty());
	inside.reset();
	CHECK(!weak.lock());
	std::pmr::monotonic_buffer_resource pool;
	std::pmr::unsynchronized_pool_resource pools;
	std::pmr::vector<std::pmr::string> v(&pool), w(&pools);
	for (int i = 0; i < 500; i++) {
		v.emplace_back(i, 'p');
		w.emplace_back(i * 7 % 501, 'q');
	}
}

void text()
{
	std::ostringstream out;
	std::string line, all;

	for (int i = 0; i < 2000; i++)
		out << i << ' ' << i / 3.0 << ' ' << std::string(i % 30, 't') << '\n';
	all = out.str();
	std::istringstream in(all);
	while (std::getline(in, line))
		CHECK(line.size() > 2);
	std::regex re("([a-z]+)([0-9]*)|(x|y)+");
	std::smatch match;
	line = "abc123 some other words 77";
	CHECK(std::regex_search(line, match, re) && match[1] == "abc");
	line = std::regex_replace(line, re, "<$1>");
	std::locale::global(std::locale("C"));
	std::ofstream("/dev/null") << line << all;
	for (const auto &entry : std::filesystem::directory_iterator("/usr"))
		CHECK(!entry.path().filename().string().empty());
	std::cout << "iostreams were here" << std::endl;
}

thread_local std::vector<std::string> of_thread(10, std::string(50, 't'));

void threads()
{
	std::vector<std::future<size_t>> results;
	std::vector<std::thread> many;
	std::promise<std::string> promise;
	std::thread([&] { promise.set_value(std::string(100, 'p')); }).join();
	CHECK(promise.get_future().get().size() == 100);
	for (int i = 0; i < 20; i++) {
		results.push_back(std::async(std::launch::async, [i] {
			of_thread.emplace_back(i, 'x');
			return of_thread.size();
		}));
		many.emplace_back([] {
			std::map<int, std::string> m;
			for (int j = 0; j < 500; j++)
				m[j] = std::string(j % 60, 'm');
		});
	}
	for (auto &r : results)
		CHECK(r.get() == 11);
	for (auto &t : many)
		t.join();
	std::packaged_task<int()> task([]() -> int { throw std::runtime_error("in a task"); });
	auto result = task.get_future();
	std::thread(std::move(task)).join();
	CHECK(is_refused([&] {
		try {
			result.get();
		} catch (const std::runtime_error &) {
			throw std::bad_alloc();
		}
	}));
}

/* Made before main, gone after it. */
std::map<std::string, std::vector<int>> at_start = {{"one", {1, 2, 3}}, {"two", {4, 5}}};
circle *never_deleted = new circle;

} // namespace

int main(int argc, char **argv)
{
	static const struct legal_test tests[] = {
		{"all_forms", all_forms},
		{"expressions", expressions},
		{"exceptions", exceptions},
		{"impossible", impossible},
		{"containers", containers},
		{"pointers", pointers},
		{"text", text},
		{"threads", threads},
	};

	return run_test(tests, sizeof(tests) / sizeof(tests[0]), argc == 2 ? argv[1] : "");
}
