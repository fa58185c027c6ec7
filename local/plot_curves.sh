#!/usr/bin/env bash
# Draws the curves of a training again, also while it runs:
# local/plot_curves.sh EXP_DIR [PNG]     (default: EXP_DIR/log/curves.png)
set -euo pipefail
root=$(dirname "$0")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr.bin.curves "$@"
