#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The fast paths stay fast: no locked instruction, no call out of the library but to clear memory.

fastpath.py FILE.so ENTRY... -SLOW... !ENTRY...

Starting at each entry, follows direct calls and jumps inside the library. Slow functions (by name,
see SLOW below, or given as -SLOW) are where a fast path ends; what is met before them is read
instruction by instruction. An entry with ! must turn out not to be fast: the proof of the check.
"""
import re
import subprocess
import sys

# Names of functions that may be slow: the compiler's cold parts, and ours by suffix.
SLOW = re.compile(r"(\.cold(\.\d+)?|_slow(_\w+)?(\.[a-z.0-9]+)?)$")
FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S.*)$")
TARGET = re.compile(r"^(?:bnd |notrack |addr32 )*(call|j[a-z]+)\s+[0-9a-f]+ "
                    r"<([^>+]+)(\+0x[0-9a-f]+)?>")
LOCKED = re.compile(r"^(lock\b|xchg[bwlq]?\s.*\()")
# Calls through a pointer, and tail calls through the table of foreign symbols.
HARMLESS = re.compile(r"<(memset|memcpy)@")
INDIRECT = re.compile(r"^(?:bnd |notrack )*(call\w*\s+\*|jmp\w*\s+\*.*\(%rip\).*@)")


def disassemble(path):
    """name → list of instructions."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    functions, current = {}, None
    for line in text.splitlines():
        head = FUNCTION.match(line)
        if head:
            # Two local functions may share a name: the first address keeps it.
            current = functions.setdefault(head.group(2), [])
            continue
        instruction = INSTRUCTION.match(line)
        if instruction and current is not None:
            current.append(instruction.group(2).strip())
    return functions


def walk(functions, entry, slow):
    """Findings on the fast path of one entry, and the functions it consists of."""
    bad, todo, seen = [], [entry], []
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.append(name)
        for text in functions[name]:
            if LOCKED.match(text):
                bad.append("%s: locked: %s" % (name, text))
            if INDIRECT.match(text) and not HARMLESS.search(text):
                bad.append("%s: indirect call: %s" % (name, text))
            target = TARGET.match(text)
            if not target or target.group(2) == name:
                continue
            callee = target.group(2)
            if SLOW.search(callee) or callee in slow:
                continue
            if HARMLESS.search(text):
                continue
            if "@plt" in callee or callee not in functions:
                bad.append("%s: leaves the library: %s" % (name, text))
            else:
                todo.append(callee)
    return bad, seen


def main():
    path, entries = sys.argv[1], sys.argv[2:]
    slow = {e[1:] for e in entries if e.startswith("-")}
    functions = disassemble(path)
    failed = False
    for word in (e for e in entries if not e.startswith("-")):
        entry = word.lstrip("!")
        if entry not in functions:
            print("%s: not in %s" % (entry, path))
            failed = True
            continue
        bad, seen = walk(functions, entry, slow)
        size = sum(len(functions[n]) for n in seen)
        print("%s: %d instructions in %s" % (entry, size, ", ".join(seen)))
        for line in bad:
            print("    " + line)
        failed = failed or bool(bad) != word.startswith("!")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
