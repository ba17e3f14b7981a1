#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qy_info_json() is JSON, has every figure, and agrees with the texts."""
import json
import os
import re
import subprocess
import sys

HEADERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "include", "quarry")
TYPES = ["Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"]


def members(header, struct):
    """Names of a public struct's members, the first one (its size) left out."""
    with open(os.path.join(HEADERS, header), encoding="utf-8") as f:
        body = re.search(r"^struct %s \{$(.*?)^\};$" % struct, f.read(), re.S | re.M).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    names = []
    for declaration in body.split(";"):
        for part in declaration.split(","):
            name = re.sub(r"\[.*", "", part, flags=re.S).split()
            if name:
                names.append(name[-1])
    return names[1:]


def same(what, have, want):
    if have != want:
        sys.exit("%s: %r, not %r" % (what, have, want))


def main():
    out = subprocess.run([os.environ["INFO_JSON"]], check=True, stdout=subprocess.PIPE).stdout
    text, _, rest = out.decode("latin-1").partition("\n")
    same("ASCII", text.isascii(), True)
    info = json.loads(text)

    same("members", list(info), ["page_size", "max_order", "pageblock_order", "nodes", "zones",
                                 "meminfo", "caches"])
    same("orders", (info["max_order"], info["pageblock_order"]), (6, 4))
    same("nodes", info["nodes"], [{"node": 0, "distance": [10, 31]},
                                  {"node": 1, "distance": [32, 10]}])

    same("number of zones", len(info["zones"]), 8)
    rows = dict((tuple(row[:2]), row[2]) for row in
                re.findall(r"^Node (\d+), zone +(\S+)((?: +\d+){7}) $", rest, re.M))
    same("rows", len(rows), sum(zone["present"] > 0 for zone in info["zones"]))
    for zone in info["zones"]:
        same("members of a zone", sorted(zone), sorted(members("page.h", "qy_zone_stat")))
        same("types", [list(zone["nr_free"]), list(zone["nr_pageblocks"])], [TYPES, TYPES])
        counts = [sum(column) for column in zip(*zone["nr_free"].values())]
        same("orders of a zone", len(counts), 7)
        same("free", sum(n << order for order, n in enumerate(counts)), zone["free"])
        same("marks", list(zone["mark"]), ["min", "low", "high", "promo"])
        if zone["present"]:
            same("buddyinfo", [int(n) for n in rows[str(zone["node"]), zone["name"]].split()],
                 counts)
    same("sum", sum(zone["managed"] for zone in info["zones"]) * info["page_size"] // 1024,
         info["meminfo"]["MemTotal"])

    lines = dict((name, int(kb)) for name, kb in re.findall(r"^(\w+): +(\d+) kB$", rest, re.M))
    same("meminfo", info["meminfo"], lines)
    if not lines["SReclaimable"] or lines["Slab"] != lines["SReclaimable"] + lines["SUnreclaim"]:
        sys.exit("slabs: %r" % lines)

    rows = re.findall(r"^(\S+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) : tunables", rest, re.M)
    same("number of caches", len(info["caches"]), len(rows))
    for cache, row in zip(info["caches"], rows):
        same("members of a cache", sorted(cache), sorted(members("slab.h", "qy_cache_info")))
        same("slabinfo", [cache["live_objects"], cache["total_objects"], cache["slot_size"],
                          cache["objs_per_slab"], 1 << cache["order"]], [int(n) for n in row[1:]])
    same("name", info["caches"][-1]["name"], '"quote\\ \x01\x7f\xe4\n')
    print("%d zones, %d caches" % (len(info["zones"]), len(info["caches"])))


if __name__ == "__main__":
    main()
