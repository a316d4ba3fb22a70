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

# the first line of a file, or nothing
first() { [ -r "$1" ] && IFS= read -r line <"$1" && printf '%s' "$line" || :; }

# the value after a word in a file of such lines
value() {
  while read -r word number _; do
    [ "$word" != "$2" ] || { printf '%s' "$number"; return; }
  done <"$1" 2>/dev/null
}

# a fraction of so many parts as decimal number
decimal() { printf '%d.%0*d' "$(($1 / $2))" "$((${#2} - 1))" "$(($1 % $2))"; }

series() { printf '%s{name="%s",image="%s"%s} %s\n' "$1" "$name" "$image" "$3" "$2"; }

processor() {
  if [ -n "$cpuacct" ]; then
    used=$(first "$groups/$cpuacct/cpuacct.usage")
    [ -z "$used" ] || series container_cpu_usage_seconds_total "$(decimal "$used" 1000000000)" ''
  else
    used=$(value "$groups/$unified/cpu.stat" usage_usec)
    [ -z "$used" ] || series container_cpu_usage_seconds_total "$(decimal "$used" 1000000)" ''
  fi
}

# without what the kernel would give back at once: what counts against the limit
memory() {
  if [ -n "$controlled" ]; then
    used=$(first "$groups/$controlled/memory.usage_in_bytes")
    idle=$(value "$groups/$controlled/memory.stat" total_inactive_file)
  else
    used=$(first "$groups/$unified/memory.current")
    idle=$(value "$groups/$unified/memory.stat" inactive_file)
  fi
  [ -n "$used" ] || return 0
  idle=${idle:-0}
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
  series container_start_time_seconds "$(date -u -d "$started" +%s)" ''
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
  $1 != last { last = $1; print "# TYPE " $1 ($1 ~ /_total$/ ? " counter" : " gauge") }
  { print }' >"$new"
chmod 644 "$new"
mv -fT "$new" "$folder/containers.prom"
