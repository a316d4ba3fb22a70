# shellcheck shell=sh disable=SC2154 # the front door sets home, catalog, procedure, script and jbang
# The fast path of ./ktrdr: the library and all procedures are built once, and while nothing of them has
# changed java is started with that directly.
#
# $XDG_CACHE_HOME/ktrdr/start/CHECKOUT/
#   home           the checkout
#   seen-PROCEDURE the keys of the last run, the procedure's files, and a checksum of size, times and inode of each
#                  file then
#   LIBRARY/       its name is a checksum of lib/ and templates/, of the checkout's path and of the JDK: an edit, a
#                  pull or another JDK is another folder
#     lib.jar, scripts.jar
#     archive      the library's classes as the JVM maps them into memory: class data sharing, and from JDK 25 on a
#                  cache made ahead of time (JEP 310, JEP 514)
#     built        of the library: class path, flags, size and time of each jar; written last
#     PROGRAM      the same of a procedure; its name is a checksum of the procedure's own files. An edited procedure
#                  has a PROGRAM.jar of its own: the archive stays good while the class path begins as it did when it
#                  was made, so that is at its end.
#     used         its time is that of the last start

# Starts java in place of this shell, or returns when that cannot be done: `quickly ARGUMENT… || :`
quickly() {
  ready || return 0
  share=
  [ ! -s "$entry/archive" ] || share=$use
  # the JVM's own warnings would be on standard output, in the middle of what a machine reads
  # shellcheck disable=SC2086 # flags are words
  exec "$jvm" -Xlog:disable $share $flags -cp "$path" "$(main "$script")" "$@"
}

