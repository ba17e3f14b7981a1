#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run_real.py QUARRY CASE - an unchanged program does real work under `quarry check`.

Each case is a script for bash, which is checked as well, like everything it starts. A program that
is not installed: skipped.
"""
import shutil
import sys

from same import compare

SKIP = 77

# Text to work on, the same in each run.
LINES = r"""lines() { awk -v n="$1" 'BEGIN { x = 1; for (i = 0; i < n; i++) {
	x = (x * 16807) % 2147483647; print x, i, "some text", x % 97 } }'; }
"""

CASES = {
    "sqlite3": ("sqlite3", r"""
sqlite3 t.db "
	create table t(id integer primary key, name text, value real);
	with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
		insert into t select i, 'name ' || (i * 7919 % 20011), i / 7.0 from n;
	create index by_name on t(name);
	select count(*), sum(value), min(name), max(name) from t;
	select a.id, b.name from t a join t b on a.id = b.id * 2
		where a.name like 'name 1%' order by b.name limit 20;
	update t set name = name || ' more' where id % 5 = 0;
	delete from t where id % 3 = 0;
	vacuum;
	pragma integrity_check;
	.dump" | cksum
"""),
    "python3": ("/usr/bin/python3", r"""
cat >work.py <<'PY'
import collections, hashlib, json, re, subprocess, threading, zlib
d = collections.defaultdict(list)
for i in range(20000):
    d[i % 997].append(str(i) * (i % 5))
text = json.dumps(d)
assert json.loads(text)["5"] == d[5]
print(hashlib.sha256(text.encode()).hexdigest(), len(zlib.compress(text.encode())))
print(len(re.findall(r"12+3", text)))
result = [0] * 4
def work(k):
    s = bytearray()
    for i in range(10000):
        s += b"%d" % (i * k)
    result[k] = hashlib.md5(s).hexdigest()
threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(result, sum(map(len, [bytes(n) for n in (10**6, 5 * 10**6, 2 * 10**7)])))
for i in range(4):
    print(subprocess.run(["echo", "child", str(i)], capture_output=True, text=True).stdout)
PY
PYTHONHASHSEED=0 PYTHONMALLOC=malloc /usr/bin/python3 work.py
"""),
    "perl": ("perl", r"""
perl -e 'my %h; for my $i (1 .. 30000) { my $k = "k" . ($i * 7919 % 10007);
		$h{$k} .= chr(65 + $i % 26); }
	my $s = join(",", map { "$_=$h{$_}" } sort keys %h);
	print length($s), " ", unpack("%32C*", $s), "\n";
	my $n = () = $s =~ /A+B?/g; print "$n\n";
	for (1 .. 5) { my $p = fork(); if (!$p) { my @a = map { $_ x 10 } 1 .. 1000; exit(0) }
		waitpid($p, 0); print "$?\n" }'
"""),
    "bash": ("bash", r"""
bash -c 'declare -A h; for ((i = 0; i < 4000; i++)); do h[$((i * 31 % 1009))]+=x; done
	echo ${#h[@]}; for i in 1 2 3 4 5 6 7 8; do (echo "sub $i"); done
	x=$(seq 1 2000); echo ${#x}; echo {1..300} | wc -w; [[ $x =~ ([0-9]+).*77 ]] && echo yes
	trap "echo bye" EXIT; printf "%s\n" a b c | while read -r l; do echo "<$l>"; done'
"""),
    "git": ("git", r"""
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b \
	GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_AUTHOR_DATE='2001-02-03T04:05:06Z' \
	GIT_COMMITTER_DATE='2001-02-03T04:05:06Z'
git -c init.defaultBranch=main init -q r && cd r || exit 2
for i in 1 2 3 4 5; do
	lines $((i * 300)) >f$((i % 3))
	git add . && git commit -q -m "commit $i"
done
echo changed >f1; echo new >f9
git status
git log --stat --no-color
git diff HEAD~3 | cksum
git repack -adq && git fsck --strict 2>&1
git blame f2 | cksum
"""),
    "gcc": ("gcc", r"""
cat >t.c <<'C'
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct list { struct list *next; char name[20]; };
static int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); }
int main(int argc, char **argv)
{ struct list *l = calloc(1, sizeof(*l)); strcpy(l->name, "x"); free(l); (void)argv;
  printf("%d %f\n", f(10), sqrt(argc)); return 0; }
C
gcc -O2 -Wall -S t.c -o t.s && cksum <t.s
gcc -O1 -g -c t.c && gcc t.o -o t -lm && ./t
"""),
    "gxx": ("g++", r"""
cat >t.cc <<'CC'
#include <map>
#include <string>
#include <cstdio>
int main() { std::map<std::string, int> m; for (int i = 0; i < 9; i++) m[std::to_string(i % 3)]++;
for (auto &p : m) printf("%s %d\n", p.first.c_str(), p.second); }
CC
g++ -O1 t.cc -o t && ./t
"""),
    "clang": ("clang", r"""
printf '#include <stdio.h>\nint main(void) { puts("made by clang"); return 0; }\n' >t.c
clang -O2 t.c -o t && ./t
"""),
    "make": ("make", r"""
{ echo 'all: $(addprefix t, $(shell seq 1 40))'; echo 't%:'
  printf '\t@echo $@ $(words $(shell seq 1 $*)) >>log; true\n'; } >Makefile
