#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run_bug.py QUARRY PROGRAM SOURCE - a program with a bug under `quarry check`.

Its reports must be those that the comment at the head of the source tells, and no others:

    options: --quarantine=0              of quarry check
    expect: KIND key=value …             a report begins; items of its QY line. Those of the damage
                                         must not be there unless named; alloc and free are malloc
                                         if not named, expected the byte of the red zone
    allocated: malloc < make < main      innermost frames of a stack; "*" is any one function. A
    freed: …                             stack that is not named must not be in the report
    found: …
    pointer: in the global variable g    what the line about a pointer of no object says, as a begin
    end: exit status 0                   how the program ends
"""
import re
import subprocess
import sys

from report import parse

ERROR_EXITCODE = 86
STACK = {"allocated": "allocated", "freed": "freed", "found": "found at"}
BYTE = {"heap-overflow": "0xcc", "heap-underwrite": "0xcc"}
# What a freed object holds is another byte at each run: that it is named is all that can be asked.
POISON = "use-after-free-write"


class Expected:
    def __init__(self, words):
        self.kind = words[0]
        self.item = {"alloc": "malloc", "free": "malloc"}
        if self.kind in BYTE:
            self.item["expected"] = BYTE[self.kind]
        self.item.update(word.split("=", 1) for word in words[1:])
        self.stack = {}
        self.pointer = None


def read_source(path):
    options, expected, end = [], [], "exit status 0"
    with open(path, encoding="utf-8") as source:
        for line in source:
            found = re.match(r" \* (options|expect|allocated|freed|found|pointer|end): (.*)", line)
            if line.startswith(" */"):
                break
            if not found:
                continue
            key, value = found[1], found[2].strip()
            if key == "options":
                options = value.split()
            elif key == "expect":
                expected.append(Expected(value.split()))
            elif key == "end":
                end = value
            elif key == "pointer":
                expected[-1].pointer = value
            else:
                expected[-1].stack[STACK[key]] = value.split(" < ")
    return options, expected, end


def chain(frames):
    return " < ".join(frames) or "-"


def compare(report, want):
    faults = report.faults_in_form()
    if report.kind() != want.kind:
        faults.append("kind is %s" % report.kind())
    for key, value in want.item.items():
        if report.item.get(key) != value:
            faults.append("%s is %s, not %s" % (key, report.item.get(key), value))
    for key in ("offset", "len", "expected", "found"):
        if key == "expected" and want.kind == POISON and key not in want.item:
            if key in report.item and report.item[key] == report.item.get("found"):
                faults.append("expected is %s, as found" % report.item.get(key))
        elif key in report.item and key not in want.item:
            faults.append("%s=%s is there" % (key, report.item[key]))
    if want.pointer and not (report.pointer or "").startswith(want.pointer):
        faults.append("pointer: '%s', not '%s'" % (report.pointer, want.pointer))
    for name in STACK.values():
        frames, wanted = report.stack.get(name, []), want.stack.get(name, [])
        begin = frames[:len(wanted)] if wanted else frames
        if len(begin) != len(wanted) or any(w not in ("*", f) for w, f in zip(wanted, begin)):
            faults.append("%s: %s, not %s" % (name, chain(frames), chain(wanted)))
    return faults


def expected_code(expected, end):
    if expected:
        return ERROR_EXITCODE
    number = int(re.search(r"\d+", end)[0])
    return number + 128 if end.startswith("killed") else number


def main():
    quarry, program, source = sys.argv[1:4]
    options, expected, end = read_source(source)
    done = subprocess.run([quarry, "check", *options, program], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=1800, check=False)
    text = done.stderr.decode(errors="replace")
    reports = parse(text)
    faults = []
    if len(reports) != len(expected):
        faults.append("%d reports, expected %d" % (len(reports), len(expected)))
    for number, (report, want) in enumerate(zip(reports, expected), 1):
        faults += ["report %d: %s" % (number, fault) for fault in compare(report, want)]
    code = expected_code(expected, end)
    if done.returncode != code:
        faults.append("quarry check ended with %d, expected %d" % (done.returncode, code))
    closing = r"quarry check: %d report.*; %s" % (len(expected), re.escape(end))
    if not re.fullmatch(closing, text.rstrip().rpartition("\n")[2]):
        faults.append("the closing line is not '%s'" % closing)
    if done.stdout:
        faults.append("output: %r" % done.stdout)
    if faults:
        print("\n".join(faults), text, sep="\n\n")
        return 1
    print("%d report(s) as expected" % len(expected))
    return 0


if __name__ == "__main__":
    sys.exit(main())
