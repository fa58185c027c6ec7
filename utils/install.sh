#!/usr/bin/env bash
# Usage: utils/install.sh [--dev] [--quiet | --where]
# Installs what the recipe needs into an environment of its own, once; asked again, it
# finds it there. --dev adds what the tests need. --quiet says nothing when there is
# nothing to do. --where only prints the environment's folder, or fails.
#
# The environment lies in $ASR_CACHE (default ~/.cache/asr-recipe), under a name made
# from the pinned requirements and the Python; its marker is written last, so that a
# killed install is begun anew by the next. With Python 3.10 all of the recipe works,
# with 3.11 to 3.13 all but k2. ASR_PYTHON=/path/to/python takes that interpreter.
#
# ASR_OWN_ENV=/path/to/env takes an environment that you have made, as it is: nothing is
# installed, only looked for (docs/install.md).
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
shopt -s nullglob
installer_version=2 # part of the key: raise it when an environment must be made anew
pip_version=24.3.1  # 26.3 and later refuse k2's wheel
root=$(dirname "$(dirname "$(readlink -f "$0")")")
unset CDPATH # else cd prints, and looks elsewhere
. "$root/utils/steps.sh"
unset PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_PROGRESS_BAR=off
export PIP_ROOT_USER_ACTION=ignore PIP_CONSTRAINT="$root/requirements-build.txt"

dev=false quiet=false where=false
for option in "$@"; do
  case "$option" in
    --dev) dev=true ;;
    --quiet) quiet=true ;;
    --where) where=true ;;
    *) sed -n '2s/^# //p' "$0" >&2; exit 2 ;;
  esac
done

writable() { mkdir -p "$1" 2> /dev/null && [ -w "$1" ]; }
cache=${ASR_CACHE:-${XDG_CACHE_HOME:-${HOME:-/dev/null}/.cache}/asr-recipe}
writable "$cache" || cache=$root/.cache
writable "$cache" || die "cannot write to $cache; set ASR_CACHE to a folder for the environment"
cache=$(cd "$cache" && pwd)

digest() { cat "$@" | sha256sum | cut -c1-12; }
key_of() { { echo "$installer_version $pip_version"; cat "$root/requirements-build.txt" "$@"; } | digest; }
k2_set=$root/requirements.txt torch2_set=$root/requirements-torch2.txt k2_wheel=$root/requirements-k2.txt
dev_marker=.dev-$(digest "$root/requirements-dev.txt")

