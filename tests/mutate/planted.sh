#!/bin/sh
# SPDX-License-Identifier: MIT
#
# planted.sh FOLDER-OF-REPLAY-PROGRAMS
#
# Each planted fault of plants.def has an input in corpora/planted/ that fails with the fault and
# passes without it.
set -u
programs=${1:?"usage: planted.sh FOLDER (build/fuzz)"}
here=$(cd "$(dirname "$0")" && pwd)
corpora=$here/../../corpora/planted
plants=$(sed -n 's/^PLANT(\([0-9]*\), \([A-Z0-9_]*\), \([a-z]*\),.*/\1 \2 \3/p' \
	"$here/../../lib/util/plants.def" | tr 'A-Z_' 'a-z-')
failed=0 done=0

while read -r number name target; do
	file=$corpora/$(printf 'plant%02d-%s' "$number" "$name")
	if [ ! -f "$file" ]; then
		echo "plant $number ($name): no input $file"
		failed=$((failed + 1))
		continue
	fi
	if ! "$programs/replay_$target" --plant "$number" --fails "$file" >/dev/null; then
		echo "plant $number ($name): is not found by its input"
		failed=$((failed + 1))
	fi
	if ! "$programs/replay_$target" "$file" >/dev/null; then
		echo "plant $number ($name): its input fails without the fault"
		failed=$((failed + 1))
	fi
	done=$((done + 1))
done <<END
$plants
END

echo "$done planted faults, $failed not as expected"
[ "$failed" -eq 0 ] && [ "$done" -gt 0 ]
