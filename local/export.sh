#!/usr/bin/env bash
# Writes the trained model as a folder of its own. local/export.sh takes the options of
# run.sh, and --out DIR, --max-mb N, --lm FILE; see docs/own_audio.md.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr export "$@"
