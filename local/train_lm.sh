#!/usr/bin/env bash
# The neural language model for rescoring, on the text of stage 4; takes the options
# of run.sh. See docs/neural_lm.md.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr train_lm "$@"
