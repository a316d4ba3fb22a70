say() {
  case $2 in
    *[[:cntrl:]]*) printf '%s\t%s\n' "$1" "$(printf %s "$2" | tr '\n\t\r' '   ')" ;;
    *) printf '%s\t%s\n' "$1" "$2" ;;
  esac
}
directory='/opt/a stack'
project='ktrdr-core'
uptime() { cut -d . -f 1 /proc/uptime; }
flocks=/run/lock/$project
# another folder from which the project is deployed; files of other users in /run/lock are ignored
elsewhere() {
  [ ! -L "$flocks.at" ] && [ -f "$flocks.at" ] || return 0
  case $(stat -c %u "$flocks.at") in 0 | "$(id -u)") ;; *) return 0 ;; esac
  IFS= read -r other <"$flocks.at" || return 0
  case $other in "$directory") ;; /*) [ -L "$other/.ktrdr" ] || [ -L "$other/.ktrdr/lock" ] ||
    [ ! -d "$other/.ktrdr/lock" ] || printf %s "$other" ;; esac
}
from=$(elsewhere)
at=${from:-$directory}/.ktrdr
if [ ! -L "$at" ] && [ ! -L "$at/lock" ] && [ -d "$at/lock" ]; then
  [ -z "$from" ] || say from "$from"
  say held "$(cat "$at/lock/owner" 2>/dev/null || echo nobody)"
  beat=$(cat "$at/lock/beat" 2>/dev/null || :)
  case $beat in '' | *[!0-9]*) ;; *) [ "$beat" -gt "$(uptime)" ] || say age "$(($(uptime) - beat))" ;; esac
fi
say end yes
