#!/usr/bin/env bash
# Calls every operation of the served OpenAPI document with generated requests (schemathesis) and checks the answers
# against the document. Builds nothing: CAUSEWAY_BIN names the binary, target/debug/causeway unless it is set.
# CAUSEWAY_EXAMPLES says how many calls to make at least (10000), CAUSEWAY_SOAK=1 makes ten times as many. Arguments are
# operation ids: only these are called.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
source "$root/tests/common/venv.sh"
find_binary
make_venv schema-venv "$root/tests/sdk/requirements.txt" "$here/requirements.txt"
export PYTHONPATH=$here:$root/tests:$root/tests/clients:$root/tests/sdk
exec "$venv/bin/python" "$here/run.py" "$@"
