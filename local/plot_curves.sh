#!/usr/bin/env bash
# Draws the curves of a training again, also while it runs:
# local/plot_curves.sh EXP_DIR [PNG]     (default: EXP_DIR/log/curves.png)
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr.bin.curves "$@"
