# SPDX-License-Identifier: MIT
"""Reads reports: their text form (lib/report/report.h), raw or as `quarry check` prints it."""
import re

RULE = "=" * 77
FRAME = re.compile(r"\s+#(\d+) (0x[0-9a-f]+)(?: in (.*?)(?:\+0x[0-9a-f]+)? (?:\S+:\d+ )?\(.*)?$")
STACKS = (("Allocated", "allocated"), ("Freed", "freed"), ("Found at", "found at"))
DAMAGE = re.compile(r"(0x[0-9a-f]+)-(0x[0-9a-f]+)(?: @offset=-?\d+)?\. "
                    r"First byte (0x[0-9a-f]+) instead of (0x[0-9a-f]+)$")
RESTORED = re.compile(r"FIX \S+: Restoring .* (0x[0-9a-f]+)-(0x[0-9a-f]+)=0x[0-9a-f]+"
                      r"(; Marking all objects used)?$")


class Report:
    def __init__(self, lines):
        self.lines = lines
        self.title = self.plain = ""
        self.pid = 0
        self.item = {}     # of the QY line
        self.stack = {}    # name → functions, innermost first
        self.damage = self.restored = None
        self.fix = self.pointer = None
        self.read()

    def read(self):
        stack = number = None
        for line in self.lines:
            frame = FRAME.match(line)
            if frame and stack is not None:
                if frame[1] == number: # what was inlined comes first: its function is what counts
                    stack.pop()
                stack.append(frame[3] or "?")
                number = frame[1]
                continue
            stack = number = None
            if line.startswith("BUG "):
                self.title = line
                pid = re.search(r"\[(\d+)\]\): ", line)
                self.pid = int(pid[1]) if pid else 0
            elif line.startswith("Quarry: "):
                self.plain = line
            elif line.startswith("QY "):
                self.item = dict(word.split("=", 1) for word in line[3:].split())
            elif line.startswith("Pointer 0x"):
                self.pointer = line.partition(": ")[2]
            elif line.startswith("FIX "):
                self.fix = line
                self.restored = RESTORED.match(line)
            elif DAMAGE.match(line):
                self.damage = DAMAGE.match(line)
            for begin, name in STACKS:
                if re.match(begin + r"( .*)?$", line):
                    stack = self.stack.setdefault(name, [])

    def kind(self):
        return self.item.get("kind", "?")

    def faults_in_form(self):
        """What a report of any kind must have; a list of complaints."""
        faults = []
        for key in ("seq", "kind", "cache", "object", "size", "alloc", "free", "hash",
                    "pid", "tid"):
            if key not in self.item:
                faults.append("no %s in the QY line" % key)
        if not self.plain.startswith("Quarry: %s: " % self.kind()):
            faults.append("the line in plain words is '%s'" % self.plain)
        if faults or "len" not in self.item:
            return faults
        first = int(self.item["object"], 16) + int(self.item["offset"])
        last = first + int(self.item["len"]) - 1
        if not self.damage:
            return ["damage without its addresses"]
        if (int(self.damage[1], 16), int(self.damage[2], 16)) != (first, last):
            faults.append("addresses %s-%s, offset and length say %#x-%#x"
                          % (self.damage[1], self.damage[2], first, last))
        if (int(self.damage[3], 16), int(self.damage[4], 16)) != (
                int(self.item["found"], 16), int(self.item["expected"], 16)):
            faults.append("the two lines name other bytes")
        fixed = self.restored and (int(self.restored[1], 16), int(self.restored[2], 16))
        if fixed != (first, last):
            faults.append("repaired was '%s'" % self.fix)
        return faults


def parse(text):
    """The reports of @text; lines between them are let go."""
    reports, lines, inside = [], [], False
    for line in text.splitlines():
        if line == RULE:
            if inside:
                reports.append(Report(lines))
            inside = not inside
            lines = []
        elif inside:
            lines.append(line)
    return reports
