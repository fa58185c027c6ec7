#!/usr/bin/env bash
# Draws what stage 8 made of one recording: spectrogram, log-probs with the greedy path,
# n-best lists, words over the waveform. Takes the options of run.sh, --utt ID, --out DIR.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr pictures "$@"
