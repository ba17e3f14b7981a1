# SPDX-License-Identifier: MIT
"""Runs the `quarry` program for the tests of this folder."""
import os
import subprocess
import unittest

QUARRY = os.environ["QUARRY"]
# Seconds until something hangs for good; no verdict on a slow or busy machine.
NET = 1800
RULE = "=" * 77


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")


def quarry(*args, env=None, stdin=b""):
    """@env: variables to add; None as a value takes one away."""
    full = dict(os.environ)
    full.setdefault("LC_ALL", "C")
    for name, value in (env or {}).items():
        if value is None:
            full.pop(name, None)
        else:
            full[name] = value
    return Result(subprocess.run([QUARRY, *args], input=stdin, env=full, timeout=NET,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False))


def main():
    unittest.main(verbosity=2)
