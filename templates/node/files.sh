#!/bin/sh
# Functions that report files below the current folder: look HASH PATH, and written, which looks at every file that the
# toolkit wrote. A part of scripts that gather facts.
#
# A file's content is reported if its hash differs, up to a megabyte. Needs the function say, and
#   wanted    the paths that look is called with, each between two line breaks
#   newline   a line break
set -eu
: "${wanted:?}" "${newline:?}"

encoded() { base64 | tr -d '\n'; }
linked() {
  at=$1
  while :; do
    case $at in */*) at=${at%/*} ;; *) return 1 ;; esac
    [ ! -L "$at" ] || { printf %s "$at"; return 0; }
  done
}
look() {
  if over=$(linked "$2"); then say "link $over" "$(readlink "$over" | encoded)"
  elif [ -L "$2" ]; then say "link $2" "$(readlink "$2" | encoded)"
  elif [ -f "$2" ]; then
    sum=$(sha256sum <"$2")
    size=$(stat -c %s "$2")
    say "file $2" "${sum%% *} $(stat -c '%a %u:%g' "$2") $size"
    [ "${sum%% *}" = "$1" ] || [ "$size" -gt 1000000 ] || say "content $2" "$(encoded <"$2")"
  elif [ -e "$2" ]; then say "odd $2" "$(stat -c %F "$2")"
  fi
}
written() {
  say manifest "$(encoded <.ktrdr/files)"
  while read -r _ path; do
    case "$path" in '' | /* | *..* | .ktrdr*) continue ;; esac
    case "$wanted" in *"$newline$path$newline"*) ;; *) look none "$path" ;; esac
  done <.ktrdr/files
}
