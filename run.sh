#!/usr/bin/env bash
# From audio to word error rates: installs what it needs, then runs the stages.
# shellcheck disable=SC2034 # options are also read by name
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
ROOT=$(dirname "$(readlink -f "$0")")

stage=0
stop_stage=9
corpus=synth
download_dir=download
model=
exp_dir=
data_dir=
nj=$(nproc)
test_dir=
channel=
model_dir=
init_from=
export=
decoders=
hotwords=
write=
set=

known_decoders() { # the names in asr/job.py, "greedy, beam, ..."
  awk '/^DECODERS = \(/ { on = 1 } on { print } on && /\)/ { exit }' "$ROOT/asr/job.py" |
    grep -o '"[^"]*"' | tr -d '"' | paste -sd, | sed 's/,/, /g'
}

known_models() { # those that have a file in conf/
  (cd "$ROOT/conf" && printf '%s\n' *.yaml) | grep -vx recipe.yaml |
    sed 's/\.yaml$//' | paste -sd, | sed 's/,/, /g'
}

help_message="Usage: ./run.sh [--stage N] [--stop-stage N] [--corpus NAME] [--option value ...]
  --stage N            first stage to run (default $stage)
  --stop-stage N       last stage to run (default $stop_stage)
  --corpus NAME        a folder in egs/ with a corpus.yaml (default $corpus)
  --download-dir DIR   where archives lie, or are downloaded to (default $download_dir)
  --model NAME         of $(known_models) (default: what egs/CORPUS names)
  --exp-dir DIR        models and results (default exp/CORPUS/MODEL)
  --data-dir DIR       manifests, features, LM and graphs (default data/CORPUS)
  --nj N               processes (default $nj, this machine's cores)
  --test-dir DIR       only recognise this folder of audio: stages 8 and 9
  --channel N          of that audio, from 1 on (default: all channels mixed)
  --model-dir DIR      with that finished model; without one trained here, by default,
                         with the one that comes with the recipe
  --export DIR         write the trained model as such a folder; nothing else is run
  --init-from FILE     begin training with the layers of this checkpoint
  --decoders \"A B\"     of $(known_decoders)
                         (default: all that work here)
  --hotwords FILE      words that beam and beam-lm listen for: stage 8; a line has a
                         word and its weight (default 7), see docs/own_audio.md
  --write \"A B\"        of srt, vtt, textgrid: words with times, beside stage 8's text
  --set \"a.b=c d.e=f\"  override keys of conf/*.yaml and of the corpus
Stages: 0 download, 1 manifests, 2 fbank, 3 tokenizer, 4 lm, 5 graph, 6 train, 7 tune,
8 decode, 9 score. A finished stage is skipped; the same command goes on after a stop.
With --test-dir, exit code 3 says that some files could not be used, and all others are
recognised and scored. Relative folders lie in the current one."

. "$ROOT/utils/parse_options.sh"

is_stage() { [[ "$1" =~ ^[0-9]$ ]]; }
[ $# = 0 ] || usage_error "options are --name value, so what is '$1'?"
is_stage "$stage" || usage_error "--stage $stage: a number from 0 to 9"
is_stage "$stop_stage" || usage_error "--stop-stage $stop_stage: a number from 0 to 9"
[ "$stage" -le "$stop_stage" ] ||
  usage_error "--stage $stage is after --stop-stage $stop_stage"
[[ "$nj" =~ ^[1-9][0-9]*$ ]] || usage_error "--nj $nj: a number from 1"
[[ -z "$model" || ", $(known_models)," == *", $model,"* ]] ||
  usage_error "--model $model: of $(known_models)"
[ -n "$download_dir" ] || usage_error "--download-dir is empty"
[[ "$corpus" != */* && -f "$ROOT/egs/$corpus/corpus.yaml" ]] ||
  usage_error "--corpus $corpus: there are $(
    cd "$ROOT/egs" && printf '%s\n' */corpus.yaml | sed 's:/.*::' | paste -sd' '
  )"
for decoder in $decoders; do
  [[ ", $(known_decoders)," == *", $decoder,"* ]] ||
    usage_error "--decoders $decoder: of $(known_decoders)"
done
for name in init_from hotwords; do
  [ -z "${!name}" ] || [ -f "${!name}" ] ||
    usage_error "--${name//_/-} ${!name}: no such file"
done
for name in model exp_dir data_dir test_dir model_dir init_from export channel hotwords write; do
  [[ " ${given_options[*]-} " != *" $name "* || -n "${!name}" ]] ||
    usage_error "--${name//_/-} is empty"
done
if [ -n "$channel$model_dir" ]; then
  [[ "$channel" =~ ^([1-9][0-9]*)?$ ]] || usage_error "--channel $channel: a number from 1"
  [ -n "$test_dir" ] || usage_error "--channel and --model-dir are for --test-dir"
  [ -z "$model_dir" ] || [ -f "$model_dir/manifest.json" ] ||
    usage_error "--model-dir $model_dir: no model folder (no manifest.json in it)"
fi
if [ -n "$test_dir" ]; then
  [ -d "$test_dir" ] || usage_error "--test-dir $test_dir: no such folder"
  [ "$stop_stage" -ge 8 ] || usage_error "--test-dir is for stages 8 and 9"
  [ "$stage" -ge 8 ] || stage=8
fi

options=(--corpus "$corpus" --download-dir "$download_dir" --nj "$nj")
for name in model exp_dir data_dir test_dir channel model_dir init_from decoders \
  hotwords write set; do
  [ -z "${!name}" ] || options+=("--${name//_/-}" "${!name}")
done

"$ROOT/utils/install.sh"
[ -z "$export" ] || exec "$ROOT/local/export.sh" "${options[@]}" --out "$export"
export ASR_RUN_SH=$$ # so that a stage ends with this script (asr/parent.py)
stages=(download manifests fbank tokenizer lm graph train tune decode score)
{ # read as a whole, so that this file may change meanwhile
  for number in $(seq "$stage" "$stop_stage"); do
    verb=${stages[number]}
    began=$SECONDS
    echo "# stage $number $verb"
    "$ROOT/local/$verb.sh" "${options[@]}" || {
      status=$?
      if [ "$verb $status" = "decode 3" ]; then # some files of --test-dir are bad
        bad_files=3
        continue
      fi
      echo "run.sh: stage $number ($verb) ended with exit code $status" >&2
      exit "$status"
    }
    echo "# stage $number $verb: $((SECONDS - began)) s"
  done
  echo "# done in $SECONDS s"
  [ -z "${bad_files:-}" ] ||
    echo "run.sh: exit code 3, for the files that are named above as not decoded" >&2
  exit "${bad_files:-0}"
}
