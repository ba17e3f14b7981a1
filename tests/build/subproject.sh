#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A project that has this one as subprojects/quarry: it finds quarry and quarry-debug by name,
# builds neither tests nor tools nor fuzzers of ours unless it asks, and installs nothing of ours.
#
#   subproject.sh SOURCE_DIR [CC CXX]
set -euo pipefail

source=$(cd "$1" && pwd)
export CC=${2:-cc} CXX=${3:-c++}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    [ ! -e "$scratch/log" ] || cat "$scratch/log"
    echo "subproject.sh: $*"
    exit 1
}

targets() {
    ninja -C "$scratch/build" -t targets all | sed 's/:.*//'
}

cp -r "$here/super" "$scratch/super"
mkdir "$scratch/super/subprojects"
ln -s "$source" "$scratch/super/subprojects/quarry"
# Little is to be compiled: what counts is that it links.
meson setup -Doptimization=0 -Ddebug=false "$scratch/build" "$scratch/super" >"$scratch/log" 2>&1 ||
    fail "it cannot be configured"

if targets | grep -E '^subprojects/quarry/(tests|tools|fuzz)/'; then
    fail "tests, tools or fuzzers of a subproject that did not ask"
fi
ninja -C "$scratch/build" >"$scratch/log" 2>&1 || fail "it cannot be built"
[ ! -e "$scratch/build/subprojects/quarry/lib/libquarry-malloc.so" ] ||
    fail "the drop-ins were built, and nobody asked for them"
meson test -C "$scratch/build" --no-rebuild >"$scratch/log" 2>&1 || fail "its tests fail"
grep -qE '^Ok: +2 *$' "$scratch/log" || fail "not its two tests were run"

DESTDIR=$scratch/root meson install -C "$scratch/build" --no-rebuild >"$scratch/log" 2>&1 ||
    fail "it cannot be installed"
[ ! -e "$scratch/root" ] || fail "something of ours is installed: $(find "$scratch/root" -type f)"

# Asked for: the tool, and with it the drop-ins.
meson configure "$scratch/build" -Dquarry:tools=true >"$scratch/log" 2>&1 || fail "-Dquarry:tools"
ninja -C "$scratch/build" build.ninja >"$scratch/log" 2>&1 || fail "configured with the tools"
targets >"$scratch/log"
grep -qx subprojects/quarry/tools/quarry "$scratch/log" || fail "no tool, though it was asked for"
