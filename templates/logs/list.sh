#!/bin/sh
# Lists the containers. Comes after lines.sh, and sets ids to those that are shown.
#
# Needs the function list, and
#   folder    for pipes and notes
#   resumed   not empty: the lines of those that have a note in the folder are known
set -eu
: "${folder:?}" "${resumed=}"

ids=
list >"$folder/listed"
while read -r id service; do
  if [ -z "$resumed" ] || [ -e "$folder/$id.last" ]; then mark "$id" @ "$service"; else mark "$id" '*' "$service"; fi
  : >"$folder/$id.known"
  if wanted "$service"; then ids="$ids $id"; fi
done <"$folder/listed"
mark '' . ''
