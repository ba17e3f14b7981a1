#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run_hash.py DROP_IN PROGRAM... - the hash of a report names its origin, not this run's addresses.

Each program has bugs and runs more than once, at other addresses each time (program and libraries):
its reports have the same hashes, and each of its bugs one of its own.
"""
import os
import re
import subprocess
import sys

from report import parse

FRAME = re.compile(r"\s+#\d+ (0x[0-9a-f]+) \((\S+)\+(0x[0-9a-f]+)\)$")
DEBUG = "slab_debug=FZPU quarantine=16M red_zone=64 policy=report"
RUNS = 3
SKIPPED = 77


def run(drop_in, program):
    """Hashes of the reports; frames as addresses; frames as places in files."""
    env = dict(os.environ, LD_PRELOAD=drop_in, QUARRY_DEBUG=DEBUG)
    done = subprocess.run([program], env=env, check=False, timeout=1800, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    text = done.stderr.decode(errors="replace")
    frames = [FRAME.match(line) for report in parse(text) for line in report.lines]
    frames = [frame for frame in frames if frame]
    return ([report.item.get("hash") for report in parse(text)],
            [frame[1] for frame in frames], [(frame[2], frame[3]) for frame in frames])


def is_moved(one, other):
    """Was the program somewhere else, and every library in the stacks, too?"""
    return bool(one[1]) and all(at != other_at for at, other_at in zip(one[1], other[1]))


def faults_of(drop_in, program):
    """Complaints; the number of reports; were there runs at other addresses?"""
    name = os.path.basename(program)
    first = run(drop_in, program)
    faults, moved = [], 0
    if not first[0] or not all(first[0]) or len(set(first[0])) != len(first[0]):
        return ["%s: hashes are %s" % (name, first[0])], 0, True
    for _ in range(RUNS * 4):
        again = run(drop_in, program)
        if again[2] != first[2]:
            faults.append("%s: other frames: %s, then %s" % (name, first[2], again[2]))
        if again[0] != first[0]:
            faults.append("%s: hashes are %s, then %s" % (name, first[0], again[0]))
        moved += is_moved(first, again)
        if faults or moved == RUNS - 1:
            break
    return faults, len(first[0]), moved > 0


def main():
    drop_in, programs = sys.argv[1], sys.argv[2:]
    faults, reports, all_moved = [], 0, True
    for program in programs:
        more, number, moved = faults_of(drop_in, program)
        faults += more
        reports += number
        all_moved &= moved
    if faults:
        print("\n".join(faults))
        return 1
    if not all_moved:
        print("skipped: here a program is always at the same addresses")
        return SKIPPED
    print("%d reports of %d programs as before" % (reports, len(programs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
