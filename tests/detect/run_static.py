#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run_static.py PROGRAM... - programs linked with -static and the drop-in's archive.

Each overflows an object of 10 bytes by 300; its own malloc has to tell, without anything preloaded.
"""
import os
import subprocess
import sys
import tempfile

from report import parse


def main():
    bad = 0
    for program in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "reports")
            env = dict(os.environ, QUARRY_DEBUG="policy=report report=%s" % path)
            done = subprocess.run([program], env=env, check=False)
            text = ""
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read()
        items = [(r.kind(), r.item.get("size"), r.item.get("offset"), r.item.get("len"))
                 for r in parse(text)]
        if done.returncode or items != [("heap-overflow", "10", "10", "300")]:
            print("%s ended with %d, reports %s" % (program, done.returncode, items), text)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
