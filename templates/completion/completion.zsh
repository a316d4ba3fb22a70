#compdef ktrdr
# Completion of ktrdr for zsh. In ~/.zshrc: source <(./ktrdr completion zsh), by the path of the checkout; or as a file
# _ktrdr in a folder of $fpath.
# One awk reads the commands below and the inventory as it is; no Java is started.

{{candidates}}
_ktrdr() {
  local line files= typed
  local -a described
  typed="${(pj:\n:)${(@Q)words[2,CURRENT]}}"
  for line in ${(f)"$(_ktrdr_candidates "$words[1]" "$typed" "${(Q)PREFIX}")"}; do
    case $line in
      @file) files=yes ;;
      *) described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done
  (( ! $#described )) || _describe -V -t values value described
  if [[ -n $files ]]; then
    [[ $PREFIX != --*=* ]] || compset -P '*='
    _files
  fi
}

# jbang deploy@ktrdr; completion of other aliases stays as it was before
_ktrdr_jbang() {
  if [[ ${words[2]} = *@ktrdr && $CURRENT -gt 2 ]]; then
    words[2]=${words[2]%@ktrdr}
    _ktrdr
  else
    ${_ktrdr_before:-_files}
  fi
}

if [[ ${funcstack[1]} = _ktrdr ]]; then
  _ktrdr "$@"
else
  (( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
  [[ ${_comps[jbang]-} = _ktrdr_jbang ]] || _ktrdr_before=${_comps[jbang]-}
  compdef _ktrdr ktrdr
  compdef _ktrdr_jbang jbang
fi
