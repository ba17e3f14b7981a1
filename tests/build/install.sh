#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Install into a scratch folder, then build a user's projects against the installed copy: by make
# and meson, quarry and quarry-debug, shared and static, C and C++, with pkg-config as the only
# guide.
#
#   install.sh BUILD_DIR [CC CXX]
set -euo pipefail

build=$(cd "$1" && pwd)
export CC=${2:-cc} CXX=${3:-c++}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

root=$scratch/root
meson install -C "$build" --no-rebuild --destdir "$root" >"$scratch/log" 2>&1 ||
    { cat "$scratch/log"; exit 1; }

fail() {
    echo "install.sh: $*"
    exit 1
}

twice=$(grep '^Installing ' "$scratch/log" | sort | uniq -d)
[ -z "$twice" ] || fail "installed twice: $twice"
pc=$(find "$root" -name quarry.pc)
[ -n "$pc" ] || fail "quarry.pc is not installed"
libdir=$(dirname "$(dirname "$pc")")
include=$(dirname "$(find "$root" -path '*/quarry/quarry.h')")
for file in libquarry.{a,so,so.0} libquarry-debug.{a,so,so.0} libquarry-malloc{,-debug}.so \
    pkgconfig/quarry-debug.pc; do
    [ -e "$libdir/$file" ] || fail "$file is not installed"
done
hint=$("$here/../../tools/after-install" "$scratch/nowhere")
if PATH=$PATH:/sbin:/usr/sbin command -v ldconfig >/dev/null; then
    [[ $hint == *"ldconfig"*"LD_LIBRARY_PATH=$scratch/nowhere"* ]] ||
        fail "no hint at ldconfig where libraries are not found"
fi
[ -z "$(DESTDIR=$root "$here/../../tools/after-install" "$scratch/nowhere")" ] ||
    fail "a hint at ldconfig when files go into a package"
[ ! -e "$libdir/libquarry-planted.a" ] || fail "the planted library is installed"
for header in "$here"/../../include/quarry/*.h "$include/config.h"; do
    [ -e "$include/$(basename "$header")" ] || fail "$(basename "$header") is not installed"
done
if [ -n "$(find "$root" -name qy_config.h)" ]; then
    fail "an internal header is installed"
fi

# The .pc files name the final prefix; the scratch folder is put before it.
export PKG_CONFIG_LIBDIR=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=
export LD_LIBRARY_PATH=$libdir
[ "$(pkg-config --modversion quarry quarry-debug | sort -u | wc -l)" = 1 ] || fail "versions differ"

cp -r "$here/user" "$scratch/user"
cd "$scratch/user"
for package in quarry quarry-debug; do
    want=
    [ $package = quarry ] || want=debug
    for kind in shared static; do
        make -s clean
        make -s PACKAGE=$package KIND=$kind || fail "make $package $kind"
        ./hello-c $want || fail "C program, make $package $kind"
        ./hello-cxx $want || fail "C++ program, make $package $kind"
        echo "make $package $kind: ok"

        options=(-Dpackage="$package" -Dkind="$kind")
        { meson setup "build-$package-$kind" "${options[@]}" &&
            ninja -C "build-$package-$kind"; } >"$scratch/log" 2>&1 ||
            { cat "$scratch/log"; fail "meson $package $kind"; }
        "./build-$package-$kind/hello-c" $want || fail "C program, meson $package $kind"
        "./build-$package-$kind/hello-cxx" $want || fail "C++ program, meson $package $kind"
        linked=$(readelf -dW "build-$package-$kind/hello-c" | grep -c 'NEEDED.*libquarry' || true)
        [ "$linked" = "$([ $kind = shared ] && echo 1 || echo 0)" ] ||
            fail "meson $package $kind: linked to $linked shared libraries of ours"
        echo "meson $package $kind: ok"
    done
done
