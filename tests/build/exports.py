#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the libraries define and need.

exports.py library FILE.so    exports qy_* only, and each function that a public header promises
exports.py dropin FILE.so     and the malloc surface; malloc and free must be there; no libstdc++
exports.py archive FILE.a     each global symbol is qy_* or qy__*; each one that is promised or used
                              by another member is there
"""
import fnmatch
import os
import re
import subprocess
import sys

DECLARATION = re.compile(r"^QY_API\b[^;(]*?\b(qy_[a-z0-9_]+)\s*\(", re.MULTILINE)
HERE = os.path.dirname(os.path.abspath(__file__))
MUST_SURFACE = ["malloc", "calloc", "realloc", "reallocarray", "free", "aligned_alloc",
                "posix_memalign", "memalign", "valloc", "pvalloc", "malloc_usable_size",
                "_Znwm", "_Znam", "_ZdlPv", "_ZdaPv"]
# Compilers put these into any object of a sanitized or instrumented build.
INSTRUMENTATION = re.compile(r"^(__asan_|__ubsan_|__tsan_|__sancov|__afl_|__odr_asan|asan\.|"
                             r"__start___|__stop___|_GLOBAL__|__x86\.get_pc_thunk)")


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def surface():
    with open(os.path.join(HERE, "malloc-surface.txt")) as f:
        lines = [line.strip() for line in f]
    return [line for line in lines if line and not line.startswith("#")]


def promised():
    """Functions that the public headers declare."""
    folder = os.path.join(HERE, "..", "..", "include", "quarry")
    names = set()
    for name in sorted(os.listdir(folder)):
        if name.endswith(".h"):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                names.update(DECLARATION.findall(f.read()))
    return names


def symbols(path, *options):
    """(name, type) of each defined global symbol."""
    for line in run("nm", "--defined-only", "--format=posix", *options, path).splitlines():
        words = line.split()
        if len(words) >= 2 and len(words[1]) == 1:
            yield words[0].split("@")[0], words[1]


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", path))


def check_shared(path, patterns, must):
    names = {n for n, t in symbols(path, "-D") if t not in "aA"}
    names = {n for n in names if not INSTRUMENTATION.match(n)}
    bad = ["exports " + n for n in sorted(names)
           if not any(fnmatch.fnmatchcase(n, p) for p in patterns)]
    bad += ["does not export " + n for n in must if n not in names]
    bad += ["needs " + n for n in needed(path) if "stdc++" in n or "libgcc_s" in n]
    return bad, len(names)


def check_archive(path):
    names = {n for n, t in symbols(path, "-g")}
    bad = ["defines " + n for n in sorted(names)
           if not n.startswith("qy_") and not INSTRUMENTATION.match(n)]
    # Every qy symbol that a member wants is defined by some member.
    wanted = {line.split()[-1] for line in run("nm", "-u", path).splitlines()
              if line.strip() and not line.endswith(":")}
    bad += ["nobody defines " + n for n in sorted(wanted) if n.startswith("qy_") and n not in names]
    bad += ["does not define " + n for n in sorted(promised() - names)]
    return bad, len(names)


def main():
    kind, path = sys.argv[1:]
    if kind == "archive":
        bad, count = check_archive(path)
    elif kind == "dropin":
        bad, count = check_shared(path, ["qy_[a-z]*"] + surface(), MUST_SURFACE)
    else:
        bad, count = check_shared(path, ["qy_[a-z]*"], sorted(promised()))
    print("%s: %d symbols, %d promised" % (os.path.basename(path), count, len(promised())))
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
