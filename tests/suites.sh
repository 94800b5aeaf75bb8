#!/usr/bin/env bash
# Runs the suites that drive the built binary as clients do, two at a time: they mostly wait. Each prints when it is done.
set -uo pipefail
cd "$(dirname "$0")/.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
suite() {
    local name=$1 status=0
    "tests/$name/run.sh" >"$2/$name" 2>&1 || status=$?
    printf '== %s\n%s\n' "$name" "$(cat "$2/$name")"
    return "$status"
}
export -f suite
# The longest first. xargs fails when one of them does.
printf '%s\n' schema sdk openstack clients | xargs -P 2 -I{} bash -c 'suite {} '"$logs"
