#!/usr/bin/env bash
# Stage 9, or error rates of any two transcripts; see --help.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
help_message="Usage: local/score.sh [OPTIONS] REF HYP [OUT]
   or: local/score.sh [--corpus NAME] [options of run.sh]     (stage 9)
REF and HYP are each a Kaldi text file ('utt-id word word ...' a line), a data directory
with such a file called text, or a folder of <utt-id>.txt. Every utterance of REF needs a
hypothesis; hypotheses without reference are counted and left out.
  --cer                characters in detail too: OUT/scoring/cer/
  --per-speaker        print the table of speakers (they are in utt2spk beside REF or HYP)
  --utt2spk FILE       speakers, 'utt-id speaker' a line
  --compare HYP2       difference to another hypothesis: 95 % interval and p (bootstrap)
  --normalize RULE     bring both sides into one form: none (default), upper, lower; the
                       last two also take out punctuation
  --stage N            begin with step N: 0 wer, 1 its details, 2 cer
OUT (default: scoring_<name of HYP> beside HYP) gets wer, cer and scoring/{per_utt,per_spk,
ops,confusions,wer_bootci}; see docs/scoring.md.
Example: local/score.sh --normalize upper mydata/transcriptions predictions scores"
for word in "$@"; do
  case "$word" in --help | -h) printf '%s\n' "$help_message"; exit 0 ;; esac
done
root=$(dirname "$(readlink -f "$0")")/..
"$root/utils/install.sh" --quiet
. "$root/path.sh"
exec python -m asr score "$@"
