#!/usr/bin/env bash
# Has a few sentences spoken, to try --test-dir with: utils/sample_audio.sh DIR
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr sample_audio "$@"
