#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run_overrun.py DROP_IN OVERRUN WHEN - overflows of any length and value are one report each.

It names the object that the write came from, and who allocated that, whatever was run over. Not to
be had: the start of a run of 0xcc, the very byte of a live object's red zone. That is only seen
where it hits free objects, and its first byte is where it does; once an object on the way was freed
its zones say nothing any more.
"""
import os
import re
import subprocess
import sys
import tempfile

from report import parse

DEBUG = "policy=report report=%s"
SIZES = (10, 16, 100, 2000)
LENGTHS = (1, 8, 64, 65, 80, 100, 300, 2000, 20000, 1 << 20)
FILLS = (0x41, 0, 0xbb, 0x6b, 0x5a, 0xcc)
ZONE = 0xcc
CODE = 64  # bytes of culprit()


def run(drop_in, command):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "reports")
        env = dict(os.environ, LD_PRELOAD=drop_in, QUARRY_DEBUG=DEBUG % path)
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=False)
        text = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
    return int(done.stdout.split()[0], 16), text, done.returncode


def allocated_in(report, culprit):
    for at, line in enumerate(report.lines):
        if line.startswith("Allocated"):
            frame = re.match(r" +#1 (0x[0-9a-f]+)", report.lines[at + 2])
            return bool(frame) and culprit < int(frame[1], 16) <= culprit + CODE
    return False


def faults_of(text, size, length, fill, when, culprit):
    reports = parse(text)
    if fill == ZONE and when == "free" and len(reports) == 1:
        return []
    if len(reports) != 1:
        if fill == ZONE and not reports:
            return []
        return ["%d reports" % len(reports)]
    report, faults = reports[0], []
    want = {"kind": "heap-overflow", "size": str(size)}
    if fill != ZONE:
        want["offset"] = str(size)
        if fill in (0x41, 0) and length <= 300:
            want["len"] = str(length)
    for key, value in want.items():
        if report.item.get(key) != value:
            faults.append("%s is %s, not %s" % (key, report.item.get(key), value))
    if not allocated_in(report, culprit):
        faults.append("it is not culprit() that is named")
    return faults


def main():
    drop_in, program, when = sys.argv[1:4]
    bad = runs = 0
    for size in SIZES:
        for length in LENGTHS:
            for fill in FILLS:
                command = [program, str(size), str(length), hex(fill), when]
                culprit, text, code = run(drop_in, command)
                faults = faults_of(text, size, length, fill, when, culprit)
                if code:
                    faults.append("it ended with %d" % code)
                runs += 1
                bad += bool(faults)
                if faults:
                    print(" ".join(command[1:]), *faults, sep="; ")
    print("%d overflows, %d not as they should be" % (runs, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
