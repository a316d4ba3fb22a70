#!/bin/sh
# Writes a file to the share as its users do, and from a container if there is one; keeps it until /run/NAME is
# removed, and cleans up however it ends.
#
# Needs
#   $@      the folders of the share, to each of which something is written
#   share   the folder that the file is in
#   name    of the file
#   token   what is written
# Says a line for each fact, its name, a tab, its value: written MILLISECONDS, container SENTENCE, ready yes.
set -eu
: "${share:?}" "${name:?}" "${token:?}"

file=$share/$name
going=/run/$name
as() { setpriv --reuid 999 --regid 1500 --clear-groups "$@"; }
# as the owner of the file: on a server outside the fleet root may be nobody
box=
clean() {
  rm -f "$going"
  [ -z "$box" ] || docker rm -f "$box" >/dev/null 2>&1 || :
  as rm -f "$file" "$file.container" "$share"/../*/"$name.try" || rm -f "$file" "$file.container"
}
trap clean EXIT
# a signal during the EXIT trap ends that, so its trap cleans too. PIPE is for output without a reader
trap 'clean; exit 130' HUP INT TERM PIPE
: >"$going"
start=$(date +%s%N)
as sh -c 'umask 002; printf %s "$2" >"$1" && sync "$1"' sh "$file" "$token" || exit $SHARE_FILE
printf 'written\t%s\n' $((($(date +%s%N) - start) / 1000000))
for folder; do
  as sh -c 'umask 002; : >"$1" && rm "$1"' sh "$folder/$name.try" || exit $SHARE_FOLDER
done
container='not tried, no Docker here'
if docker info >/dev/null 2>&1; then
  # leftovers of a run that was cut between creating and starting a container; a younger one is of a parallel run
  docker container prune -f --filter label=ktrdr-proof --filter until=5m >/dev/null
  box=${name#.}
  container='not tried, no image with a shell here'
  for image in $(docker images --format '{{.Repository}} {{.ID}}' |
    awk '$1 != "ktrdr-probe" && !seen[$2]++ { print $2 }' | head -n 5); do
    code=0
    said=$(docker run --rm --name "$box" --label ktrdr-proof --network none --user 999:999 --group-add 1500 \
      -v "$share:/share" --entrypoint sh "$image" \
      -c 'umask 002; printf %s "$1" >"/share/$2"' sh "$token" "$name.container" 2>&1) || code=$?
    case $code in
      0) container='wrote too'; break ;;
      125 | 126 | 127) docker rm -f "$box" >/dev/null 2>&1 || : ;;
      *) printf '%s\n' "$said" >&2; exit $SHARE_CONTAINER ;;
    esac
  done
fi
printf 'container\t%s\n' "$container"
printf 'ready\tyes\n'
waited=0
while [ -e "$going" ] && [ "$waited" -lt 1000 ]; do
  sleep 0.2
  waited=$((waited + 1))
done
