#!/usr/bin/env bash
# Stage 5. local/graph.sh takes the options of run.sh.
set -euo pipefail
root=$(dirname "$0")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr graph "$@"
