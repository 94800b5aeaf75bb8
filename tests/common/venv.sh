# Sourced by the run.sh of each suite: makes the suite's Python environment below target/ and names it in $venv.
# make_venv NAME REQUIREMENTS...

make_venv() {
    local wanted file lists=()
    target=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")
    venv=$target/$1
    shift
    # The environment is made anew when the list of packages or the interpreter is another one.
    wanted=$(cat "$@" <(python3 -VV) | sha256sum | cut -d' ' -f1)
    mkdir -p "$target"
    exec 9>"$venv.lock"
    flock 9
    if [[ $(cat "$venv/requirements.sha256" 2>/dev/null) != "$wanted" ]]; then
        echo "run.sh: making $venv"
        rm -rf "$venv"
        if ! python3 -m venv "$venv"; then
            echo "run.sh: python3 cannot make virtual environments; on Debian: apt-get install python3-venv" >&2
            exit 2
        fi
        for file in "$@"; do lists+=(--requirement "$file"); done
        "$venv/bin/pip" install --quiet --disable-pip-version-check "${lists[@]}"
        echo "$wanted" >"$venv/requirements.sha256"
    fi
    exec 9>&-
    # From here nothing is to be found beside the tree: no byte code, no cache.
    export PYTHONDONTWRITEBYTECODE=1
}

# Names the binary that the suites drive, in $CAUSEWAY_BIN; they build nothing.
find_binary() {
    export CAUSEWAY_BIN=${CAUSEWAY_BIN:-$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")/debug/causeway}
    if [[ ! -x $CAUSEWAY_BIN ]]; then
        echo "run.sh: $CAUSEWAY_BIN is missing; build it (cargo build --bin causeway) or set CAUSEWAY_BIN" >&2
        exit 2
    fi
}
