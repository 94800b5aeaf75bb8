#!/usr/bin/env bash
# Drives a server the way the official Terraform provider does, call by call. Builds nothing: CAUSEWAY_BIN names the
# binary, target/debug/causeway unless it is set. Arguments go to pytest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
source "$root/tests/common/venv.sh"
find_binary
# The server and its accounts are those of the SDK's suite, and so is the environment.
make_venv sdk-venv "$root/tests/sdk/requirements.txt"
# Files that are named are run alone.
[[ $* == *.py* ]] || set -- "$here" "$@"
exec "$venv/bin/python" -m pytest --rootdir "$here" -c "$here/pytest.ini" "$@"
