#!/usr/bin/env bash
# Rescore the n-best lists of beam-lm with a neural language model; takes the options
# of run.sh. See docs/neural_lm.md.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr rescore "$@"
