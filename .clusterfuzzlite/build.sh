#!/bin/bash -eu
# SPDX-License-Identifier: MIT
# Fuzz targets for OSS-Fuzz and ClusterFuzzLite: compiler, flags and engine come from the
# environment, none are added.
cd "$(dirname "$(readlink -f "$0")")"
[ -e meson.build ] || cd "$SRC/quarry"
source_dir=$PWD
build=$WORK/quarry-build

meson setup --wipe "$build" "$source_dir" -Dfuzz=none -Dtests=false -Dtools=false \
    -Db_sanitize=none -Db_lundef=false 2>/dev/null ||
    meson setup "$build" "$source_dir" -Dfuzz=none -Dtests=false -Dtools=false \
        -Db_sanitize=none -Db_lundef=false
ninja -C "$build" fuzz/libfuzz.a lib/libquarry-planted.a

for target in page slab bootmem memblock; do
    $CC $CFLAGS -std=gnu11 -DFZ_TARGET=fz_${target}_target -I"$source_dir/include" -I"$build/include" \
        -c "$source_dir/fuzz/fuzz_main.c" -o "$WORK/fuzz_$target.o"
    $CXX $CXXFLAGS "$WORK/fuzz_$target.o" "$build/fuzz/libfuzz.a" "$build/lib/libquarry-planted.a" \
        $LIB_FUZZING_ENGINE -lpthread -ldl -o "$OUT/fuzz_$target"
    (cd "$source_dir/corpora/$target" && zip -q "$OUT/fuzz_${target}_seed_corpus.zip" ./*)
    printf '[libfuzzer]\nmax_len = 4096\nlen_control = 0\n' >"$OUT/fuzz_$target.options"
done
