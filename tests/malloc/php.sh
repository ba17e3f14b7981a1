#!/bin/sh
# SPDX-License-Identifier: MIT
#
# php.sh - PHP, which loads its extensions with RTLD_DEEPBIND, on a malloc drop-in.
#
#   php.sh DROP_IN debug|release
set -u
drop_in=$1 build=$2
command -v php >/dev/null || { echo "php.sh: php is not installed (Debian: php-cli)"; exit 77; }
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
debug=
[ "$build" = debug ] && debug="quarantine=1M policy=report report=$dir/report.%p"

cat >"$dir/try.php" <<'PHP'
<?php
class Node { public $next; public $text; }
$first = null;
for ($i = 0; $i < 3000; $i++) {
	$n = new Node;
	$n->next = $first;
	$n->text = str_repeat(chr(65 + $i % 26), $i % 500);
	$first = $n;
}
for ($sum = 0, $n = $first; $n; $n = $n->next)
	$sum += strlen($n->text);
echo $sum, "\n", md5(json_encode(array_map('sqrt', range(1, 2000)))), "\n";
echo preg_replace_callback('/\w+/', fn($m) => ucfirst($m[0]), "the blocks cross here"), "\n";
echo (new DateTime("2020-02-28"))->modify("+2 days")->format("c"), "\n";
echo implode(",", array_filter(get_loaded_extensions(), fn($e) => $e === "standard")), "\n";
PHP
php "$dir/try.php" >"$dir/want" 2>&1 || { cat "$dir/want"; exit 77; }
for file in -r "$dir/try.php"; do
	if [ "$file" = -r ]; then
		set -- -r "$(sed 1d "$dir/try.php")"
	else
		set -- "$file"
	fi
	env QUARRY_DEBUG="$debug" LD_PRELOAD="$drop_in" php "$@" >"$dir/got" 2>&1
	status=$?
	if [ $status -ne 0 ] || ! cmp -s "$dir/want" "$dir/got"; then
		echo "php.sh: $file: ended with $status"
		cat "$dir/got"
		exit 1
	fi
done
if ls "$dir"/report.* >/dev/null 2>&1; then
	cat "$dir"/report.*
	exit 1
fi
