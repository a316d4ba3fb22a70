#!/bin/sh
# Removes what the toolkit has put on a node, or says what it would remove: what `retire` runs over ssh.
#
# Variables:
#   core        the project of core, and workers those of the other nodes, between blanks
#   directory   of the stack in the inventory, else empty; others are found on the node
#   act         not empty: removes; else only says what it would remove
#   foreign     services or containers in the toolkit's projects that stay, between blanks
#   data        not empty: volumes go too, what was changed by hand, and on its server the share with all that is in it
#   root        before each path of a file; empty but in tests
# Says on standard output a line for each fact: its name, a tab, its value.
#   user NAME, would SENTENCE (act is empty), removed SENTENCE, failed SENTENCE, left SENTENCE, directory PROJECT PATH,
#   core WHY, health ANSWER
# It says nothing about what is missing, so a second run is silent. It needs a function firewall, which takes the
# packet filter's rules away.
set -eu
: "${core=}" "${workers=}" "${directory=}" "${act=}" "${data=}" "${root=}" "${foreign=}"
exec 3>&1 1>&2
say() { printf '%s\t%s\n' "$1" "$2" >&3; }
list() { tr '\n' ' ' | sed 's/ *$//'; }
mark='# The share of KTRDR. This line and the next are written by setup-nfs.'
etc=$root/etc
units=$etc/systemd/system
exports=$etc/exports.d/ktrdr.exports

# A sentence, then the command that does it.
remove() {
  what=$1
  shift
  if [ -z "$act" ]; then say would "$what"
  elif said=$("$@" 2>&1 </dev/null); then say removed "$what"
  else say failed "$what: $(printf %s "$said" | tail -n 1)"; fi
}

docker_answers() { command -v docker >/dev/null 2>&1 && docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
every() { docker ps -a --filter "label=com.docker.compose.project=$1" --format "$2"; }
# of the containers of a project those that are the toolkit's, as docker ps prints them in a format
of() {
  if [ -z "$foreign" ]; then every "$1" "$2"
  else
    every "$1" "{{.Names}}|{{.Label \"com.docker.compose.service\"}}|$2" | while IFS='|' read -r name service text; do
      case " $foreign " in *" $name "* | *" $service "*) ;; *) printf '%s\n' "$text" ;; esac
    done
  fi
}
stays() {
  every "$1" '{{.Names}}|{{.Label "com.docker.compose.service"}}' | while IFS='|' read -r name service _; do
    case " $foreign " in *" $name "* | *" $service "*) printf '%s\n' "$name" ;; esac
  done | list
}

directories() {
  {
    if [ -n "$directory" ]; then echo "$directory"; fi
    if docker_answers; then
      for project in $core $workers; do
        of "$project" '{{.Label "com.docker.compose.project.working_dir"}}'
      done
    fi
    for one in "$root"/opt/ktrdr-*; do echo "$one"; done
  } | sort -u | while IFS= read -r one; do
    case $one in /?*) ;; *) continue ;; esac
    if [ -d "$one/.ktrdr" ] && [ ! -L "$one/.ktrdr" ]; then printf '%s\n' "$one"; fi
  done
}

# A busy worker saves what it can for as long as KTRDR allows; a database shuts down cleanly.
stop_and_remove() {
  project=$1
  shift
  if [ "$project" != "$core" ] && [ "$project" != ktrdr-metrics ]; then
    for id; do
      case $(health "$id") in *busy*) docker stop -t 25 "$id" & ;; *) docker stop --signal INT -t 2 "$id" & ;; esac
    done
    wait
  else docker stop -t 30 "$@"; fi
  # anonymous volumes belong to an image; the database has its data in a named one
  if [ "$project" = "$core" ]; then docker rm -f "$@"; else docker rm -f -v "$@"; fi
}

health() {
  port=$(docker inspect --format '{{range $port, $bound := .HostConfig.PortBindings}}{{$port}} {{end}}' "$1" \
    2>/dev/null)
  timeout 10 docker exec "$1" curl -fsS -m 5 "http://localhost:${port%%/*}/health" 2>/dev/null || :
}

