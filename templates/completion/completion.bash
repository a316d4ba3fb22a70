# Completion of ktrdr for bash. In ~/.bashrc: eval "$(./ktrdr completion bash)", by the path of the checkout.
# One awk reads the commands below and the inventory as it is; no Java is started.

{{candidates}}
_ktrdr() {
  local IFS=$'\n' line word joined='' files='' current
  local -a typed=()
  # bash takes --color=auto for three words
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ ${#typed[@]} -gt 0 && ( $word = '=' || -n $joined ) && ${typed[${#typed[@]} - 1]} = -* ]]; then
      typed[${#typed[@]} - 1]+=$word
    else
      typed+=("$word")
    fi
    joined=
    [[ $word != '=' ]] || joined=yes
  done
  current=${typed[${#typed[@]} - 1]}
  COMPREPLY=()
  while read -r line; do
    case $line in
      @file) files=yes ;;
      *) line=${line%%$'\t'*}; [[ $current = *=* ]] && line=${line#*=}; COMPREPLY+=("$line") ;;
    esac
  done < <(_ktrdr_candidates "$1" "${typed[*]}" "$current")
  if [[ -n $files ]]; then
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
      # readline's own completion of files knows ~ and blanks
      compopt -o default 2>/dev/null
    else
      compopt -o filenames 2>/dev/null
      while read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
    fi
  fi
}
# in the order given: by the inventory, not by the alphabet
complete -o nosort -F _ktrdr ktrdr 2>/dev/null || complete -F _ktrdr ktrdr

# jbang deploy@ktrdr, in one word or, as bash takes it, in three; completion of other aliases stays as it was before
_ktrdr_jbang() {
  local IFS=$'\n' words
  words=${COMP_WORDS[*]:1}
  if [[ $words =~ ^([a-z-]+)$'\n'?@$'\n'?ktrdr$'\n' ]]; then
    [[ ${COMP_WORDS[1]} = *@ktrdr ]] || {
      COMP_WORDS=(jbang x "${COMP_WORDS[@]:4}")
      COMP_CWORD=$((COMP_CWORD - 2))
    }
    COMP_WORDS[1]=${BASH_REMATCH[1]}
    _ktrdr ktrdr
  elif [[ -n $_ktrdr_before ]]; then
    "$_ktrdr_before" "$@"
  else
    compopt -o default 2>/dev/null
  fi
}
_ktrdr_former=$(complete -p jbang 2>/dev/null)
if [[ $_ktrdr_former != *_ktrdr_jbang* ]]; then
  [[ ! $_ktrdr_former =~ -F\ ([^ ]+) ]] || _ktrdr_before=${BASH_REMATCH[1]}
  complete -o nosort -F _ktrdr_jbang jbang 2>/dev/null || complete -F _ktrdr_jbang jbang
fi
