# shellcheck shell=bash
# Sourced by every script: the environment's programs first, and one way to run them.
ASR_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ASR_ENV=$("$ASR_ROOT/utils/install.sh" --where) || return 1
unset PYTHONHOME MPLBACKEND # a notebook's drawing is not in this environment
export ASR_ROOT ASR_ENV
export PATH="$ASR_ENV/bin:$PATH"
export PYTHONPATH="$ASR_ROOT" LC_ALL=C.UTF-8
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(nproc)}"
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}" # numpy's: waiting, two starve each other
# Else MKL of torch 1.13 keeps AVX2 from AMD's processors: products take 2.6 times as long.
[[ $(cat /proc/cpuinfo 2> /dev/null) != *AuthenticAMD*avx2* ]] || export MKL_DEBUG_CPU_TYPE=5
# Idle threads soon sleep: two busy processes on two cores are many times slower otherwise.
# (Sleeping at once, OMP_WAIT_POLICY=PASSIVE, makes one process alone a third slower.)
[ -n "${OMP_WAIT_POLICY:-}" ] || export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-1000}"