containers() {
  if ! command -v docker >/dev/null 2>&1; then return 0; fi
  if ! docker_answers; then
    say failed "Docker does not answer: what it runs and keeps is left"
    return 0
  fi
  images=$(for project in $core $workers ktrdr-metrics; do of "$project" '{{.Image}}'; done | sort -u | list)
  for project in ktrdr-metrics $workers $core; do
    ids=$(of "$project" '{{.ID}}' | list)
    # shellcheck disable=SC2086 # a list of ids
    [ -z "$ids" ] || remove "containers of $project: $(of "$project" '{{.Names}}' | sort | list)" \
      stop_and_remove "$project" $ids
    others=$(if [ -n "$foreign" ]; then stays "$project"; fi)
    if [ -n "$others" ]; then
      say left "what is foreign in the inventory, with the networks and volumes of $project: $others"
      continue
    fi
    for network in $(docker network ls --filter "label=com.docker.compose.project=$project" --format '{{.Name}}'); do
      remove "network $network" docker network rm "$network"
    done
    for volume in $(docker volume ls -q --filter "label=com.docker.compose.project=$project"); do
      if [ -n "$data" ]; then remove "volume $volume with its data" docker volume rm "$volume"
      else say left "volume $volume with its data"; fi
    done
  done
  ids=$(docker ps -aq --filter label=ktrdr-scratch | list)
  # shellcheck disable=SC2086
  [ -z "$ids" ] || remove "containers of test restores" docker rm -f -v $ids
  aside=$(docker ps -a --filter label=ktrdr.takeover --format '{{.Names}}' | sort | list)
  [ -z "$aside" ] || say left "containers that takeover put aside: $aside"
  ! docker image inspect ktrdr-probe >/dev/null 2>&1 || remove "image ktrdr-probe" docker rmi -f ktrdr-probe
  [ -z "$images" ] || say left "images: $images"
}

# reset, or a removed unit would stay as failed
drop_units() {
  systemctl disable -q --now "$@" 2>/dev/null || :
  for unit; do
    case $unit in *.timer) systemctl stop "${unit%.timer}.service" 2>/dev/null || : ;; esac
    rm -f "$units/$unit" "$units/${unit%.timer}.service" "$root/var/lib/systemd/timers/stamp-$unit" || return 1
  done
  systemctl daemon-reload
  for unit; do systemctl reset-failed "$unit" "${unit%.timer}.service" 2>/dev/null || :; done
}

timers() {
  for timer in ktrdr-containers.timer ktrdr-backup.timer; do
    if [ -f "$units/$timer" ] || [ -f "$units/${timer%.timer}.service" ]; then
      remove "timer $timer and its service" drop_units "$timer"
    fi
  done
  script=$root/usr/local/lib/ktrdr/backup-db
  drop_script() { rm -f "$script" && { rmdir "${script%/*}" 2>/dev/null || :; }; }
  [ ! -f "$script" ] || remove "script ${script#"$root"}" drop_script
}

filter() {
  if [ -f "$units/ktrdr-firewall.service" ] || iptables -S KTRDR-FLEET >/dev/null 2>&1; then
    remove "packet filter rules (KTRDR-FLEET) and ktrdr-firewall.service" firewall
  fi
}

unmount() {
  unit=$(systemd-escape -p "$at")
  systemctl stop "$unit.automount" 2>/dev/null || :
  systemctl stop "$unit.mount" || return 1
  ! mountpoint -q "$at" || { echo "$at is still mounted"; return 1; }
  drop_lines && rm -rf "$units/$unit.mount.d" && systemctl daemon-reload || return 1
  # setup-nfs made it immutable, so that nothing is written under the mount
  chattr -i "$root$at" 2>/dev/null || :
  rmdir "$root$at" 2>/dev/null || :
}

drop_lines() {
  beside=$etc/.fstab.ktrdr-new
  awk -v mark="$mark" '
    $0 == mark { drop = 1; next }
    drop && / nfs _netdev,/ { drop = 0; next }
    { drop = 0; print }' "$etc/fstab" >"$beside" &&
    chown --reference="$etc/fstab" "$beside" && chmod --reference="$etc/fstab" "$beside" && sync "$beside" &&
    mv -f "$beside" "$etc/fstab"
}

unexport() { rm -f "$exports" && { ! command -v exportfs >/dev/null 2>&1 || exportfs -ra; }; }

