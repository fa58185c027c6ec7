#!/usr/bin/env bash
# Decodes the log-probabilities of any CTC model, ours or not, from an HDF5 file:
# local/decode_log_probs.sh --log-probs FILE.h5 --tokens tokens.txt --out DIR [--lm FILE]
# (--help lists all options; see docs/decode_log_probs.md)
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr decode_log_probs "$@"
