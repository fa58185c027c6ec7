#!/usr/bin/env bash
# Fetches recordings for --test-dir: utils/fetch_audio.sh LINK DIR
# LINK is a file or folder on Google Drive, an archive on the web, or a path on this
# machine: a folder, an archive (zip, tar, tar.gz, tar.xz) or a sound file.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr fetch_audio "$@"
