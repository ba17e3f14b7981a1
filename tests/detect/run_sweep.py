#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run_sweep.py DROP_IN SWEEP CLASS WHEN - the reports of a sweep are those that it says it planted.

Reports come through a pipe: they are long, and only their QY lines are wanted.
"""
import collections
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

DEBUG = "slab_debug=FZPU quarantine=%s red_zone=64 policy=report report=%s"
KEYS = ("kind", "object", "size", "offset", "len", "alloc", "free")
LEAST_SIZES = 1200


def read_reports(fd, lines):
    rest = b""
    while True:
        data = os.read(fd, 1 << 16)
        if not data:
            return
        data = rest + data
        whole = data.rfind(b"\n") + 1
        lines += re.findall(rb"^QY .*$", data[:whole], re.MULTILINE)
        rest = data[whole:]


def run(drop_in, command, quarantine):
    """What the program printed, the QY lines of its reports, how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        pipe = os.path.join(folder, "reports")
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        writer = os.open(pipe, os.O_WRONLY)  # so that it ends when we say so
        os.set_blocking(reader, True)
        lines = []
        thread = threading.Thread(target=read_reports, args=(reader, lines))
        thread.start()
        env = dict(os.environ, LD_PRELOAD=drop_in, QUARRY_DEBUG=DEBUG % (quarantine, pipe))
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=False)
        os.close(writer)
        thread.join()
        os.close(reader)
    return done.stdout.decode(), [line.decode() for line in lines], done.returncode


def key_of_report(line):
    item = dict(word.split("=", 1) for word in line.split()[1:])
    return tuple(item.get(key, "-") for key in KEYS)


def main():
    drop_in, program, name, when = sys.argv[1:5]
    leave = when == "leave"
    out, lines, code = run(drop_in, [program, name, when], "128M" if leave else "2G")
    *bugs, last = out.splitlines() or [""]
    sums = re.fullmatch(r"bugs (\d+) over (\d+) sizes", last)
    planted = collections.Counter(tuple(line.split(" ")) for line in bugs)
    reported = collections.Counter(key_of_report(line) for line in lines)
    missed, others = planted - reported, reported - planted
    print("%s, found by %s: %d of %d over %s sizes, %d other reports"
          % (name, when, len(bugs) - sum(missed.values()), len(bugs),
             len({key[2] for key in planted}), sum(others.values())))
    for what, some in (("missed", missed), ("unexpected", others)):
        for key in list(some)[:20]:
            print(what, " ".join("%s=%s" % pair for pair in zip(KEYS, key)))
    if code != (-signal.SIGKILL if leave else 0):
        print("the program ended with %d" % code)
        return 1
    least = 10 if name == "huge" else LEAST_SIZES
    if not sums or int(sums[1]) != len(bugs) or int(sums[2]) < least:
        print("the program planted too little: '%s'" % last)
        return 1
    return 1 if missed or others else 0


if __name__ == "__main__":
    sys.exit(main())
