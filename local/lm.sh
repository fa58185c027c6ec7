#!/usr/bin/env bash
# Stage 4. local/lm.sh takes the options of run.sh.
set -euo pipefail
root=$(dirname "$0")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr lm "$@"
