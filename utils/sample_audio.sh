#!/usr/bin/env bash
# Has a few sentences spoken, to try --test-dir with: utils/sample_audio.sh DIR
set -euo pipefail
root=$(dirname "$0")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr sample_audio "$@"
