# shellcheck shell=bash
# Sourced by every script: the environment's programs first, and one way to run them.
[ -n "${BASH_VERSION:-}" ] || { echo "path.sh: this shell is not bash; run bash first" >&2; return 1; }
ASR_ROOT=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
ASR_ENV=$("$ASR_ROOT/utils/install.sh" --where) || return 1
unset PYTHONHOME MPLBACKEND # a notebook's drawing is not in this environment
export ASR_ROOT ASR_ENV
export PATH="$ASR_ENV/bin:$PATH"
export PYTHONPATH="$ASR_ROOT" LC_ALL=C.UTF-8
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(nproc)}"
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}" # numpy's: waiting, two starve each other
# Else MKL of torch 1.13 keeps AVX2 from AMD's processors: products take 2.6 times as long.
[[ $(cat /proc/cpuinfo 2> /dev/null) != *AuthenticAMD*avx2* ]] || export MKL_DEBUG_CPU_TYPE=5
# Idle threads soon sleep: else two busy processes are many times slower (PASSIVE: one a third).
[ -n "${OMP_WAIT_POLICY:-}" ] || export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-1000}"