whole() { # ENV: finished, its interpreter still there, and no lmplz to be had since
  [ -e "$1/.installed" ] && [ -x "$1/bin/python" ] || return 1
  [[ "$1" != *-py3.10.* ]] || has_k2 "$1" || return 1
  [ "$dev" = false ] || [ -e "$1/$dev_marker" ] || return 1
  [ -x "$1/bin/lmplz" ] || [ -e "$1/.no-lmplz" ] || ! have_boost
}
has_k2() { # ENV: the compiled part, for this Python; pip may take a wheel for another one
  local compiled=("$1"/lib/python3.10/site-packages/_k2.cpython-310-*.so)
  [ ${#compiled[@]} -gt 0 ]
}
have_boost() { [ -e /usr/include/boost/program_options.hpp ]; }
found() { # the finished environment that this machine should use, if any: sets $env
  local pattern=$1
  for env in "$cache"/env-$pattern; do
    if whole "$env"; then return; fi
  done
  return 1
}
warm() { # compile the beam search for this checkout, so that no decoding waits for it
  local compiled=("$root"/asr/decode/__pycache__/beam_kernel.search-*.nbi)
  if [ ${#compiled[@]} -gt 0 ] || ! [ -w "$root/asr/decode" ]; then return; fi
  [ "$quiet" = true ] || echo "# compiling the beam search, once for this checkout"
  (cd "$root" && "$env/bin/python" -m asr.decode.warm) > "$cache/warm.log" 2>&1 || true
}
finish() {
  if [ "$where" = true ]; then
    echo "$env"
  elif [ "$quiet" = false ]; then
    echo "# environment $env"
    case "$env" in "$cache"/*py3.10.*) ;; *) [ -z "$left_out" ] || echo "$left_out" ;; esac
  fi
  [ "$where" = true ] || warm
  exit 0
}
left_out="# without Python 3.10 there is no k2: the decoders ctc, hlg-nbest and hlg-lattice are left \
out; to get them, install Python 3.10 (a shared build) and run this again"

modules=(torch numpy lhotse scipy sentencepiece kenlm h5py soundfile yaml espeakng_loader matplotlib wandb kaldi_decoder imageio_ffmpeg)
import_each() { # PYTHON MODULE ... -> a line for each: its name and ok, none, or why it does not import
  "$1" -I -c "import importlib, importlib.util, sys
out, sys.stdout = sys.stdout, sys.stderr
for name in sys.argv[1:]:
    print(name, end=' ', file=out, flush=True)
    try:
        found = importlib.util.find_spec(name)
        answer = 'ok' if found and importlib.import_module(name) else 'none'
    except Exception as error:
        answer = ' '.join((str(error) or type(error).__name__).split())[:200]
    print(answer, file=out, flush=True)" "${@:2}" 2> "$cache/own.log" || echo "Python ended"
}
use_own() { # sets $env
  local python=$ASR_OWN_ENV/bin/python wanted=("${modules[@]}" k2) key lacks='' broken='' name reason
  [ -x "$python" ] || die "ASR_OWN_ENV=$ASR_OWN_ENV: no bin/python there; give the folder of an environment (python -m venv, conda)"
  env=$(cd "$ASR_OWN_ENV" && pwd)
  if [ "$where" = true ]; then return; fi
  "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    die "ASR_OWN_ENV=$ASR_OWN_ENV: Python 3.10 or later is needed"
  [ "$dev" = false ] || wanted=(pytest ruff mypy "${wanted[@]}")
  # Importing everything takes seconds: once, until something is installed into it.
  key=$({ echo "$env ${wanted[*]}"; stat -c '%n %y' "$python" "$env"/lib/python3*/site-packages || true; } 2> /dev/null | digest)
  left_out=$(cat "$cache/own-$key" 2> /dev/null) && return
  [ "$quiet" = true ] || echo "# importing everything once from $env"
  left_out=
  while read -r name reason; do
    case "$name $reason" in
      *" ok") ;;
      "k2 none") left_out="# without k2 the decoders ctc, hlg-nbest and hlg-lattice are left out" ;;
      "k2 "*) left_out="# k2 does not import ($reason): the decoders ctc, hlg-nbest and hlg-lattice are left out" ;;
      *" none") lacks="$lacks $name" ;;
      *) broken="$broken, $name does not import ($reason)" ;;
    esac
  done < <(import_each "$python" "${wanted[@]}")
  [ -z "$lacks" ] || die "ASR_OWN_ENV=$ASR_OWN_ENV lacks$lacks; install them into it, see docs/install.md"
  [ -z "$broken" ] || die "ASR_OWN_ENV=$ASR_OWN_ENV: ${broken#, }; mend it, see docs/install.md"
  echo "$left_out" > "$cache/own-$key"
}
if [ -n "${ASR_OWN_ENV:-}" ]; then
  use_own
  finish
fi

key1=$(key_of "$k2_set" "$k2_wheel") key2=$(key_of "$torch2_set")
if [ -z "${ASR_PYTHON:-}" ] && found "$key1-py3.10.*"; then finish; fi
if [ "$where" = true ] && [ -z "${ASR_PYTHON:-}" ]; then
  if found "$key2-py3.1[1-3].*"; then finish; fi
fi

choose_python() { # sets $python, $requirements, $key
  requirements=$k2_set key=$key1
  if python=$("$root/utils/find_python.sh" 3.10 2> "$cache/python.log"); then return; fi
  requirements=$torch2_set key=$key2
  python=$("$root/utils/find_python.sh" 3.11 3.12 3.13 2>> "$cache/python.log")
}
bring_python() { # on Debian, Ubuntu and Colab Python comes without venv
  [ "$where" = false ] && [ -z "${ASR_PYTHON:-}" ] || return 1
  log=$cache/packages.log
  echo "# no Python here can hold an environment (see $cache/python.log)"
  get_packages python3-venv python3-dev
}
choose_python || { bring_python && choose_python; } ||
  die "no usable Python 3.10 (nor 3.11 to 3.13), see $cache/python.log; install Python 3.10 with its venv and headers, or set ASR_PYTHON"
version=$("$python" -c 'import platform; print(platform.python_version())')
env=$cache/env-$key-py$version
if whole "$env"; then finish; fi
[ "$where" = false ] || die "not installed; run utils/install.sh first"

log=$env.log
take_lock "$cache/install.lock"
if whole "$env"; then finish; fi

