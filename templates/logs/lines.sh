#!/bin/sh
# What reads the log of a container and writes its lines in the form of an answer, the functions wanted, mark and lines.
# The first part of a script that reads logs.
#
# The line MASK is replaced by the functions of mask.awk. Needs
#   folder     for pipes and notes
#   services   that are shown, with a blank between; all of them where it is empty
set -eu
: "${folder:?}" "${services=}"

# a truncated note would lose a container or a line
head -c 65536 /dev/zero >"$folder/room" || exit $NOT_WRITTEN
rm -f "$folder/room"
started=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
# mawk waits for a full buffer otherwise
case $(awk -W version 2>&1 </dev/null || :) in mawk*) at_once='-W interactive' ;; *) at_once= ;; esac
wanted() { case " $services " in '  ' | *" $1 "*) ;; *) return 1 ;; esac; }
mark() { printf '%s\t%s\t%s\t%s\n' "$started" "$1" "$2" "$3"; }
# a write of up to 4096 bytes to a pipe is never mixed with another; .last is a time shortly before the last line, and
# no later line is older
lines() {
  # shellcheck disable=SC2086 # two words or none
  awk ${2:+$at_once} -v id="$1" -v last="$folder/$1.last" -v live="$2" -v stamp="$started" '
    function put(mark, text) { printf "%s", stamp "\t" id "\t" mark "\t" text "\n"; if (live) fflush() }
# MASK
    BEGIN { if (!learn(id)) { put("!", "its secrets are unknown, so its log is not shown"); exit } }
    { $0 = shown($0) }
    /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9:.]+Z / {
      at = index($0, " ")
      stamp = substr($0, 1, at - 1)
      text = substr($0, at + 1)
      while (length(text) > 3900) {
        cut = 3900
        while (substr(text, cut + 1, 1) ~ /[\200-\277]/ && cut > 3890) cut--
        put("+", substr(text, 1, cut))
        text = substr(text, cut + 1)
      }
      put("", text)
      if (substr(stamp, 1, 22) != now) { before = now; now = substr(stamp, 1, 22) }
      next
    }
    { put("!", substr($0, 1, 1000)) }
    END { if (now != "") { printf "%sZ", (before == "" || now < before ? now : before) >last } }
  '
}
