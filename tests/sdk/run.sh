#!/usr/bin/env bash
# Drives a server with the official Python SDK. Builds nothing: CAUSEWAY_BIN names the binary, target/debug/causeway
# unless it is set. Arguments go to pytest. CAUSEWAY_BLESS=1 writes COVERAGE.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
source "$root/tests/common/venv.sh"
find_binary
make_venv sdk-venv "$here/requirements.txt"
# Files that are named are run alone.
[[ $* == *.py* ]] || set -- "$here" "$@"
exec "$venv/bin/python" -m pytest --rootdir "$here" -c "$here/pytest.ini" "$@"
