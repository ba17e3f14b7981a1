# SPDX-License-Identifier: MIT
"""Runs a command plain and under `quarry check`: nothing may differ, nothing may be reported."""
import os
import subprocess
import tempfile
import time


def run(command, folder, env):
    begin = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=1800)
    return done.returncode, done.stdout, done.stderr, time.monotonic() - begin


def first_difference(a, b):
    a, b = a.splitlines(), b.splitlines()
    for number, (left, right) in enumerate(zip(a, b), 1):
        if left != right:
            return "line %d: %r, plain %r" % (number, right[:200], left[:200])
    return "%d lines, plain %d" % (len(b), len(a))


def compare(quarry, options, command, env=None):
    """@command runs in an empty folder each time. Return: complaints, seconds plain and checked."""
    env = dict(os.environ, LC_ALL="C", TZ="UTC", **(env or {}))
    for name in ("QUARRY_DEBUG", "LD_PRELOAD", "MALLOC_PERTURB_"):
        env.pop(name, None)
    quarry = os.path.abspath(quarry)
    with tempfile.TemporaryDirectory() as top:
        folder, reports = os.path.join(top, "here"), os.path.join(top, "reports")
        os.mkdir(folder)
        code, out, err, plain = run(command, folder, env)
        subprocess.run(["rm", "-rf", folder], check=True)
        os.mkdir(folder)
        checked_code, checked_out, checked_err, checked = run(
            [quarry, "check", "--quiet", "--output=" + reports, *options, "--", *command],
            folder, env)
        with open(reports, encoding="utf-8", errors="replace") as file:
            text = file.read()
    faults = []
    if text:
        faults.append("there were reports:\n" + text[:20000])
    if checked_code != code:
        faults.append("exit code %d, plain %d" % (checked_code, code))
    if checked_out != out:
        faults.append("other output, " + first_difference(out, checked_out))
    if checked_err != err:
        faults.append("other messages, " + first_difference(err, checked_err))
    if code != 0 or not out:
        faults.append("plain, it ended with %d and wrote %d bytes: %s"
                      % (code, len(out), err.decode(errors="replace")[-2000:]))
    return faults, plain, checked
