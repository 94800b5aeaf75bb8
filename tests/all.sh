#!/usr/bin/env bash
# Runs every test: the test targets of the workspace, and the suites that drive the built binary as clients do. Three at a
# time, since many of them mostly wait; those that have to keep a time alone. Each prints when it is done. What they need
# is built before: cargo build --workspace --bins --tests.
set -uo pipefail
cd "$(dirname "$0")/.."
export CARGO=${CARGO:-cargo}
alone='test:vips'
# What takes long begins first.
first='test:scenarios suite:schema test:crash suite:sdk test:suite test:api suite:clients suite:openstack'
targets=$("$CARGO" metadata --no-deps --format-version 1 | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    for target in package["targets"]:
        if target["kind"] == ["test"]:
            print("test:" + target["name"])
') || exit
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
job() {
    local name=${1#*:} log=$2/$1 status=0 began=$SECONDS
    case $1 in
    suite:*) "tests/$name/run.sh" ;;
    test:*) "$CARGO" test --workspace --no-fail-fast --test "$name" ;;
    units) "$CARGO" test --workspace --no-fail-fast --lib --bins ;;
    docs) "$CARGO" test --workspace --no-fail-fast --doc ;;
    esac >"$log" 2>&1 || status=$?
    [ "$status" -eq 0 ] || echo "$1" >>"$2/failed"
    printf '== %s (%s s)\n%s\n' "$1" "$((SECONDS - began))" "$(cat "$log")"
}
export -f job
# Names without the second of the same.
printf '%s\n' $first $targets units docs | grep -vxF "$alone" | awk '!seen[$0]++' |
    xargs -P 3 -I{} bash -c 'job {} '"$logs" || echo 'a job that did not come to its end' >>"$logs/failed"
for name in $alone; do job "$name" "$logs"; done
[ ! -s "$logs/failed" ] || { printf 'FAILED: %s\n' "$(tr '\n' ' ' <"$logs/failed")"; exit 1; }
