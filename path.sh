# shellcheck shell=bash
# Sourced by every script: the environment's programs first, and one way to run them.
ASR_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ASR_ENV=$("$ASR_ROOT/utils/install.sh" --where) || return 1
unset PYTHONHOME
export ASR_ROOT ASR_ENV
export PATH="$ASR_ENV/bin:$PATH"
export PYTHONPATH="$ASR_ROOT"
export LC_ALL=C.UTF-8
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(nproc)}"
# Idle threads sleep: two busy processes on two cores are ten times slower otherwise.
export OMP_WAIT_POLICY=PASSIVE