make -j3 && sort log
"""),
    "tar": ("tar gzip", r"""
lines 20000 >in; mkdir -p t && cp in t/a && cp in t/b
tar --sort=name --mtime=@0 --owner=0 --group=0 -cf - t | cksum
tar -czf t.tgz t && tar -tzf t.tgz && tar -xzOf t.tgz t/a | cksum
gzip -9c in | gzip -dc | cksum
"""),
    "xz": ("xz bzip2", r"""
lines 20000 >in
xz -3c in | xz -dc | cksum; bzip2 -c in | bzip2 -dc | cksum
"""),
    "sort": ("sort", r"""
lines 30000 >in
sort --parallel=4 -S 1M in | cksum; sort -k 2n -u in | uniq -c | cksum
"""),
    "awk": ("awk", r"""
lines 30000 | awk '{ a[$1 % 100] += $2; s = s substr($0, 1, 3) }
	END { for (i = 0; i < 100; i++) print i, a[i]; print length(s) }'
"""),
    "sed": ("sed grep diff", r"""
lines 20000 >in
sed -E -n 's/([0-9]+) ([0-9]+) some (t.*)$/\2-\1 \3/; 1~7p; /9{3}/{h;G;p}' in >out; cksum out
grep -cE '(12|34)+5' in; grep -o 'text [0-9]*' in | sort | uniq -c | head -n 20
head -n 3000 in >a; sed 's/77/x/' a >b; diff a b | cksum
"""),
    "find": ("find xargs", r"""
mkdir -p d/{a,b,c}/{1,2,3}; for i in $(seq 1 200); do echo $i >d/a/1/f$i; done
find d -type f -name 'f1*' -size -2 -print0 | sort -z | xargs -0 -n 20 cat | cksum
find d -type d -newermt 2000-01-01 -exec sh -c 'echo "$1"' _ {} \; | sort
find /usr/include -maxdepth 2 -name '*.h' | sort | xargs wc -c | tail -n 1
"""),
    "openssl": ("openssl", r"""
lines 20000 >in
openssl dgst -sha256 in; openssl enc -aes-256-cbc -K 00 -iv 00 -in in 2>/dev/null | cksum
openssl genrsa -out key 1024 2>/dev/null && openssl dgst -sha256 -sign key -out sig in &&
	openssl rsa -in key -pubout -out pub 2>/dev/null &&
	openssl dgst -verify pub -signature sig in
openssl req -new -x509 -key key -subj /CN=test -out cert 2>/dev/null &&
	openssl x509 -in cert -noout -subject
"""),
    "bc": ("bc", r"""
echo 'scale=300; 4*a(1); e(2); for (i = 0; i < 50; i++) i^20' | bc -l
"""),
    "jq": ("jq", r"""
lines 3000 | jq -Rn '[inputs | split(" ") | {n: .[0] | tonumber, t: .[2:]}] |
	group_by(.n % 7) | map({k: (.[0].n % 7), s: (map(.n) | add), c: length})'
"""),
    "binutils": ("objdump readelf nm ar", r"""
readelf -Wa /bin/true | cksum; objdump -d --no-show-raw-insn /bin/true | cksum
cp /bin/true x.o && ar rcsD x.a x.o && nm -D x.o | cksum && ar t x.a
"""),
    "gdb": ("gdb", r"""
gdb -batch -nx -ex 'info line main' -ex 'p sizeof(int) * 21' -ex 'python print(6 * 7)' /bin/true
"""),
    "node": ("node", r"""
node -e 'const m = new Map(); for (let i = 0; i < 50000; i++) m.set("k" + i, Buffer.alloc(i % 50));
	console.log(m.size, require("zlib").gzipSync("x".repeat(100000)).length,
		JSON.stringify([...m.keys()]).length)'
"""),
    "vim": ("vim", r"""
lines 2000 >in
vim -es -u NONE -i NONE -N -c '%s/some \(t\w*\)/\1-\1/g' -c 'g/99/d' -c 'sort n' -c 'w out' \
	-c 'q!' in
cksum out
"""),
    "curl": ("curl", r"""
lines 5000 >in; curl -s "file://$PWD/in" | cksum
"""),
    "cmake": ("cmake make", r"""
printf 'cmake_minimum_required(VERSION 3.10)\nproject(t NONE)\n' >CMakeLists.txt
cat >>CMakeLists.txt <<'E'
foreach(i RANGE 200)
  list(APPEND l "v${i}")
endforeach()
message(STATUS "${l}")
E
cmake -S . -B b | grep -v -e written -e done
"""),
}


def main():
    if sys.argv[1:] == ["--list"]:
        print(" ".join(CASES))
        return 0
    quarry, name = sys.argv[1:3]
    programs, script = CASES[name]
    for program in programs.split() + ["bash"]:
        if not shutil.which(program):
            print("there is no", program)
            return SKIP
    faults, plain, checked = compare(quarry, [], ["bash", "-c", LINES + script])
    print("%s: %.2f s plain, %.2f s checked" % (name, plain, checked), *faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
