#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""interpose.py DROP_IN debug|release CC PROGRAM: malloc calls nothing that others may stand in for.

A library is made that stands in for every function the DROP_IN imports (readelf). Each stand-in
notes calls that come from the drop-in while PROGRAM (interpose_calls.c) is in malloc and its kin,
allocates, and goes on to the true function. None may be noted but those of ALLOWED, whose stand-ins
do nothing of their own: for they are called at any time.

x86-64 only: a stand-in that knows no arguments has to be written in assembler.
"""
import os
import platform
import re
import subprocess
import sys
import tempfile

# Why a library that stands in for it is no danger, or cannot be helped.
ALLOWED = {
    "memchr memcmp memcpy memmove memset strcmp strcspn strlen strncmp strncpy strnlen strrchr "
    "strspn strstr":
        "leaves: a stand-in that allocates would not get through the dynamic linker",
    "__errno_location pthread_self getauxval":
        "read what the thread or the kernel left",
    "pthread_key_create pthread_setspecific":
        "once per thread: nothing else tells of a thread's end; the slot is set before",
    "__register_atfork":
        "once, at the start: nothing else is called at fork()",
    "_dl_find_object":
        "in a report: the dynamic linker's own table, read without a lock",
    "__cxa_finalize __cxa_at_quick_exit":
        "at the end of the process",
}
# Of C++ programs only.
LEFT_OUT = re.compile(r"_Z|__gxx_personality|__cxa_(begin|end)_catch")


def imports(library):
    """Names and versions of the functions that the library takes from elsewhere."""
    text = subprocess.run(["readelf", "--dyn-syms", "-W", library], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    found = dict(re.findall(r"\bFUNC .*\bUND (\w+)@(\S+)", text))
    return sorted((n, v) for n, v in found.items() if not LEFT_OUT.match(n))


def stand_ins(found):
    """The library's source: one entry per name, common code that saves what may be an argument."""
    names = [n for n, _ in found]
    lines = ['#include "interpose.h"', "const char *const interpose_name[] = {"]
    lines += ['\t"%s",' % n for n in names]
    lines += ["};", "const char *const interpose_version[] = {"]
    lines += ['\t"%s",' % v for _, v in found]
    lines += ["};", "const unsigned int interpose_nr = %d;" % len(names),
              "void *interpose_real[%d];" % len(names)]
    allowed = set(" ".join(ALLOWED).split())
    lines += ["const char interpose_allowed[] = {%s};" %
              ", ".join("1" if n in allowed else "0" for n in names)]
    for i, n in enumerate(names):
        lines.append("INTERPOSE(%s, %d)" % (n, i))
    return "\n".join(lines) + "\n"


def main():
    drop_in, build, compiler, program = sys.argv[1:5]
    here = os.path.dirname(os.path.abspath(__file__))
    if platform.machine() != "x86_64":
        return 77
    names = imports(drop_in)
    print("%d imports: %s" % (len(names), " ".join(n for n, _ in names)))
    with tempfile.TemporaryDirectory() as place:
        source, library = os.path.join(place, "names.c"), os.path.join(place, "interpose.so")
        with open(source, "w") as f:
            f.write(stand_ins(names))
        subprocess.run([compiler, "-w", "-O1", "-g", "-fPIC", "-shared", "-fno-builtin", "-I", here,
                        source, os.path.join(here, "interpose.c"), "-o", library], check=True)
        env = dict(os.environ, LD_PRELOAD="%s %s" % (library, drop_in))
        if build == "debug":
            env["QUARRY_DEBUG"] = "slab_debug=FZPU quarantine=4M policy=report"
        done = subprocess.run([program, build], env=env, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE, check=False)
    sys.stdout.write(done.stdout)
    reports = len(re.findall(r"^QY seq=", done.stderr, re.M))
    if reports != (2 if build == "debug" else 0) or done.returncode:
        sys.stdout.write(done.stderr[-3000:])
        print("ended with %d, %d reports" % (done.returncode, reports))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
