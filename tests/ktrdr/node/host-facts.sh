say() {
  case $2 in
    *[[:cntrl:]]*) printf '%s\t%s\n' "$1" "$(printf %s "$2" | tr '\n\t\r' '   ')" ;;
    *) printf '%s\t%s\n' "$1" "$2" ;;
  esac
}
export LC_ALL=C
say clock "$(date +%s.%N | sed 's/[^0-9.].*//')"
registry='registry.example:5000'
free() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { printf "%.0f", $4 * 1024 }'; }
# a container has its own limits, not the host's: the smallest one counts
cpus=$(nproc)
quota() {
  case $1:$2 in :* | *: | *[!0-9:]*) return 0 ;; esac
  [ "$1" -gt 0 ] && [ "$2" -gt 0 ] || return 0
  [ $((($1 + $2 - 1) / $2)) -ge "$cpus" ] || cpus=$((($1 + $2 - 1) / $2))
}
if read -r limit period 2>/dev/null </sys/fs/cgroup/cpu.max; then quota "$limit" "$period"; fi
if { read -r limit </sys/fs/cgroup/cpu/cpu.cfs_quota_us && read -r period </sys/fs/cgroup/cpu/cpu.cfs_period_us; } \
  2>/dev/null; then quota "$limit" "$period"; fi
say cpus "$cpus"
read -r _ memory _ </proc/meminfo
memory=$((memory * 1024))
for limits in memory.max memory/memory.limit_in_bytes; do
  read -r limit 2>/dev/null <"/sys/fs/cgroup/$limits" || continue
  case $limit in '' | *[!0-9]* | ???????????????????*) continue ;; esac
  [ "$limit" -ge "$memory" ] || memory=$limit
