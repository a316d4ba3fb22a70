# The candidates for a command as it was typed, the words after it, one a line, and the last of these.
_ktrdr_candidates() {
  local command=$1 link
  case $command in
    '~'/*) command=$HOME${command#'~'} ;;
    */*) ;;
    *) command=$(command -v "$command") ;;
  esac
  while [ -L "$command" ]; do
    link=$(readlink "$command")
    case $link in /*) command=$link ;; *) command=${command%/*}/$link ;; esac
  done
  KTRDR_LINE=$2 KTRDR_CLI_FOLDER=$PWD KTRDR_INVENTORY=${KTRDR_INVENTORY-} XDG_CONFIG_HOME=${XDG_CONFIG_HOME-} \
    command awk "$_ktrdr_program" <<'KTRDR_COMMANDS' | while IFS= read -r link; do
{{table}}
KTRDR_COMMANDS
    case $link in
      @test) for link in "${command%/*}"/tests/*Test.java "${command%/*}"/tests/*/*Test.java; do
        link=${link##*/}
        case $link in '*Test.java') ;; "$3"*) printf '%s\ttest\n' "${link%.java}" ;; esac
      done ;;
      *) printf '%s\n' "$link" ;;
    esac
  done
}
_ktrdr_program='
{{program}}
'
