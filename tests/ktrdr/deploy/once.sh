masked() {
  LC_ALL=C awk -v id="$1" '
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
BEGIN { if (!learn(id)) exit 1 }
{ print shown($0) }
'
}
# whether it has yet to end well in the container that it has now
due() {
  state=$(docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$1") || exit 22
  [ "$state" != 'exited 0' ]
}
# waits for what it needs; a container without a health check is not waited for
healthy() {
  left=$1
  while [ "$left" -gt 0 ]; do
    case $(docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{end}}' "$2") in
      '' | healthy) return 0 ;;
    esac
    sleep 1
    left=$((left - 1))
  done
}
once() {
  docker start "$2" >/dev/null || exit 22
  code=$(timeout "$3" docker wait "$2") || {
    docker stop "$2" >/dev/null 2>&1 || :
    tell once "$1 did not end within $3 s"
    exit 44
  }
  [ "$code" != 0 ] || return 0
  docker logs --tail 3 "$2" 2>&1 | masked "$2" | while IFS= read -r line; do tell said "$line"; done
  tell once "$1 ended with exit code $code"
  exit 44
}
with_secrets docker compose --env-file .env.core -f docker-compose.core.yml up -d --no-start --no-deps 'migrate' >&2 || exit 22
if due 'ktrdr-core-migrate-1'; then
with_secrets docker compose --env-file .env.core -f docker-compose.core.yml up -d --no-deps 'db' >&2 || exit 22
healthy 60 'ktrdr-db'
once 'migrate' 'ktrdr-core-migrate-1' '90'
fi
