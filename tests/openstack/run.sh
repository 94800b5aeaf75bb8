#!/usr/bin/env bash
# Drives a server with the OpenStack client and its plugin for this API. Builds nothing: CAUSEWAY_BIN names the binary, target/debug/causeway
# unless it is set. Arguments go to pytest. CAUSEWAY_BLESS=1 writes COVERAGE.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
target=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")
venv=$target/openstack-venv
export CAUSEWAY_BIN=${CAUSEWAY_BIN:-$target/debug/causeway}

if [[ ! -x $CAUSEWAY_BIN ]]; then
    echo "run.sh: $CAUSEWAY_BIN is missing; build it (cargo build --bin causeway) or set CAUSEWAY_BIN" >&2
    exit 2
fi

# The environment is made anew when the list of packages or the interpreter is another one.
wanted=$(cat "$here/requirements.txt" <(python3 -VV) | sha256sum | cut -d' ' -f1)
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
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    echo "$wanted" >"$venv/requirements.sha256"
fi
exec 9>&-

# From here nothing is to be found beside the tree: no byte code, no cache.
export PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" -m pytest --rootdir "$here" -c "$here/pytest.ini" "$here" "$@"
