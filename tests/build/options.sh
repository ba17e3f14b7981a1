#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The matrix of options: each set compiles without a warning and passes the unit tests.
#
#   options.sh BUILD_DIR [SET...]     folders below BUILD_DIR are kept and used again
#
# Sets: all on, all off, each debug option off alone, other settings; by name also each on alone.
# Prints "ok SET" or "not ok SET" for each; exit code 1 if one failed.
set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$1
shift
mkdir -p "$work" && work=$(cd "$work" && pwd) || exit 1

debug_options=(slab_red_zone slab_poison slab_store_user slab_consistency_checks quarantine)

# Every debug option to the value given.
every() {
    local option
    for option in "${debug_options[@]}"; do
        printf ' -D%s=%s' "$option" "$1"
    done
}

# Most of what two sets compile is the same after preprocessing.
if command -v ccache >/dev/null; then
    export CC="ccache ${CC:-cc}" CXX="ccache ${CXX:-c++}"
    export CCACHE_DIR=$work/ccache CCACHE_NOHASHDIR=1
fi

declare -A sets=(
    [all-on]="$(every true)"
    [all-off]="$(every false)"
    [debug-build]="-Dbuildtype=debug -Dassert_level=3"
    [release-build]="-Dbuildtype=release -Dassert_level=0"
    [page-shift-14]="-Dpage_shift=14"
    [max-order-10]="-Dmax_order_limit=10"
)
order=(all-on all-off)
for option in "${debug_options[@]}"; do
    sets[no-$option]="-D$option=false"
    sets[only-$option]="$(every false) -D$option=true"
    order+=("no-$option")
done
order+=(debug-build release-build page-shift-14 max-order-10)
[ $# -eq 0 ] || order=("$@")

# Compile the static libraries and the unit tests of one set, run them.
try_set() {
    local dir=$work/$1 flags
    read -ra flags <<<"${sets[$1]}"
    # Without debugging symbols and optimisation unless the set says so: it is many builds.
    flags=(-Dwerror=true -Dtools=false -Dfuzz=none -Doptimization=0 -Ddebug=false "${flags[@]}")
    if [ -e "$dir/build.ninja" ]; then
        meson setup --reconfigure "${flags[@]}" "$dir" "$root" || return 1
    else
        rm -rf "$dir"
        meson setup "${flags[@]}" "$dir" "$root" || return 1
    fi
    ninja -C "$dir" -j2 lib/libquarry.a lib/libquarry-debug.a unit-programs || return 1
    meson test -C "$dir" --no-rebuild --suite unit --print-errorlogs \
        --timeout-multiplier "${QUARRY_TEST_PATIENCE:-10}" || return 1
}

failed=0
for name in "${order[@]}"; do
    if [ -z "${sets[$name]+x}" ]; then
        echo "not ok $name (no such set)"
        failed=1
        continue
    fi
    if try_set "$name" >"$work/$name.log" 2>&1; then
        echo "ok $name"
    else
        failed=1
        echo "not ok $name (end of $work/$name.log follows)"
        tail -n 25 "$work/$name.log" | sed 's/^/    /'
    fi
done
exit $failed
