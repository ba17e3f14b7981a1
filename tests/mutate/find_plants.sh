#!/bin/sh
# SPDX-License-Identifier: MIT
#
# find_plants.sh [--seconds S] [--no-seeds] [--store] FOLDER [NUMBER...]
#
# The fuzzers must find each planted fault of plants.def within S seconds: 60, on a machine that may
# be busy with other things QUARRY_TEST_PATIENCE times as many. FOLDER holds the programs
# (build/fuzz): fuzz_TARGET, a libFuzzer build, or else stress_TARGET, the random driver.
# The stored inputs that fail are not used; the seeds in corpora/TARGET are, unless --no-seeds.
# With --store what was found is made small and becomes the fault's input in corpora/planted/.
set -u
seconds=$((60 * ${QUARRY_TEST_PATIENCE:-1})) seeds=yes store=no
while :; do
	case ${1:-} in
	--seconds) seconds=$2; shift 2 ;;
	--no-seeds) seeds=no; shift ;;
	--store) store=yes; shift ;;
	*) break ;;
	esac
done
programs=${1:?"usage: find_plants.sh [--seconds S] [--no-seeds] [--store] FOLDER [NUMBER...]"}
shift
only=" $* "
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
plants=$(sed -n 's/^PLANT(\([0-9]*\), \([A-Z0-9_]*\), \([a-z]*\),.*/\1 \2 \3/p' \
	"$here/../../lib/util/plants.def" | tr 'A-Z_' 'a-z-')
missed=0 found=0

# Status 0: nothing was found.
fuzz() {
	mkdir -p "$work/corpus"
	set -- "$1" "$2" "$work/corpus"
	[ "$seeds" = yes ] && set -- "$@" "$here/../../corpora/$1"
	target=$1 number=$2
	shift 2
	if [ -x "$programs/fuzz_$target" ]; then
		QUARRY_PLANT=$number "$programs/fuzz_$target" \
			-error_exitcode=1 -timeout_exitcode=1 -max_total_time="$seconds" \
			-max_len=1616 -len_control=0 -seed=1 -artifact_prefix="$work/" "$@"
	else
		"$programs/stress_$target" --plant "$number" --seconds "$seconds" --ops 120 \
			--save "$work/crash-input"
	fi >"$work/log" 2>&1
}

while read -r number name target; do
	case $only in "  " | *" $number "*) ;; *) continue ;; esac
	rm -rf "$work/corpus" "$work"/crash-*
	start=$(date +%s%N)
	fuzz "$target" "$number"
	status=$?
	if [ $status -eq 0 ]; then
		echo "plant $number ($name): NOT FOUND in $seconds s"
		missed=$((missed + 1))
		continue
	fi
	took=$((($(date +%s%N) - start) / 1000000))
	how=$(grep -a -m1 '^FAILED\|ERROR: \|ssert' "$work/log")
	# The random driver catches no signal: a fault may take it down before a check speaks.
	[ -z "$how" ] && [ $status -gt 128 ] && how="killed by signal $((status - 128))"
	# A program that cannot even start has found nothing.
	if [ -z "$how" ]; then
		tail -3 "$work/log"
		missed=$((missed + 1))
		continue
	fi
	echo "plant $number ($name): found in $took ms: $how"
	found=$((found + 1))
	[ "$store" = yes ] || continue
	file=$here/../../corpora/planted/$(printf 'plant%02d-%s' "$number" "$name")
	"$programs/shrink_$target" --plant "$number" "$work"/crash-* "$file" ||
		missed=$((missed + 1))
done <<END
$plants
END

echo "$found planted faults found, $missed not found"
[ "$missed" -eq 0 ] && [ "$found" -gt 0 ]
