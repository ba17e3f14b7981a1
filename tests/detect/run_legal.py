#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run_legal.py QUARRY PROGRAM TEST [OPTIONS of quarry check] - a sound program: no report."""
import os
import sys

from same import compare


def main():
    quarry, program, test, *options = sys.argv[1:]
    faults, plain, checked = compare(quarry, options, [os.path.abspath(program), test])
    print("%s: %.2f s plain, %.2f s checked" % (test, plain, checked), *faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