# Has the procedure built where it is not, and sets jvm, entry, path and flags.
ready() {
  jvm=$(command -v "${JAVA_HOME:+$JAVA_HOME/bin/}java") && jvm=$(readlink -f "$jvm") 2>/dev/null || return
  jdk=${jvm%/bin/java}
  major=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$jdk/release" 2>/dev/null) || return
  [ "${major:-0}" -ge 17 ] || return
  place=${cache%/*}/start/$(printf %s "$home" | cksum | tr ' ' -)
  keys=$(start_keys) 2>/dev/null || return
  entry=$place/${keys% *}
  archive_flags
  holds "$entry/${keys#* }" || { make_start && holds "$entry/${keys#* }"; } || return
  # marks it as in use, so that no other run's cleanup removes it
  true 2>/dev/null >"$entry/used" || :
}

# Reads a record of jars, and checks whether they are unchanged.
holds() {
  { read -r path && read -r flags && jars=$(cat); } 2>/dev/null <"$1" && [ "$(looks)" = "$jars" ]
}

# Size and time of each jar of the class path.
looks() {
  # shellcheck disable=SC2046 # one word a jar: make_library takes no path with a space
  stat -L -c '%s %Y %n' $(printf %s "$path" | tr : ' ') 2>/dev/null
}

# The class of a script has the name of its file.
main() { basename "$1" .java; }

# The keys LIBRARY and PROGRAM. The exit code of each step is checked: a checksum of a partial list is wrong.
start_keys() (
  cd "$home" || exit
  machine=$(stat -L -c '%n %s %Y' "$jvm" "$jdk/lib/modules" "$jdk/lib/server/libjvm.so" "$jdk/bin/javac") || exit
  known=
  { read -r known && read -r keys && read -r files; } 2>/dev/null <"$place/seen-$procedure" || files=$script
  if [ -n "$known" ] && [ "$(state)" = "$known" ]; then
    echo "$keys"
    exit
  fi
  files=$(own_files "$script" | tr '\n' ' ') && state=$(state) || exit
  library=$(library_key) && program=$(program_key) || exit
  keys="$library $program"
  echo "$keys"
  # a file written a moment ago may be written again with the same time: file system clocks tick
  # shellcheck disable=SC2086 # no file of the toolkit has a space in its name
  young=$(find -L lib templates $files -type f -newerct '2 seconds ago' -print -quit) && [ -z "$young" ] || exit 0
  seen=$place/seen-$procedure
  { printf '%s\n' "$state" "$keys" "$files" >"$seen.new" && mv "$seen.new" "$seen"; } 2>/dev/null || :
)

# A checksum of the files' metadata on the disk: an edit can reset the modification time, but not the change time.
state() {
  # shellcheck disable=SC2086
  found=$(find -L lib templates $files -type f -printf '%p %s %T@ %C@ %i\n') || return
  printf '%s\n' "$home" "$machine" "$found" | sha256sum
}

library_key() {
  found=$(find -L lib templates -type f) && sums=$(printf '%s\n' "$found" | sort | xargs -d '\n' sha256sum) || return
  printf '%s\n' "$home" "$machine" "$sums" | sha256sum | cut -d ' ' -f 1
}

program_key() {
  # shellcheck disable=SC2086
  sums=$(sha256sum $files) && printf '%s\n' "$script" "$sums" | sha256sum | cut -d ' ' -f 1
}

# The directives of sources, and of the sources that they name: "SOURCES file", "FILES file name-in-the-jar",
# "RUNTIME_OPTIONS words", "JAVAC_OPTIONS words".
directives() {
  awk 'function beside(file, name) {
      sub("[^/]*$", "", file); file = file name
      while (sub("[^/]+/\\.\\./", "", file)) { }
      return file
    }
    function take(file, line, words, named, i, n) {
      if (file in taken) return
      taken[file]
      print "SOURCES", file
      while ((getline line <file) > 0) {
        if (line ~ "^//SOURCES ") { split(line, words, " "); named[++n] = beside(file, words[2]) }
        else if (line ~ "^//FILES ") { split(line, words, "[ =]"); print "FILES", beside(file, words[3]), words[2] }
        else if (line ~ "^//(RUNTIME|JAVAC)_OPTIONS ") print substr(line, 3)
      }
      close(file)
      # like JBang: the directives of a file come before those of the files that it names
      for (i = 1; i <= n; i++) take(named[i])
    }
    BEGIN { for (i = 1; i < ARGC; i++) take(ARGV[i]) }' "$@"
}

# The files of scripts that are not part of the library.
own_files() { directives "$@" | own; }
own() { sed -n '/^[A-Z]* lib\//d; s/^\(SOURCES\|FILES\) \([^ ]*\).*/\2/p' | sort -u; }

# The rest of each line of a kind in the output of directives, in one line.
words() { sed -n "s/^$1 //p" | tr '\n' ' '; }

# Builds what is missing; of two concurrent runs one builds and the other waits. The run that builds holds the lock, and
# so does a compiler that outlives it.
make_start() {
  mkdir -p "$place" 2>/dev/null && [ -w "$place" ] && [ -x "$jdk/bin/jar" ] || return
  command -v flock >/dev/null && room || return
  need_jdk
  need_jbang
  built=0
  (
    cd "$home" || exit 3
    flock -n 9 || { say "another run is building: waiting for it" && flock -w 300 9 || exit 3; }
    ! holds "$entry/${keys#* }" || exit 0
    read -r began _ </proc/uptime
    if holds "$entry/built"; then
      say "building $procedure"
      make_programs "$procedure" || exit
    else
      say "building the library and all procedures, once for this state of the toolkit"
      make_library || exit
      # shellcheck disable=SC2046
      make_programs $(quick_procedures) 2>/dev/null || make_programs "$procedure" || exit
      clear_away
      wait
    fi
    read -r ended _ </proc/uptime
    awk "BEGIN { printf \"built in %.1f s\n\", $ended - $began }" >&2
  ) 9>"$place/lock" || built=$?
  # a compile error is reported once
  [ "$built" -ne 4 ] || exit 1
  [ "$built" -eq 0 ]
}

# Whether the disk has room for what is built, and for the archive.
room() { df -Pk "$place" 2>/dev/null | awk 'END { exit $4 < 64 * 1024 }'; }

# The procedures without dependencies other than the library's.
quick_procedures() { procedures | cut -f 1 | grep -vxE "$ours"; }

make_library() {
  rm -rf "$entry"
  mkdir "$entry" || return 3
  path=$("$jbang" info tools "$home/lib/sources.java" |
    sed -n '/^  "resolvedDependencies": \[$/,/^  \]/s/^    "\(.*\)",\{0,1\}$/\1/p' | paste -sd : -)
  whole "$path" && whole "$entry" || return 3
  compile "$entry/lib.jar" '' lib/sources.java || return
  path=$entry/lib.jar:$path
  flags=$(directives lib/ktrdr.java | words RUNTIME_OPTIONS)
  # the second processor compiles the procedures in parallel
  make_archive &
  [ "$(start_keys)" = "$keys" ] && jars=$(looks) && note_built built || return 3
}

# Builds procedures into one jar, and records it for each.
make_programs() {
  holds "$entry/built" || return 3
  library=$path
  jar=$entry/scripts.jar
  [ $# -gt 1 ] || jar=$entry/${keys#* }.jar
  # shellcheck disable=SC2046,SC2086
  set -- $(for name; do echo "$name:$(script_of "$name")"; done)
  scripts=$(for one; do echo "${one#*:}"; done)
  # shellcheck disable=SC2086
  before=$(own_files $scripts | xargs -d '\n' sha256sum) && compile "$jar" "$library" $scripts || return
  # shellcheck disable=SC2086
  [ "$(own_files $scripts | xargs -d '\n' sha256sum)" = "$before" ] && [ "$(start_keys)" = "$keys" ] || return 3
  path=$library:$jar
  jars=$(looks) || return 3
  for one; do
    script=${one#*:}
    said=$(directives "$script")
    files=$(printf '%s\n' "$said" | own | tr '\n' ' ')
    flags=$(printf '%s\n' "$said" | words RUNTIME_OPTIONS)
    note_built "$(program_key)" || return 3
  done
}

# Writes the record that holds reads.
note_built() {
  printf '%s\n' "$path" "$flags" "$jars" >"$entry/$1.new" && mv "$entry/$1.new" "$entry/$1"
}

# Whether a class path has no characters that are special in this shell or in JSON.
whole() {
  case $1 in '' | *[!A-Za-z0-9/:._@+-]*) return 1 ;; esac
}

# Compiles sources, and those that they name, into a jar with their files: `compile JAR CLASS-PATH SOURCE…`. Sources of
# lib/ are only in the library.
compile() {
  jar=$1
  library=$2
  shift 2
  classes=$jar.classes
  rm -rf "$classes"
  mkdir "$classes" || return 3
  directives "$@" >"$jar.list" 2>/dev/null || return 3
  [ -z "$library" ] || sed -i '/^\(SOURCES\|FILES\) lib\//d' "$jar.list"
  sed -n 's/^SOURCES //p' "$jar.list" >"$jar.sources"
  options=$(directives lib/sources.java | words JAVAC_OPTIONS)
  # a JDK 17 need not check its own interfaces against the list for each release, which takes time
  [ "$major" -ne 17 ] || options=$(printf %s "$options" | sed 's/--release 17//')
  # shellcheck disable=SC2086 # options are words
  "$jdk/bin/javac" $options -g -parameters -cp "${library:-$path}" \
    -d "$classes" "@$jar.sources" || { room && return 4 || return 3; }
  sed -n 's/^FILES //p' "$jar.list" | while read -r file name; do
    mkdir -p "$classes/${name%/*}" && cp "$file" "$classes/$name" || exit
  done &&
    "$jdk/bin/jar" -J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC -c -M -0 -f "$jar" -C "$classes" . &&
    rm -rf "$classes" "$jar.list" "$jar.sources" || return 3
}

# The JVM's flags for the archive: to use it, and to make it of what a run loads.
archive_flags() {
  if [ "$major" -ge 25 ]; then
    use="-XX:AOTCache=$entry/archive"
    make="-XX:AOTCacheOutput=$entry/archive.new"
    # there all of the archive is loaded at the start of each run
    load=
  else
    use="-Xshare:auto -XX:SharedArchiveFile=$entry/archive"
    make="-XX:ArchiveClassesAtExit=$entry/archive.new"
    load="lib.jar sshj okhttp okio"
  fi
}

# Without an archive procedures only start slower.
make_archive() {
  # shellcheck disable=SC2086 # flags are words
  env -i "$jvm" $make $flags -cp "$path" ktrdr.cli.Training "$home/inventory.yaml" $load </dev/null >/dev/null 2>&1 &&
    mv "$entry/archive.new" "$entry/archive" || rm -f "$entry/archive.new"
}

# Removes builds of earlier states, except those that a run may use, and of deleted checkouts.
clear_away() {
  echo "$home" >"$place/home"
  find "$place" -mindepth 1 -maxdepth 1 -type d ! -path "$entry" | while read -r old; do
    [ -n "$(find "$old" -maxdepth 1 \( -name used -o -path "$old" \) -mmin -60)" ] || rm -rf "$old"
  done
  for other in "${place%/*}"/*; do
    read -r checkout 2>/dev/null <"$other/home" && [ -d "$checkout" ] && continue
    [ -n "$(find "$other" -maxdepth 1 -mmin -60)" ] || rm -rf "$other"
  done
}