share() {
  at=$(awk -v mark="$mark" 'was == mark && / nfs _netdev,/ { print $2; exit } { was = $0 }' "$etc/fstab" \
    2>/dev/null || :)
  [ -z "$at" ] || remove "mount of the share at $at, with its line in fstab" unmount
  [ -f "$exports" ] || return 0
  folder=$(sed -n 's,^\(/[^ ]*\) .*,\1,p' "$exports" | head -n 1)
  remove "export of the share ($exports)" unexport
  if [ -z "$folder" ] || [ ! -d "$root$folder" ]; then return 0; fi
  if [ -n "$data" ]; then remove "share $folder with all that is in it" rm -rf --one-file-system "$root$folder"
  else say left "share $folder with all that is in it"; fi
}

# Only files as the toolkit wrote them; env files are always removed.
files() {
  (
    cd "$1" || exit 1
    sed -n 's/^[0-9a-f]\{64\} [ *]//p' .ktrdr/files 2>/dev/null | while IFS= read -r file; do
      case /$file in */../*) continue ;; esac
      case $file in
        .env.*) ;;
        *) grep -F "  $file" .ktrdr/files | sha256sum -c --status 2>/dev/null || [ -n "$data" ] || continue ;;
      esac
      rm -f "./$file" || exit 1
    done
    rm -f .env.core .env.workers || exit 1
    if [ -n "$data" ]; then rm -rf .ktrdr || exit 1
    else find .ktrdr -mindepth 1 -maxdepth 1 ! -name kept -exec rm -rf '{}' + || exit 1; fi
    find . -mindepth 1 -depth -type d -empty -delete
  ) || return 1
  rmdir "$1" 2>/dev/null || :
}

changed() {
  (
    cd "$1"
    sed -n 's/^[0-9a-f]\{64\} [ *]//p' .ktrdr/files 2>/dev/null | while IFS= read -r file; do
      case $file in .env.*) continue ;; esac
      [ ! -f "$file" ] || grep -F "  $file" .ktrdr/files | sha256sum -c --status 2>/dev/null || printf '%s\n' "$file"
    done
    if [ -d .ktrdr/kept ]; then echo .ktrdr/kept; fi
  )
}

stacks() {
  printf '%s\n' "$found" | while IFS= read -r one; do
    [ -n "$one" ] || continue
    by_hand=$(changed "$one" | list)
    remove "files of the toolkit in $one" files "$one"
    if [ -n "$by_hand" ] && [ -z "$data" ]; then say left "what was changed by hand in $one: $by_hand"; fi
    if [ -n "$act" ] && [ -d "$one" ]; then
      others=$(find "$one" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | head -n 10 | list)
      say left "$one, with files that are not the toolkit's: $others"
    fi
  done
}

# what was deployed by another inventory
for one in "$directory" "$root"/opt/ktrdr-*; do
  if [ ! -d "$one/.ktrdr" ]; then continue; fi
  for project in $(sed -n 's/^name: *//p' "$one"/docker-compose.*.yml 2>/dev/null); do
    case " $core $workers ktrdr-metrics " in *" $project "*) ;; *) workers="$workers $project" ;; esac
  done
done
found=$(directories)
if [ -z "$act" ]; then
  say user "$(id -un)"
  printf '%s\n' "$found" | while IFS= read -r one; do
    if [ -z "$one" ]; then continue; fi
    project=$(sed -n 's/^name: *//p' "$one"/docker-compose.*.yml 2>/dev/null | head -n 1)
    project=${project:-${workers%% *}}
    say "directory ${project:-$core}" "$one"
  done
  if docker_answers; then
    if [ -n "$(of "$core" '{{.ID}}')" ] ||
      [ -n "$(docker volume ls -q --filter "label=com.docker.compose.project=$core")" ]; then
      say core "it has a core stack, or the data of one"
    fi
    for project in $workers; do
      of "$project" '{{.Names}} {{.Label "com.docker.compose.service"}}' | while read -r name service; do
        say "health $service" "$(health "$name" </dev/null | tr '\n\t' '  ')"
      done
    done
  fi
  [ ! -f "$exports" ] || say core "it exports the share"
fi
containers
timers
filter
share
stacks
[ ! -f "$etc/sudoers.d/ktrdr" ] || say left "$etc/sudoers.d/ktrdr, which the operator needs until then"
say end yes
