#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""image.py BUSY READER OTHER_READER LIBRARY: an instance is read by another program.

BUSY (busy.c) and READER (reader.c) load the same LIBRARY, each where the system puts it. The memory
of BUSY is read while it runs, its default instance found by the symbol qy_root alone:

    quiet   the checker finds nothing, all texts are BUSY's own; OTHER_READER, of the other build of
            the library, refuses
    arena   the same for an instance in a buffer
    torn    while threads allocate: READER ends, with whatever it finds; also with parts of the copy
            missing or from another moment

A file for READER: u64 mm, start, size, number of chunks; for each u64 address, bytes; the bytes.
"""
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

ROOT = struct.Struct("=8sII3Q") # struct qy_root
TORN = 12
BUSY, READER, OTHER_READER, LIBRARY = sys.argv[1:5]
FAULTS = []


def fault(text):
    FAULTS.append(text)
    print("FAILED:", text)


def start(*arguments):
    busy = subprocess.Popen([BUSY, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    words = busy.stdout.readline().split()
    if not words or words[0] != b"ready":
        sys.exit("busy %s does not work" % " ".join(arguments))
    return busy, int(words[1], 16), int(words[2])


def maps(pid):
    """(start, end, may be read, offset, path) of each mapping."""
    with open("/proc/%d/maps" % pid) as f:
        for line in f:
            words = line.split(None, 5)
            first, last = (int(x, 16) for x in words[0].split("-"))
            yield (first, last, words[1][0] == "r", int(words[2], 16),
                   words[5].rstrip("\n") if len(words) > 5 else "")


def read_memory(pid, at, size):
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as f:
        f.seek(at)
        data = b""
        while len(data) < size:
            more = f.read(size - len(data))
            if not more:
                break
            data += more
        return data


def root_symbol():
    """The address of qy_root in the file."""
    text = subprocess.run(["nm", "-D", LIBRARY], check=True, stdout=subprocess.PIPE,
                          text=True).stdout
    return int(re.search(r"^([0-9a-f]+) [BDdb] qy_root\b", text, re.M)[1], 16)


def root_of(pid):
    """mm, start and size of the default instance of a process."""
    name = os.path.realpath(LIBRARY)
    base = min(first for first, _, _, offset, path in maps(pid) if path == name and offset == 0)
    magic, version, size, *place = ROOT.unpack(read_memory(pid, base + root_symbol(), ROOT.size))
    if magic != b"QYROOT\0\0" or version != 1 or size < ROOT.size:
        sys.exit("qy_root holds %r, version %d, size %d" % (magic, version, size))
    return place


def copy(pid, mm, begin, size):
    """The image of a span: head, and a list of (address, bytes)."""
    chunks = []
    for first, last, readable, _, _ in maps(pid):
        first, last = max(first, begin), min(last, begin + size)
        if readable and first < last:
            chunks.append((first, read_memory(pid, first, last - first)))
    return (mm, begin, size), chunks


def read_image(head, chunks, reader=READER):
    """Exit code and output of the reader; None: it has something at these addresses, every time."""
    with tempfile.NamedTemporaryFile(suffix=".image") as f:
        f.write(struct.pack("=4Q", *head, len(chunks)))
        for at, data in chunks:
            f.write(struct.pack("=2Q", at, len(data)))
        for _, data in chunks:
            f.write(data)
        f.flush()
        for _ in range(20):
            done = subprocess.run([reader, f.name], stdout=subprocess.PIPE, timeout=1800,
                                  check=False)
            if done.returncode != 3:
                return done.returncode, done.stdout.decode(errors="replace")
    return None


def check_sound(mode):
    with tempfile.NamedTemporaryFile() as texts:
        busy, buffer, length = start(mode, texts.name)
        place = (buffer, buffer, length) if mode == "arena" else root_of(busy.pid)
        image = copy(busy.pid, *place)
        busy.communicate()
        expected = texts.read().decode()
    got = read_image(*image)
    if got is None or got[0] != 0:
        fault("%s: the reader ends with %s" % (mode, got and got[0]))
        return image
    verdict, _, text = got[1].partition("\n")
    print("%s: %s, %d MB in %d chunks" % (mode, verdict, sum(len(d) for _, d in image[1]) >> 20,
                                        len(image[1])))
    if not re.match(r"violations 0 of [1-9]\d{3,}$", verdict):
        fault("%s: %s" % (mode, got[1][:2000]))
    elif text != expected:
        for ours, theirs in zip(text.split("\n"), expected.split("\n")):
            if ours != theirs:
                fault("%s: the reader prints '%s', the program '%s'" % (mode, ours, theirs))
                break
        else:
            fault("%s: one text is longer" % mode)
    return image


def check_refused(image):
    got = read_image(*image, reader=OTHER_READER)
    if got is None or got[0] != 4:
        fault("the reader of the other build ends with %s" % (got and got[0]))
    head, chunks = image
    torn = [(at, data) for at, data in chunks if not at <= head[0] < at + len(data)]
    got = read_image(head, torn)
    if got is None or got[0] != 4:
        fault("without the instance itself the reader ends with %s" % (got and got[0]))


def tear(chunks, other, dice):
    """Some chunks of another moment, some cut short, some lost."""
    late = dict(other)
    result = []
    for at, data in chunks:
        if dice.random() < 0.3 and len(late.get(at, b"")) == len(data):
            data = late[at]
        if len(data) > 1 << 16 and dice.random() < 0.3:
            cut = dice.randrange(4096, len(data), 4096)
            data = data[:cut] + bytes(min(1 << 20, len(data) - cut)) + data[cut + (1 << 20):]
        result.append((at, data))
    return result


def check_torn():
    dice = random.Random(1)
    busy, _, _ = start("work")
    place = root_of(busy.pid)
    found = []
    for turn in range(TORN):
        head, chunks = copy(busy.pid, *place)
        if turn % 2:
            chunks = tear(chunks, copy(busy.pid, *place)[1], dice)
        try:
            got = read_image(head, chunks)
        except subprocess.TimeoutExpired:
            got = (None, "")
        if got is None or got[0] not in (0, 4):
            fault("torn: the reader ends with %s" % (got and got[0]))
            continue
        found.append(got[1].partition("\n")[0])
    busy.kill()
    busy.wait()
    print("torn: %d copies: %s" % (len(found), "; ".join(found)))
    if all(line.startswith("violations 0") for line in found):
        fault("no copy was torn")


def main():
    image = check_sound("quiet")
    check_refused(image)
    check_sound("arena")
    check_torn()
    print("%d faults" % len(FAULTS))
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
