#!/usr/bin/env bash
# Stage 8. local/decode.sh takes the options of run.sh.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr decode "$@"
