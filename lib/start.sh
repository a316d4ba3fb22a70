# shellcheck shell=sh disable=SC2154 # the front door sets home, procedure, script and jbang
# The quick road of ./ktrdr: what JBang found out the last time is kept, and while nothing of it has changed java is started with it directly.
#
# $XDG_CACHE_HOME/ktrdr/start/PROCEDURE-CHECKOUT/KEY/
#   program.jar  what JBang built
#   start        main class, class path, flags, size and time of each jar; written last, so that what has it is whole. "jbang" alone: only JBang can do it.
#   classes.PID  the classes that a run loaded, until there is
#   archive      these classes as the JVM maps them into memory: class data sharing, and from JDK 25 on a cache made ahead of time (JEP 310, JEP 514)
# KEY is a checksum of all sources and templates, of the checkout's path and of the JDK, so an edit, a pull or another JDK is another folder.
# $XDG_CACHE_HOME/ktrdr/start/PROCEDURE-CHECKOUT/seen
#   the KEY of the last run, and a checksum of the size, times and inode of each of these files as they were then

# Starts java in place of this shell, or returns when that cannot be done: `quickly ARGUMENT… || :`, with home, procedure and script set.
quickly() {
  jvm=$(command -v "${JAVA_HOME:+$JAVA_HOME/bin/}java") && jvm=$(readlink -f "$jvm") 2>/dev/null || return 0
  jdk=${jvm%/bin/java}
  major=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$jdk/release" 2>/dev/null) || return 0
  place=${cache%/*}/start/$procedure-$(printf %s "$home" | cksum | tr ' ' -)
  [ "${major:-0}" -ge 17 ] && key=$(start_key) 2>/dev/null || return 0
  entry=$place/$key
  [ -f "$entry/start" ] || make_start || return 0
  { read -r main && read -r path && read -r flags && jars=$(cat); } <"$entry/start" || return 0
  [ "$(looks)" = "$jars" ] || return 0
  sharing "$@"
  # the JVM's own warnings would be on standard output, in the middle of what a machine reads
  # shellcheck disable=SC2086 # flags are words
  exec "$jvm" -Xlog:disable $share $flags -cp "$path" "$main" "$@"
}

# The checksum of all that a build depends on. Each step is asked how it ended: the checksum of half a list is a wrong one.
start_key() (
  cd "$home" || exit
  machine=$(stat -L -c '%n %s %Y' "$jvm" "$jdk/lib/modules" "$jdk/lib/server/libjvm.so" "$jdk/bin/javac") || exit
  # an edit can set the time of modification back, and not that of the change
  state=$(sources -printf '%p %s %T@ %C@ %i\n') && state=$(printf '%s\n' "$home" "$machine" "$state" | sha256sum) || state=
  if [ -n "$state" ] && { read -r known && read -r key; } 2>/dev/null <"$place/seen" && [ "$known" = "$state" ]; then
    echo "$key"
    exit
  fi
  files=$(sources) || exit
  sums=$(printf '%s\n' "$files" | sort | xargs -d '\n' sha256sum) || exit
  key=$(printf '%s\n' "$home" "$machine" "$sums" | sha256sum | cut -d ' ' -f 1)
  echo "$key"
  # what was written a moment ago may be written again with no later time: clocks of file systems tick
  [ -n "$state" ] && young=$(sources -newerct '2 seconds ago' -print -quit) && [ -z "$young" ] || exit 0
  { printf '%s\n' "$state" "$key" >"$place/seen.new" && mv "$place/seen.new" "$place/seen"; } 2>/dev/null || :
)

sources() { find -L lib scripts templates tests jbang-catalog.json ktrdr -type f "$@"; }

# Size and time of each jar of the class path.
looks() {
  # shellcheck disable=SC2046 # one word a jar: make_start takes no path with a space
  stat -L -c '%s %Y %n' $(printf %s "$path" | tr : ' ') 2>/dev/null
}

# Has JBang build the procedure and keeps what it says of it; of two at the same moment one does and the other waits.
make_start() {
  mkdir -p "$place" 2>/dev/null && [ -w "$place" ] && command -v flock >/dev/null || return 1
  need_jdk
  need_jbang
  built=0
  (
    flock -w 300 9 || exit 3
    [ ! -f "$entry/start" ] || exit 0
    "$jbang" build "$home/$script" 9>&- || exit 4
    remember 9>&- 2>/dev/null || exit 3
  ) 9>"$place/lock" || built=$?
  # what does not compile is told once
  [ "$built" -ne 4 ] || exit 1
  [ "$built" -eq 0 ]
}

# Makes the entry of what was built.
remember() {
  said=$("$jbang" info tools "$home/$script") || return
  jar=$(printf '%s\n' "$said" | field applicationJar)
  main=$(printf '%s\n' "$said" | field mainClass)
  path=$entry/program.jar$(printf '%s\n' "$said" | list resolvedDependencies | sed 's/^/:/' | tr -d '\n')
  flags=$(printf '%s\n' "$said" | list runtimeOptions | tr '\n' ' ')
  # archives of an earlier state are of no use, its jars may be: somebody may be about to start with them
  rm -f "$place"/*/archive "$place"/*/classes.*
  find "$place" -mindepth 1 -maxdepth 1 -type d -mmin +60 -exec rm -rf {} +
  rm -rf "$entry"
  mkdir "$entry" && cp "$jar" "$entry/program.jar" || return
  if [ "$(readlink -f "$(printf '%s\n' "$said" | field availableJdkPath)/bin/java")" = "$jvm" ] && [ -n "$main" ] && whole "$path"; then
    jars=$(looks) || return
    printf '%s\n' "$main" "$path" "$flags" "$jars" >"$entry/start.new" || return
  else
    echo jbang >"$entry/start.new" || return
  fi
  # an edit after the key was taken is in what was built, or is not: nobody knows
  [ "$(start_key)" = "$key" ] && mv "$entry/start.new" "$entry/start"
}

# Whether a class path has no character that means something to this shell or to JSON.
whole() {
  case $1 in *[!A-Za-z0-9/:._@+-]*) return 1 ;; esac
}

# Of what `jbang info tools` prints, one value or one list of values a line.
field() { sed -n 's/^  "'"$1"'": "\(.*\)",\{0,1\}$/\1/p'; }
list() { sed -n '/^  "'"$1"'": \[$/,/^  \]/s/^    "\(.*\)",\{0,1\}$/\1/p'; }

# The JVM's flags for the archive: to use it, to note what a run loads so that one can be made of it, and to make it.
archive_flags() {
  if [ "$major" -ge 25 ]; then
    use="-XX:AOTCache=$entry/archive"
    # what it says of that is on standard output, and no matter of -Xlog
    note="-XX:+UnlockDiagnosticVMOptions -XX:-DisplayVMOutput -XX:AOTMode=record -XX:AOTConfiguration=$entry/classes.$$"
    make="-XX:AOTMode=create -XX:AOTConfiguration=$entry/classes -XX:AOTCache=$entry/archive.new $flags"
  else
    use="-Xshare:auto -XX:SharedArchiveFile=$entry/archive"
    note="-XX:DumpLoadedClassList=$entry/classes.$$"
    # objects of the archive's heap are written by G1 alone
    make="-Xshare:dump -XX:SharedClassListFile=$entry/classes -XX:SharedArchiveFile=$entry/archive.new -XX:+UseG1GC"
  fi
}

# Sets share to the flags for this run.
sharing() {
  share=
  archive_flags
  if [ -s "$entry/archive" ]; then
    share=$use
    return 0
  fi
  [ ! -e "$entry/archive" ] && [ -w "$entry" ] || return 0
  for seen in "$entry"/classes.*; do
    [ -s "$seen" ] && ! kill -0 "${seen##*.}" 2>/dev/null || continue
    share_later "$seen"
    return 0
  done
  # a page of help says little of what a procedure loads
  case " $* " in *" -h "* | *" --help "* | *" --version "* | *" --dry-run "*) return 0 ;; esac
  share=$note
}

# Makes the archive beside what runs: quiet, out of the way of Ctrl-C, and not by two. What cannot be made is an empty file, and not tried again.
share_later() {
  (
    cd / && flock -n 9 && [ -e "$1" ] && mv "$1" "$entry/classes" || exit 0
    # a run that was killed has half a last line
    [ "$major" -ge 25 ] || sed -i '$d' "$entry/classes"
    # shellcheck disable=SC2086 # flags are words, and so is the place: whole() looked at it
    if nice -n 10 env -i "$jvm" $make -cp "$path"; then mv "$entry/archive.new" "$entry/archive"; else rm -f "$entry/archive.new"; : >"$entry/archive"; fi
    rm -f "$entry/classes" "$entry"/classes.*
  ) 9>"$entry/lock" </dev/null >/dev/null 2>&1 &
}
