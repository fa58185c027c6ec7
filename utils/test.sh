#!/usr/bin/env bash
# Usage: utils/test.sh [PYTEST-OPTION ...]
# Installs what the recipe and its tests need, then runs every check and the tests.
# All checks run, also after one has failed; the exit code says whether all passed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
utils/install.sh --dev
. ./path.sh

failed=()
check() { # NAME COMMAND [ARGUMENT ...]
  local name=$1
  shift
  echo "# $name"
  "$@" || failed+=("$name")
}
check "ruff check" ruff check .
check "ruff format" ruff format --check .
check mypy mypy
check shellcheck shellcheck -x run.sh path.sh .ci/run local/*.sh utils/*.sh
check pytest python -m pytest "$@"

echo "# checks and tests took $SECONDS s"
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
