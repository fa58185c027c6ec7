# shellcheck shell=bash disable=SC2154
# Sourced by a script that has set its options' defaults as variables and its
# $help_message, whose first line is the usage line. Kaldi's rules: "--some-name value"
# sets $some_name; "--name=value", an unknown name or a missing value ends the script
# with exit code 2; a variable that is true or false stays one of the two; --help
# prints the help. given_options has the names that were given. What follows the options is left in "$@".

usage_error() {
  printf '%s: %s\n%s\n' "$0" "$1" "${help_message%%$'\n'*}" >&2
  exit 2
}

given_options=()
while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h) printf '%s\n' "$help_message"; exit 0 ;;
    --*=*) usage_error "write --name value, not $1" ;;
    --) shift; break ;;
    -*) ;;
    *) break ;;
  esac
  option_name=${1#--}
  option_name=${option_name//-/_}
  if ! [[ "$1" =~ ^--[a-z][a-z0-9_-]*$ && -v "$option_name" ]] ||
    [[ "$option_name" =~ ^(help_message|option_name|given_options)$ ]]; then
    usage_error "unknown option $1"
  fi
  if [ $# -lt 2 ] || [[ "$2" == --* ]]; then
    usage_error "option $1 needs a value"
  fi
  if [[ "${!option_name}" =~ ^(true|false)$ && ! "$2" =~ ^(true|false)$ ]]; then
    usage_error "option $1 is true or false, not '$2'"
  fi
  printf -v "$option_name" '%s' "$2"
  given_options+=("$option_name")
  shift 2
done
unset option_name
