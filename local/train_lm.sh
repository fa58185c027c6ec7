#!/usr/bin/env bash
# The neural language model for rescoring, on the text of stage 4; takes the options
# of run.sh. See docs/neural_lm.md.
set -euo pipefail
root=$(dirname "$0")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr train_lm "$@"
