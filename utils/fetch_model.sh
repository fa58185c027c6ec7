#!/usr/bin/env bash
# Fetches a finished model: utils/fetch_model.sh URL [DIR] [--sha256 HEX]
# The archive's SHA-256 is compared with HEX, or with the file URL.sha256 beside it.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr fetch_model "$@"
