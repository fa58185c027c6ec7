#!/usr/bin/env bash
# Stage 9. local/score.sh takes the options of run.sh; or two transcripts, each a Kaldi
# text file or a folder of <utt-id>.txt: local/score.sh REF HYP [OUT_DIR]
set -euo pipefail
root=$(dirname "$0")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr score "$@"
