newline='
'
wanted='
docker-compose.yml
monitoring/a b.yml
'
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
files() {
look '0123' 'docker-compose.yml'
look '4567' 'monitoring/a b.yml'
  if [ -L .ktrdr ]; then
    say "link .ktrdr" "$(readlink .ktrdr | encoded)"
  else
    for mark in .ktrdr/unread.*; do
      [ ! -f "$mark" ] || say "unread ${mark#.ktrdr/unread.}" "$(stat -c %Z "$mark")"
    done
    [ ! -f .ktrdr/files ] || [ -L .ktrdr/files ] || written
  fi
  say foreign "$(find . -xdev '(' -path ./.ktrdr -o -path './.ktrdr-new.*' -o -path './docker-compose.yml' -o -path './monitoring/a b.yml' ')' -prune -o ! -type d -print | head -n 50 | encoded)"
}
if [ -d "$directory" ]; then
  cd -P "$directory"
  files
  cd /
fi