done
say memory "$memory"
say 'disk /' "$(free /)"
docker='' root='' driver='' stopped='' compose=''
newline='
'
format='engine|{{.ServerVersion}}|{{.DockerRootDir}}|{{.Driver}}|{{.ContainersStopped}}'
format="$format|{{range .ClientInfo.Plugins}}{{if eq .Name \"compose\"}}{{.Version}}{{end}}{{end}}"
said=$(timeout 10 docker info --format "$format|{{range .ServerErrors}}{{.}} {{end}}" 2>&1) || :
case $said in *'engine|'*)
  # without an Engine the client complains before the line, after it, or in it, as its version is
  line=${said##*engine|}
  said=${said%%engine|*}${line#"${line%%"$newline"*}"}
  line=${line%%"$newline"*}
  docker=${line%%|*} line=${line#*|}
  root=${line%%|*} line=${line#*|}
  driver=${line%%|*} line=${line#*|}
  # shellcheck disable=SC2034 # scripts that start containers read it
  stopped=${line%%|*} line=${line#*|}
  compose=${line%%|*}
  said=${said:-${line#*|}} ;;
esac
if [ -n "$docker" ]; then
  say docker "$docker"
  say driver "$driver"
  say "disk $root" "$(free "$root")"
  say docker-root "$root"
else
  command -v docker >/dev/null 2>&1 || said='docker is not installed on this host'
  say docker-error "${said:-no answer within 10 s}"
fi
[ -z "$compose" ] || say compose "$compose"
gpu_hooks() (
  IFS=:
  set -f
  for folder in $2; do
    for hook in nvidia-container-runtime-hook nvidia-cdi-hook; do
      if [ -x "/proc/$1/root$folder/$hook" ] || [ -L "/proc/$1/root$folder/$hook" ]; then printf '%s\n' "$folder/$hook"; fi
    done
  done
)
dockerd=$(cat /var/run/docker.pid 2>/dev/null) || :
if [ -z "${DOCKER_HOST-}" ] && [ -n "$dockerd" ] && [ "$(cat "/proc/$dockerd/comm" 2>/dev/null)" = dockerd ]; then
  path=$({ tr '\000' '\n' <"/proc/$dockerd/environ" | sed -n 's/^PATH=//p'; } 2>/dev/null) || :
  say gpu-path "$path"
  say gpu-hook "$(gpu_hooks "$dockerd" "$path" | head -n 1)"
fi
inside='for name in '\''backend.ktrdr.example'\''; do
fact='\''inside'\''
  addresses='\'''\'' last='\'''\''
  # an address stands before each of its kinds of socket
  for word in $(getent ahosts "$name"); do
    case $word in STREAM | DGRAM | RAW) addresses="$addresses$last " ;; esac
    last=$word
  done
  printf '\''%s %s\t%s\n'\'' "$fact" "$name" "$addresses"
done
'
image='ktrdr-probe'
there() { docker image inspect "$image" >/dev/null 2>&1; }
container() {
  name=$image-$$ box=''
trap 'trap "" HUP INT TERM PIPE; [ -z "$name" ] || docker rm -f "$name" >/dev/null 2>&1 || :; rm -rf "$box"' EXIT
trap 'exit 130' HUP INT TERM PIPE
  # where all containers run nothing was left; the number is that of a script's shell, which may still be at it
  [ "$stopped" = 0 ] || for left in $(docker ps -a --filter "name=^/$image-" --filter status=created --filter status=exited --filter status=dead --format '{{.Names}}'); do
    [ "$(cat "/proc/${left##*-}/comm" 2>/dev/null)" = sh ] || docker rm "$left" >/dev/null 2>&1 || :
  done
  set -- --rm --name "$name" --pull never --entrypoint /bin/sh
  for folder in /bin /lib /lib64 /usr; do
    [ ! -d "$folder" ] || set -- "$@" -v "$folder:$folder:ro"
  done
  set -- "$@" "$image" -c "$inside"
  code=0
  said=$(docker run "$@" 2>&1) || code=$?
  missed=''
  case $said in *'No such image'*) missed=yes ;; esac
  if [ "$code" != 0 ] && { [ -n "$missed" ] || ! there; }; then
    code=0
    # another script may have made it by now
    there || {
for left in "${TMPDIR:-/tmp}"/ktrdr.*.??????; do
  owner=${left%.*}
  owner=${owner##*.}
  case $owner in *[!0-9]*) ;; *) [ -d "/proc/$owner" ] || rm -rf "$left" 2>/dev/null || : ;; esac
done
box=$(trap '' HUP INT TERM PIPE; mktemp -d "${TMPDIR:-/tmp}"/ktrdr.$$.XXXXXX) || exit 20
      mkdir "$box/etc"
      echo 'hosts: files dns' >"$box/etc/nsswitch.conf"
      said=$(tar -C "$box" -c . | docker import - "$image" 2>&1) || code=$?
    }
    [ "$code" != 0 ] || said=$(docker run "$@" 2>&1) || code=$?
  fi
  if [ "$code" = 0 ]; then
    # it went by itself
    name=''
    say container yes
    printf '%s\n' "$said"
  else
    say container-error "$said"
  fi
}
[ -z "$docker" ] || container &
say user "$(id -un)"
[ -z "${SUDO_USER:-}" ] || say login "$SUDO_USER"
if [ "$(id -u)" = 0 ] || sudo -n sh -s </dev/null 2>/dev/null; then say root yes; fi
(. /etc/os-release && say os "$PRETTY_NAME" && say family "$ID ${ID_LIKE:-}")
say kernel "$(uname -r)"
say virtual "$(systemd-detect-virt 2>/dev/null || true)"
say hostname "$(uname -n)"
stack_of() { sed -n 's/^NODE=//p' "$1" 2>/dev/null | head -n 1; }
occupied() {
  case $2:$1 in
    'ktrdr-core:ktrdr-db' | 'ktrdr-core:ktrdr-backend') say occupied 'core ktrdr-core' ;;
    'ktrdr-workers':*) say occupied 'workers ktrdr-workers '"$(stack_of "$3/"'.env.workers')" ;;
  esac
}
[ -z "$docker" ] || {
timeout 10 docker ps -a --filter label=com.docker.compose.project --format '{{.Names}}|{{.Label "com.docker.compose.project"}}|{{.State}}|''{{.Label "com.docker.compose.project.working_dir"}}' 2>/dev/null |
  while IFS='|' read -r name project state folder; do
    occupied "$name" "$project" "$folder"
    say project "$project|$state|$name"
  done
}
room_of() {
  one=$(umask 077; mktemp "$1/.ktrdr-room.XXXXXX") || return 1
  # its name is removed before anything is written
  exec 7>"$one"
  rm -f "$one"
  case $1 in /run/lock) bytes=65536 ;; *) bytes=4194304 ;; esac
  head -c "$bytes" /dev/zero >&7
}
room() {
  [ -d "$1" ] || { say "room $1" 'no such folder'; return 0; }
  said=$(room_of "$1" 2>&1) || { said=${said##*: }; say "room $1" "${said:-nothing can be written there}"; }
}
room_everywhere() {
  if [ "$(id -u)" = 0 ]; then set -- /tmp /var/tmp /run /run/lock /dev/shm; else set -- /tmp; fi
  for folder do room "$folder"; done
  [ "$(id -u)" = 0 ] || return 0
  for folder in ${root:+"$root"} /run/docker /run/containerd /var/lib/containerd; do
    [ ! -d "$folder" ] || room "$folder"
  done
}
room_everywhere
command -v ss >/dev/null 2>&1 || say missing ss
ss -Hltnp 2>/dev/null | awk '{ port = $4; sub(/.*:/, "", port); who = $0; if (!sub(/.*users:\(\("/, "", who)) who = ""; sub(/".*/, "", who); print port, who }' | sort -u |
  while read -r port who; do say "listen $port" "$who"; done
published() {
  socket=/var/run/docker.sock
  # each start of docker's client is a twentieth of a second of the node
  if [ -z "${DOCKER_HOST:-}${DOCKER_CONTEXT:-}" ] && [ -w "$socket" ] && said=$(curl -sf -m 10 --unix-socket "$socket" http://docker/containers/json 2>/dev/null); then
    # a longer line could be torn by what is said beside it
    for piece in $(printf %s "$said" | base64 -w 3000); do say running "$piece"; done
    return
  fi
  # for a container that ended in between Docker answers an empty line
  ids=$(docker ps -q)
  [ -z "$ids" ] || docker inspect --format '{"name":{{json .Name}},"project":{{json (index .Config.Labels "com.docker.compose.project")}},"port":{{json (index .Config.Labels "ktrdr.port")}},"ports":{{json .NetworkSettings.Ports}}}' $ids |
    while IFS= read -r line; do [ -z "$line" ] || say publishes "$line"; done
}
firewall=$(sed -n 's|^ExecStart=/bin/sh \(.*\) up$|\1|p' /etc/systemd/system/ktrdr-firewall.service 2>/dev/null || :)
if [ -n "$firewall" ]; then
  if wrong=$(sh "$firewall" check 2>&1); then say firewall 'in place'; else say firewall "$(printf %s "${wrong:-not in place}" | tr '\n' ';')"; fi
fi
[ -z "$docker" ] || published
# a client that says nothing without an Engine
[ -n "$compose" ] || say compose "$(docker compose version --short 2>/dev/null || true)"
say boot "$(systemctl is-enabled docker 2>/dev/null || true)"
ping_one() {
  code=0
  said=$(ping -n -c 1 -W 2 "$2" 2>&1) || code=$?
  case $code in
    0) say "ping $1" "$(printf '%s\n' "$said" | sed -n 's/.*time=\([0-9.]*\).*/\1/p')" ;;
    1) say "ping $1" none ;;
    *) say "ping $1" "cannot: $said" ;;
  esac
}
connect_one() {
  command -v bash >/dev/null 2>&1 || { say "connect $1 $2" "cannot: bash is missing"; return; }
  code=0
  # shellcheck disable=SC2016 # its own arguments
  said=$(timeout 4 bash -c ': <"/dev/tcp/$0/$1"' "$1" "$2" 2>&1) || code=$?
  case $code:$said in
    0:*) say "connect $1 $2" open ;;
    124:*) say "connect $1 $2" silent ;;
    *refused*) say "connect $1 $2" refused ;;
    *) say "connect $1 $2" "cannot: ${said##*: }" ;;
  esac
}
registry() {
  [ -n "$registry" ] || return 0
  command -v curl >/dev/null 2>&1 || { say registry "curl is missing"; return; }
  set -- -sS -o /dev/null -m 10 -w '%{http_code}'
  # as docker does: its own certificate of that registry, if there is one
  [ ! -f "/etc/docker/certs.d/$registry/ca.crt" ] || set -- "$@" --cacert "/etc/docker/certs.d/$registry/ca.crt"
  said=$(curl "$@" "https://$registry/v2/" 2>&1) || :
  say registry "$said"
}
pings() {
  ping_one 'workers-b' '10.42.1.11' &
  wait
}
connects() {
  connect_one '10.42.1.10' '8000' &
  wait
}
resolve() {
for name in 'backend.ktrdr.example'; do
fact='resolve'
  addresses='' last=''
  # an address stands before each of its kinds of socket
  for word in $(getent ahosts "$name"); do
    case $word in STREAM | DGRAM | RAW) addresses="$addresses$last " ;; esac
    last=$word
  done
  printf '%s %s\t%s\n' "$fact" "$name" "$addresses"
