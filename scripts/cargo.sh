#!/usr/bin/env bash
# Prints the cargo to use: the machine's where it is new enough, else Debian's, else plain `cargo`.
need=1.95
for cargo in cargo /usr/bin/cargo; do
    version=$($cargo --version 2>/dev/null | awk '{print $2}')
    if [ -n "$version" ] && [ "$(printf '%s\n%s\n' $need "$version" | sort -V | head -n1)" = "$need" ]; then
        echo "$cargo"
        exit
    fi
done
echo cargo
