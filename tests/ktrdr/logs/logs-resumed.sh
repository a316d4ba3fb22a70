list() { docker ps -a --no-trunc --filter label=com.docker.compose.project='ktrdr' --format '{{.ID}} {{.Label "com.docker.compose.service"}}'; }
starts() { docker events --since "$1" --filter type=container --filter event=start --filter label=com.docker.compose.project='ktrdr' --format '{{.Actor.ID}} {{index .Actor.Attributes "com.docker.compose.service"}}'; }
services=''
export LC_ALL=C
umask 077
folder=
trap 'trap "" HUP INT TERM PIPE; [ -z "$folder" ] || rm -rf "$folder" 2>/dev/null || { sleep 1; rm -rf "$folder"; }' EXIT
# what was just about to begin when the signal came may not have got it
trap 'trap "" HUP INT TERM PIPE; kill -s TERM 0; exit 130' HUP INT TERM PIPE
for left in "${TMPDIR:-/tmp}"/ktrdr-logs.*.??????; do
  owner=${left%.*}
  owner=${owner##*.}
  case $owner in *[!0-9]*) ;; *) [ -d "/proc/$owner" ] || rm -rf "$left" 2>/dev/null || : ;; esac
done
folder=$(trap '' HUP INT TERM PIPE; mktemp -d "${TMPDIR:-/tmp}"/ktrdr-logs.$$.XXXXXX) || exit 20
# a truncated note would lose a container or a line
head -c 65536 /dev/zero >"$folder/room" || exit 20
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
function learn(container,   ask, one, name, i) {
  for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i
  ask = "docker inspect --type container --format \"{{range .Config.Env}}{{println .}}{{end}}\" " \
    container " 2>/dev/null"
  while ((ask | getline one) > 0) {
    name = substr(one, 1, index(one, "=") - 1)
    if (name ~ /(PASSWORD|SECRET|TOKEN|WEBHOOK_URL)$/) forms(substr(one, length(name) + 2))
  }
  return close(ask) == 0
}
function forms(value,   i, byte, one, left, point, json, ascii, address) {
  for (i = 1; i <= length(value); i++) {
    byte = substr(value, i, 1)
    address = address (byte ~ /[A-Za-z0-9._~-]/ ? byte : sprintf("%%%02X", code[byte]))
    one = byte ~ /["\\]/ ? "\\" byte : byte == "\t" ? "\\t" : code[byte] < 32 ? sprintf("\\u%04x", code[byte]) : byte
    json = json one
    if (code[byte] < 128) { ascii = ascii one; continue }
    # UTF-8: the first byte tells how many follow
    if (code[byte] >= 192) { left = code[byte] < 224 ? 1 : code[byte] < 240 ? 2 : 3
      point = code[byte] % (left == 1 ? 32 : left == 2 ? 16 : 8) }
    else { left--; point = point * 64 + code[byte] % 64 }
    if (left > 0) continue
    if (point < 65536) ascii = ascii sprintf("\\u%04x", point)
    else ascii = ascii sprintf("\\u%04x\\u%04x", 55296 + int((point - 65536) / 1024), 56320 + (point - 65536) % 1024)
  }
  hide(value); hide(json); hide(ascii); hide(address)
  gsub(/%20/, "+", address); hide(address)
}
# longest first: what one begins with may be another
function hide(value,   at) {
  if (length(value) < 4 || (value in known)) return
  known[value]
  for (at = ++hidden; at > 1 && length(secret[at - 1]) < length(value); at--) secret[at] = secret[at - 1]
  secret[at] = value
}
function literal(text) { gsub(/[][\\.^$*+?(){}|\/]/, "\\\\&", text); return text }
function shown(line,   stamp, i) {
  stamp = match(line, /^[0-9][0-9-]*T[0-9:.]+Z /) ? substr(line, 1, RLENGTH) : ""
  line = substr(line, length(stamp) + 1)
  if (stamp != "" && length(line) > 16384) gsub(literal(stamp), "", line)
  for (i = 1; i <= hidden; i++) if (index(line, secret[i])) gsub(literal(secret[i]), "***", line)
  return stamp line
}
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
printf %s '2026-01-01T10:00:00.01Z' >"$folder/"'id'.last
resumed='yes'
ids=
list >"$folder/listed"
while read -r id service; do
  if [ -z "$resumed" ] || [ -e "$folder/$id.last" ]; then mark "$id" @ "$service"; else mark "$id" '*' "$service"; fi
  : >"$folder/$id.known"
  if wanted "$service"; then ids="$ids $id"; fi
done <"$folder/listed"
mark '' . ''
mark '' '~' ''
# without traffic sshd keeps this session for hours after a dead peer; with some, TCP gives up after 15 minutes
while sleep 60; do mark '' '=' ''; done &
one() {
  while :; do
    rm -f "$folder/$1.again"
    from=$(cat "$folder/$1.last" 2>/dev/null || :)
    mark "$1" '>' "$from"
    docker logs --follow --timestamps ${from:+--since "$from"} "$1" 2>&1 | lines "$1" yes
    rmdir "$folder/$1.busy"
    # a container that was started again meanwhile is not busy now
    if [ ! -e "$folder/$1.again" ] || ! mkdir "$folder/$1.busy" 2>/dev/null; then return 0; fi
  done
}
found() {
  wanted "$2" || return 0
  if [ ! -e "$folder/$1.known" ]; then
    : >"$folder/$1.known"
    mark "$1" '*' "$2"
  fi
  : >"$folder/$1.again"
  if mkdir "$folder/$1.busy" 2>/dev/null; then one "$1" & fi
}
while :; do
  moment=$(date +%s)
  { list || :; starts "$moment" || :; } | while read -r id service; do found "$id" "$service"; done &
  wait "$!" || :
  # the Engine does not answer
  sleep 2
done
