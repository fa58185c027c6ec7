#!/usr/bin/env bash
# A page with picture and sound of every augmentation, of one training utterance:
# local/augment_gallery.sh [--utt ID] [--out DIR] and the options of run.sh.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr augment_gallery "$@"
