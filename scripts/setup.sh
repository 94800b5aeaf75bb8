#!/usr/bin/env bash
# Installs what a purpose needs and nothing else: setup.sh build|demo|test|bench|bpf
# Debian packages with apt-get; a Rust toolchain that is new enough, or Debian's; nothing is downloaded otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

need_rust=1.95
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Packages that are missing, installed in one go.
packages() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        say "not root, so these Debian packages are not installed: ${missing[*]}"
        return
    fi
    command -v apt-get >/dev/null || die "install these packages first: ${missing[*]}"
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

new_enough() { # cargo's path
    local version
    version=$("$1" --version 2>/dev/null | awk '{print $2}') || return 1
    [ "$(printf '%s\n%s\n' "$need_rust" "$version" | sort -V | head -n1)" = "$need_rust" ]
}

# A cargo of at least $need_rust: the machine's, else Debian's cargo-web.
rust() {
    packages gcc libc6-dev
    if new_enough cargo; then return; fi
    if new_enough /usr/bin/cargo; then return; fi
    packages cargo-web rustc-web
    new_enough /usr/bin/cargo || die "Rust $need_rust or newer is needed. Install it with rustup (https://rustup.rs), or
on Debian 12 and later with: apt-get install cargo-web rustc-web"
}

# The server that the API is measured beside, in a virtual environment of its own.
moto() {
    local venv=target/moto
    cmp -s bench/moto.txt "$venv/installed" 2>/dev/null && return
    say "installing moto"
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r bench/moto.txt
    cp bench/moto.txt "$venv/installed"
}

case "${1:-}" in
build) rust ;;
demo) rust; packages iproute2 iputils-ping postgresql postgresql-client util-linux ;;
test) rust; packages iproute2 iputils-ping iperf3 nftables procps udhcpc isc-dhcp-client python3 python3-venv postgresql postgresql-client util-linux git ;;
bench) rust; packages iproute2 iputils-ping iperf3 nftables procps python3 python3-venv; moto ;;
bpf)
    packages gcc libc6-dev cargo-web rustc-web rust-web-src llvm-22-dev llvm-22 libpolly-22-dev zlib1g-dev libzstd-dev
    ;;
*) die "usage: setup.sh build|demo|test|bench|bpf" ;;
esac
