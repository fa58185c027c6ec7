#!/usr/bin/env bash
# Writes report.html of an experiment again, as stage 9 does; takes the options of run.sh.
set -euo pipefail
root=$(dirname "$0")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr report "$@"
