#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - run a program on a malloc drop-in.
#
#   run.sh DROP_IN debug|release [-m] [-l LIBRARY] [-v KIB] [-x KIND] PROGRAM [ARGUMENT...]
#
# -l preloads a second library before the drop-in, -v limits the address space. The debug drop-in
# reports to a file: none may appear; with -x the first report must be of that kind (debug only).
# With -m the message that a handler came amid malloc may appear. The program's first argument is
# "debug" or "release", so that it can tell if it runs on the right one.
set -u
drop_in=$1 build=$2
shift 2
library= limit= want= message=
while getopts ml:v:x: option; do
	case $option in
	m) message='^quarry: a signal handler that interrupted malloc' ;;
	l) library=$OPTARG: ;;
	v) limit=$OPTARG ;;
	x) want=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
program=$1
shift

dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
debug=
[ "$build" = debug ] &&
	debug="slab_debug=FZPU quarantine=16M red_zone=64 policy=report report=$dir/report.%p"

[ -n "$limit" ] && ulimit -v "$limit"
env QUARRY_DEBUG="$debug" LD_PRELOAD="$library$drop_in" "$program" "$build" "$@"
status=$?
reports=$(ls "$dir")
kind=$(cat "$dir"/report.* 2>/dev/null | sed -n 's/^QY seq=.* kind=\([^ ]*\).*/\1/p' | head -n 1)

if [ $status -ne 0 ]; then
	echo "run.sh: $program ended with $status"
	cat "$dir"/report.* 2>/dev/null
	exit 1 # never 77 or 99, which mean something to meson
fi
if [ "$build" = debug ] && [ -n "$want" ]; then
	[ "$kind" = "$want" ] && exit 0
	echo "run.sh: expected a report of $want, got '${kind}'"
	cat "$dir"/report.* 2>/dev/null
	exit 1
fi
[ -n "$message" ] && reports=$(cat "$dir"/report.* 2>/dev/null | grep -v "$message")
if [ -n "$reports" ]; then
	echo "run.sh: there were reports:"
	cat "$dir"/report.*
	exit 1
fi