make_environment() {
  echo "# installing into $env (log: $log)"
  [ "$requirements" = "$k2_set" ] || echo "$left_out"
  rm -rf "$env"
  : > "$log"
  local free size=6
  [ "$requirements" = "$k2_set" ] || size=9 # where torch brings CUDA along
  free=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1048576) }')
  [ "$free" -ge "$size" ] || die "the environment takes up to $size GB and $cache has $free GB free; free some space or set ASR_CACHE to a folder elsewhere"
  need_packages "KenLM is compiled" g++ make
  step "making the environment" "$python" -m venv "$env"
  mkdir "$TMPDIR"
  step "installing pip $pip_version" "$env/bin/python" -m pip install "pip==$pip_version"
  step "fetching KenLM's source" "$env/bin/pip" download --no-deps --no-binary kenlm \
    -d "$TMPDIR" "$(grep -o '^kenlm==[0-9.]*' "$requirements")"
  mkdir "$env/kenlm"
  step "unpacking it" tar -xzf "$TMPDIR"/kenlm-*.tar.gz -C "$env/kenlm" --strip-components 1
  begin_lmplz
  case "$version" in 3.13.*) compile_kenlm_for_new_python ;; esac
  step "installing the requirements" "$env/bin/pip" install -r "$requirements"
  if [ "$requirements" = "$k2_set" ]; then
    step "installing k2" "$env/bin/pip" install --no-deps --require-hashes -r "$k2_wheel"
    modules+=(torchaudio k2)
  fi
  step "importing everything once" "$env/bin/python" -I -c "import importlib, sys
for name in sys.argv[1:]: importlib.import_module(name); print('imported', name)" "${modules[@]}"
  step "checking the requirements" "$env/bin/pip" check
  touch "$env/.requirements"
}

# KenLM's Python module ships as C++ that an old Cython wrote and that Python 3.13 can no
# longer compile; written anew from its own source, it can.
compile_kenlm_for_new_python() {
  step "fetching Cython" "$env/bin/pip" install --target "$TMPDIR/cython" cython
  step "translating KenLM" env PYTHONPATH="$TMPDIR/cython" "$env/bin/python" -m cython --cplus -3 \
    "$env/kenlm/python/kenlm.pyx" -o "$env/kenlm/python/kenlm.cpp"
  step "compiling KenLM for Python 3.13" "$env/bin/pip" install --no-deps "$env/kenlm"
}

boost=(libboost-{program-options,system,thread,test}-dev) no_lmplz=
compiling= # lmplz, beside pip's downloads
begin_lmplz() { # sets $compiling, or $no_lmplz: why it cannot be
  local source=$env/kenlm build=$TMPDIR/kenlm-build
  mkdir -p "$TMPDIR"
  if ! command -v cmake > /dev/null; then
    step "installing cmake" "$env/bin/pip" install cmake
    PATH=$env/bin:$PATH
  fi
  local configure=(cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release)
  if ! attempt "configuring lmplz" "${configure[@]}" &&
    ! { get_packages "${boost[@]}" && attempt "configuring lmplz" "${configure[@]}"; }; then
    no_lmplz="needs the Debian packages ${boost[*]}, which $no_packages"
    return
  fi
  launch "$env/lmplz.log" nice cmake --build "$build" -j "$(nproc)" --target lmplz build_binary
  compiling=$launched
}
end_lmplz() {
  local source=$env/kenlm build=$TMPDIR/kenlm-build
  [ -n "$compiling$no_lmplz" ] || begin_lmplz
  if [ -z "$no_lmplz" ]; then
    if await "compiling lmplz" "$env/lmplz.log" "$compiling"; then
      cp "$build/bin/build_binary" "$build/bin/lmplz" "$env/bin/"
      return
    fi
    no_lmplz="did not compile (see $env/lmplz.log)"
  fi
  echo "# KenLM's lmplz $no_lmplz; the recipe's own n-gram trainer takes its place"
  ! have_boost || touch "$env/.no-lmplz"
  if attempt "compiling build_binary" env -C "$source" bash compile_query_only.sh; then
    cp "$source/bin/build_binary" "$env/bin/"
  fi
}

export TMPDIR=$env/tmp DEBIAN_FRONTEND=noninteractive
{ # read as a whole, so that this file may change meanwhile
  [[ "$env" != *-py3.10.* ]] || has_k2 "$env" || rm -f "$env/.requirements"
  [ -e "$env/.requirements" ] && [ -x "$env/bin/python" ] || make_environment
  if ! [ -x "$env/bin/lmplz" ]; then end_lmplz; fi
  touch "$env/.installed"
  if [ "$dev" = true ]; then
    mkdir -p "$TMPDIR"
    step "installing what the tests need" "$env/bin/pip" install -r "$root/requirements-dev.txt"
    touch "$env/$dev_marker"
  fi
  rm -rf "$TMPDIR"
  echo "# installed in $SECONDS s"
  finish
}
