#!/bin/sh
# What every running container of this node uses, from its control group and its network, under the names and labels
# that cAdvisor gives such series, for node-exporter's textfile collector; and of each container of the toolkit's stacks
# that Docker is to keep running whether it runs and is not unhealthy. Run by ktrdr-containers.timer.
#
#   containers.sh FOLDER     writes FOLDER/containers.prom whole, or leaves the one that is there
#
# Control groups of both versions: https://docs.kernel.org/admin-guide/cgroup-v2.html,
# cgroup-v1/memory.html and cgroup-v1/cpuacct.html there.
set -eu
export LC_ALL=C
folder=$1
proc=${KTRDR_PROC:-/proc}
groups=${KTRDR_CGROUPS:-/sys/fs/cgroup}

ids=$(docker ps -aq --no-trunc)
new=$folder/containers.new
trap 'rm -f "$new"' EXIT
rm -f "$new"

# Both leave what they find in "answer": a process for each figure of each container would cost more than all the rest.

# the first line of a file, or nothing
first() { answer=; [ ! -r "$1" ] || IFS= read -r answer <"$1" || :; }

# the value after a word in a file of such lines
value() {
  answer=
  while read -r word number _; do
    [ "$word" != "$2" ] || { answer=$number; return; }
  done <"$1" 2>/dev/null || :
}

series() { printf '%s{name="%s",image="%s"%s} %s\n' "$1" "$name" "$image" "$3" "$2"; }

# version 1 counts nanoseconds, version 2 microseconds
processor() {
  if [ -n "$cpuacct" ]; then
    first "$groups/$cpuacct/cpuacct.usage"
    parts=1000000000
  else
    value "$groups/$unified/cpu.stat" usage_usec
    parts=1000000
  fi
  [ -z "$answer" ] || printf 'container_cpu_usage_seconds_total{name="%s",image="%s"} %d.%0*d\n' "$name" "$image" \
    "$((answer / parts))" "$((${#parts} - 1))" "$((answer % parts))"
}

# without what the kernel would give back at once: what counts against the limit
memory() {
  if [ -n "$controlled" ]; then
    first "$groups/$controlled/memory.usage_in_bytes"
    used=$answer
    value "$groups/$controlled/memory.stat" total_inactive_file
  else
    first "$groups/$unified/memory.current"
    used=$answer
    value "$groups/$unified/memory.stat" inactive_file
  fi
  [ -n "$used" ] || return 0
  idle=${answer:-0}
  [ "$idle" -le "$used" ] || idle=$used
  series container_memory_usage_bytes "$used" ''
  series container_memory_working_set_bytes "$((used - idle))" ''
}

# a container on the host's network has none of its own
network() {
  [ "$mode" != host ] || return 0
  while read -r interface received _ _ _ _ _ _ _ sent _; do
    case $interface in
      lo: | [!A-Za-z]* | *[!:]) continue ;;
    esac
    series container_network_receive_bytes_total "$received" ",interface=\"${interface%:}\""
    series container_network_transmit_bytes_total "$sent" ",interface=\"${interface%:}\""
  done <"$proc/$pid/net/dev" 2>/dev/null || :
}

container() {
  cpuacct='' controlled='' unified=''
  while IFS=: read -r number controllers path; do
    case $number,$controllers, in
      0,,) unified=${path#/} ;;
      *,cpuacct,*) cpuacct=$controllers/${path#/} ;;
      *,memory,*) controlled=$controllers/${path#/} ;;
    esac
  done <"$proc/$pid/cgroup" 2>/dev/null || return 0
  processor
  memory
  network
  series container_last_seen "$now" ''
  series container_start_time_seconds "$started" ''
  series ktrdr_container_restarts_total "$restarts" ''
}

# not of others' containers, nor of what runs once or was put aside
up() {
  case $policy in always | unless-stopped) ;; *) return 0 ;; esac
  case $name in *-before-takeover) return 0 ;; esac
  [ -d "$place/.ktrdr" ] || return 0
  if [ "$pid" != 0 ] && [ "$health" != unhealthy ]; then is=1; else is=0; fi
  series ktrdr_container_up "$is" ''
}

now=$(date +%s)
{
  # a container that was removed since then is left out
  format='{{.State.Pid}} {{slice .Name 1}} {{.Config.Image}} {{.RestartCount}} {{.State.StartedAt}}'
  format="$format {{.HostConfig.NetworkMode}} {{.HostConfig.RestartPolicy.Name}}"
  format="$format {{with .State.Health}}{{.Status}}{{else}}none{{end}}"
  # shellcheck disable=SC2086 # a list of ids
  [ -z "$ids" ] || docker inspect --format \
    "$format {{index .Config.Labels \"com.docker.compose.project.working_dir\"}}" $ids 2>/dev/null || :
} | while read -r pid name image restarts started mode policy health place; do
  up
  [ "$pid" = 0 ] || container
done | sort -s -t '{' -k 1,1 | awk -F '{' '
  # seconds since 1970 of a time such as 2026-01-02T03:04:05.678901234Z; a year that begins in March ends with its leap
  # day
  function seconds(time, t, year, days) {
    split(time, t, "[-T:.Z]")
    year = t[1] - (t[2] < 3)
    days = 365 * year + int(year / 4) - int(year / 100) + int(year / 400) + int((153 * ((t[2] + 9) % 12) + 2) / 5)
    return (days + t[3] - 719469) * 86400 + t[4] * 3600 + t[5] * 60 + t[6]
  }
  $1 != last { last = $1; print "# TYPE " $1 ($1 ~ /_total$/ ? " counter" : " gauge") }
  $1 == "container_start_time_seconds" {
    time = $0; sub(".* ", "", time); sub(" [^ ]*$", ""); printf "%s %.0f\n", $0, seconds(time)
    next
  }
  { print }' >"$new"
chmod 644 "$new"
mv -fT "$new" "$folder/containers.prom"
