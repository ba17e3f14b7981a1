#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A crash is explained where the heap knows why: run_crashes.py PROGRAM DEBUG_DROP_IN

One report for each, of the kind, the object's size and the offset that are expected, with the place
that crashed; and the program ends by the signal it would have ended by.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile

# way: kind, object's size, offset or None, words of the report
CRASHES = {
    "freed-node": ("use-after-free-write", 24, None, r"followed: it was read from a freed 24-byte"),
    "unwritten": ("use-after-free-write", 24, None, r"followed: it was never written in a 24-byte"),
    "guard": ("heap-overflow", 6000000, 6000000, r"past the end of a 6000000-byte"),
    "read-behind": ("heap-overflow", 6000000, 6004000, r"offset 6004000 of a 6000000-byte"),
    "far-before": ("heap-underwrite", 6000000, -1000, r"offset -1000 of a 6000000-byte"),
    "freed-area": ("use-after-free-write", 6000000, 100, r"offset 100 of a freed 6000000-byte"),
    "null": None,
}


def check(program, drop_in, way, report):
    env = dict(os.environ, LD_PRELOAD=drop_in, QUARRY_DEBUG="policy=report report=" + report)
    status = subprocess.run([program, way], env=env, timeout=120).returncode
    text = ""
    if os.path.exists(report):
        with open(report, encoding="utf-8") as f:
            text = f.read()
        os.unlink(report)
    lines = re.findall(r"^QY seq=\S+ kind=(\S+) .* size=(\d+)(?: offset=(-?\d+))?", text, re.M)
    want, bad = CRASHES[way], []
    if status != -signal.SIGSEGV:
        bad.append("status %d" % status)
    if len(lines) != (1 if want else 0):
        bad.append("%d reports" % len(lines))
    elif want:
        kind, size, offset, words = want
        if lines[0][:2] != (kind, str(size)) or (offset is not None and lines[0][2] != str(offset)):
            bad.append("told %s" % (lines[0],))
        if not re.search(words, text):
            bad.append("not in these words")
        if not re.search(r"^Allocated .*\n    #0", text, re.M):
            bad.append("no stack of the allocation")
        frame = r"    #\d+ \S+ \(%s" % re.escape(program)
        if not re.search(r"^Found at\n(    #.*\n)*" + frame, text, re.M):
            bad.append("not where it crashed")
    if bad:
        print("%s: %s\n%s" % (way, ", ".join(bad), text))
    return not bad


def main():
    program, drop_in = os.path.realpath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        good = [check(program, drop_in, way, os.path.join(folder, "report")) for way in CRASHES]
    print("%d crashes, %d bad" % (len(good), good.count(False)))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