done
}
mounts() {
mount_path='/mnt/a share'
mount_unit='mnt-a\x20share'
mount_limit=20
mount_code=0
# a path that ends in a dot is entered, which stat alone is careful not to do
timeout -k 2 "$mount_limit" ls -d "$mount_path/." >/dev/null 2>&1 || mount_code=$?
mount_line=$(awk -v path="$mount_path" '$2 == path { line = $0 } END { print line }' /proc/self/mounts)
case $mount_line in
  '' | *' autofs '*)
    mount_said=$(systemctl show -p Id -p ActiveState -p Result "$mount_unit.automount" "$mount_unit.mount" 2>/dev/null | tr '\n' ' ' || :)
    ;;
  *)
    mount_said=
    case $mount_code in 124 | 137) mount_said="no answer within $mount_limit s" ;; esac
    ;;
esac
printf 'mount\t%s\t%s\t%s\t%s\n' "$mount_path" "$mount_code" "$mount_line" "$mount_said"
[ "$mount_code" != 0 ] || for folder in data models strategies; do [ -d "$mount_path/$folder" ] || say no-folder "$folder"; done
[ "$mount_code" != 0 ] || say "disk $mount_path" "$(free "$mount_path")"
}
mounts & pings & connects & registry & resolve &
wait
say end yes
