#!/bin/sh
# SPDX-License-Identifier: MIT
#
# replaced.sh - programs and libraries that replace operator new and delete, on a malloc drop-in.
#
#   replaced.sh DROP_IN debug|release FOLDER SET...
#
# FOLDER has, for each SET of replaced.h, program-SET, which replaces those forms itself, and the
# libraries library-SET, symbolic-SET (calls its own forms whoever comes first) and plain-SET
# (symbolic, without headers). Each way runs without the drop-in first: the program is right. The
# debug drop-in may not report.
set -u
drop_in=$1 build=$2 folder=$3
shift 3
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
debug=
[ "$build" = debug ] &&
	debug="slab_debug=FZPU quarantine=1M red_zone=64 policy=report report=$dir/report.%p"
failed=0 runs=0

# one TEXT PRELOAD PROGRAM EXPECTED [PLUGIN]: with, for @, the drop-in in PRELOAD
one() {
	text=$1 preload=$2 program=$3
	shift 3
	runs=$((runs + 1))
	if ! env LD_PRELOAD="$(echo "$preload" | sed 's/@//')" "$folder/$program" none "$@"; then
		echo "replaced.sh: $text: fails on the C library's malloc"
		failed=1
		return
	fi
	env QUARRY_DEBUG="$debug" LD_PRELOAD="$(echo "$preload" | sed "s,@,$drop_in,")" \
		"$folder/$program" "$build" "$@" ||
		{ echo "replaced.sh: $text: ended with $?"; failed=1; }
	for report in "$dir"/report.*; do
		[ -f "$report" ] || continue
		echo "replaced.sh: $text: reported:"
		grep '^QY ' "$report"
		rm -f "$report"
		failed=1
	done
}

for set; do
	for kind in library symbolic; do
		lib=$folder/libreplaced-$kind-$set.so
		one "$set in a $kind library after the drop-in" "@:$lib" program-0 "$set"
		one "$set in a $kind library before the drop-in" "$lib:@" program-0 "$set"
		one "$set in the program and in a $kind library" "@:$lib" "program-$set" "$set"
	done
	one "$set in the program" @ "program-$set" "$set"
	one "$set in a library that comes later" @ program-0 0 "$folder/libreplaced-library-$set.so"
	one "$set in a symbolic one" @ program-0 0 "$folder/libreplaced-plain-$set.so"
	one "$set in the program and in one that comes later" @ "program-$set" "$set" \
		"$folder/libreplaced-library-$set.so"
done
echo "replaced.sh: $runs programs"
exit $failed
