#!/bin/sh
# SPDX-License-Identifier: MIT
#
# real.sh - unchanged programs do real work on a drop-in: same output, same exit code, no report.
#
#   real.sh DROP_IN debug|release CASE
set -u
drop_in=$1 build=$2 name=$3
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 2

need() {
	for program; do
		command -v "$program" >/dev/null || {
			echo "real.sh: no $program here"
			exit 77
		}
	done
}

# Input for the programs that sort, pack and search.
lines() {
	awk 'BEGIN {
		x = 1
		for (i = 0; i < 60000; i++) {
			x = (x * 16807) % 2147483647
			print x, i, "some text " x % 97
		}
	}'
}

case_sqlite3() {
	need sqlite3
	rm -f t.db
	sqlite3 t.db "
		create table t(id integer primary key, name text, value real);
		with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000)
			insert into t select i, 'name ' || (i * 7919 % 30011), i / 7.0 from n;
		create index by_name on t(name);
		select count(*), sum(value), min(name), max(name) from t;
		select a.id, b.name from t a join t b on a.id = b.id * 2
			where a.name like 'name 1%' order by b.name limit 20;
		delete from t where id % 3 = 0;
		vacuum;
		pragma integrity_check;"
}

case_python3() {
	need python3
	cat >work.py <<'PY'
import collections, json, re, threading, zlib, hashlib, subprocess
d = collections.defaultdict(list)
for i in range(40000):
    d[i % 997].append(str(i) * (i % 5))
text = json.dumps(d)
assert json.loads(text)["5"] == d[5]
print(hashlib.sha256(text.encode()).hexdigest(), len(zlib.compress(text.encode())))
print(len(re.findall(r"12+3", text)))
result = [0] * 4
def work(k):
    s = bytearray()
    for i in range(20000):
        s += b"%d" % (i * k)
    result[k] = hashlib.md5(s).hexdigest()
threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(result)
big = [bytes(n) for n in (10**6, 5 * 10**6, 2 * 10**7)]
print(sum(map(len, big)))
for i in range(5):
    print(subprocess.run(["echo", "child", str(i)], capture_output=True, text=True).stdout.strip())
PY
	PYTHONHASHSEED=0 PYTHONMALLOC=malloc python3 work.py
}

case_gcc() {
	need gcc
	cat >t.c <<'C'
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct list { struct list *next; char name[20]; };
static int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); }
int main(int argc, char **argv)
{
	printf("%d %f %zu\n", f(10), sqrt(argc), strlen(argv[0]));
	return 0;
}
C
	gcc -O2 -Wall -S t.c -o t.s && cksum <t.s
	gcc -O2 -g t.c -o t -lm && ./t
}

case_gxx() {
	need g++
	cat >t.cc <<'CC'
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>
int main()
{
	std::map<std::string, std::vector<int>> m;
	for (int i = 0; i < 9; i++)
		m[std::to_string(i % 3)].push_back(i);
	for (auto &[k, v] : m)
		std::cout << k << ' ' << v.size() << '\n';
}
CC
	g++ -std=c++17 -O1 t.cc -o t && ./t
}

case_clang() {
	need clang
	printf '#include <stdio.h>\nint main(void) { puts("made by clang"); return 0; }\n' >t.c
	clang -O2 t.c -o t && ./t
}

case_git() {
	need git
	rm -rf r
	git -c init.defaultBranch=main init -q r && cd r || exit 2
	export GIT_AUTHOR_DATE='2001-02-03T04:05:06' GIT_COMMITTER_DATE='2001-02-03T04:05:06'
	export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
	for i in 1 2 3 4 5 6 7 8; do
		lines | head -n $((i * 500)) >f$((i % 3))
		git add . && git commit -q -m "commit $i"
	done
	git log --stat --no-color
	git diff HEAD~5 | cksum
	git repack -adq && git fsck --strict 2>&1
	git blame f1 | cksum
	cd ..
}

case_perl() {
	need perl
	perl -e 'my %h;
		for my $i (1 .. 50000) {
			my $k = "k" . ($i * 7919 % 10007);
			$h{$k} .= chr(65 + $i % 26);
		}
		my $s = join(",", map { "$_=$h{$_}" } sort keys %h);
		print length($s), " ", unpack("%32C*", $s), "\n";
		my $n = () = $s =~ /A+B?/g;
		print "$n\n";
		for (1 .. 5) {
			my $p = fork();
			if (!$p) { my @a = map { $_ x 10 } 1 .. 1000; exit(0) }
			waitpid($p, 0);
			print "$?\n"
		}'
}

case_sort() {
	need sort
	lines >in
	sort --parallel=4 -S 2M in | cksum
	sort -k 2n -u in | uniq -c | cksum
}

case_tar() {
	need tar gzip
	lines >in
	mkdir -p t && cp in t/a && cp in t/b
	tar --sort=name --mtime=@0 --owner=0 --group=0 -cf - t | cksum
	tar -czf t.tgz t && tar -tzf t.tgz && tar -xzOf t.tgz t/a | cksum
}

case_bash() {
	need bash
	bash -c 'declare -A h
		for ((i = 0; i < 5000; i++)); do h[$((i * 31 % 1009))]+=x; done
		echo ${#h[@]}
		for i in 1 2 3 4 5 6 7 8; do (echo "sub $i"); done
		x=$(seq 1 2000)
		echo ${#x}
		echo {1..300} | wc -w
		trap "echo bye" EXIT; printf "%s\n" a b c | while read -r l; do echo "<$l>"; done'
}

case_make() {
	need make
	{
		echo 'all: $(addprefix t, $(shell seq 1 60))'
		echo 't%:'
		printf '\t@echo $@ $(words $(shell seq 1 $*)) >>log; true\n'
	} >Makefile
	rm -f log
	make -j3 && sort log
}

case_awk() {
	need awk
	lines | awk '{ a[$1 % 100] += $2; s = s substr($0, 1, 3) }
		END { for (i = 0; i < 100; i++) print i, a[i]; print length(s) }'
}

debug=
[ "$build" = debug ] &&
	debug="slab_debug=FZPU quarantine=16M red_zone=64 policy=report report=$dir/report.%p"

(case_"$name") >"$dir/plain.out" 2>&1
plain=$?
[ $plain -eq 77 ] && exit 77
(
	export QUARRY_DEBUG="$debug" LD_PRELOAD="$drop_in"
	case_"$name"
) >"$dir/drop_in.out" 2>&1
status=$?

if [ $plain -ne 0 ] || [ $status -ne 0 ]; then
	echo "real.sh: $name: exit code $plain without, $status with"
	tail -n 20 "$dir/plain.out" "$dir/drop_in.out"
	cat "$dir"/report.* 2>/dev/null | head -n 100
	exit 1
fi
if [ ! -s "$dir/plain.out" ]; then
	echo "real.sh: $name: no output at all"
	exit 1
fi
if ! diff "$dir/plain.out" "$dir/drop_in.out"; then
	echo "real.sh: $name: the outputs differ"
	exit 1
fi
if ls "$dir"/report.* >/dev/null 2>&1; then
	echo "real.sh: $name: there were reports"
	cat "$dir"/report.* | head -n 200
	exit 1
fi
