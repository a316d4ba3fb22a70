package ktrdr.logs;

import java.util.List;
import java.util.Map;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.node.Docker;
import ktrdr.node.LogMask;

/**
 * What is asked of a node about the logs of its containers: one script that reads all of them side by side, and the form of its answer.
 *
 * First it tells what containers there are, then the lines that are there in the order of their times, merged on the node, so that nothing piles up on either side.
 * To follow, it goes on with what is written from then on, container by container as it comes; a container that starts, again or for the first time, is taken up by the
 * Engine's event of it, from the last line that is known.
 *
 * @param project of Compose
 * @param services to be shown; all of them where it is empty
 * @param tail lines of each container, or all
 * @param since docker's own form, such as 90s before now or a time in UTC; empty for all
 * @param resumed the containers whose lines are known, with the time from which they have to be told again: then there is no past to be told; empty for a first run
 */
public record LogScript(String project, List<String> services, String tail, String since, boolean follow, Map<String, String> resumed) {
    /** What a line of the answer is. */
    public enum Kind {
        /** The end of a line of a log; {@link #MORE} is a piece before. */
        LINE(""), MORE("+"),
        /** A container that is there at the start, known or with a past to be told; its service is the text. */
        THERE("@"),
        /** One that came later: all of its log will be told. */
        NEW("*"),
        /** From here on lines of the container may be told again. */
        AGAIN(">"),
        /** What docker has to say about it. */
        DOCKER("!"),
        /** All containers that are there were told. */
        LISTED("."),
        /** All that was there was told: from here on lines are in no order between containers. */
        LIVE("~"),
        /** The node is there, and has nothing to say. */
        ALIVE("=");

        private final String mark;

        Kind(String mark) {
            this.mark = mark;
        }
    }

    /** A line of the answer: {@code time} is as docker prints it, UTC with nine digits of a second; {@code id} is the container's, empty where it is about none. */
    public record Piece(String time, String id, Kind kind, String text) {
        /** Reads a line; what has another form is a {@link Problem}. */
        public static Piece parse(String line) {
            var words = line.split("\t", 4);
            if (words.length == 4)
                for (var kind : Kind.values()) if (kind.mark.equals(words[2])) return new Piece(words[0], words[1], kind, words[3]);
            throw Problem.failed("a node answered something that is no line of a log").expected("time, container, mark, text").found(Console.brief(line, 200));
        }
    }

    /** The script. It changes nothing, and its folder of pipes and notes goes when it ends. */
    public String text() {
        var script = new StringBuilder("list() { docker ps -a --no-trunc --filter label=" + Docker.PROJECT + "=" + Sh.quote(project)
                + " --format '{{.ID}} {{.Label \"" + Docker.SERVICE + "\"}}'; }\n");
        script.append("starts() { docker events --since \"$1\" --filter type=container --filter event=start --filter label=" + Docker.PROJECT + "=" + Sh.quote(project)
                + " --format '{{.Actor.ID}} {{index .Actor.Attributes \"" + Docker.SERVICE + "\"}}'; }\n");
        script.append(Sh.let("services", String.join(" ", services))).append(COMMON);
        resumed.forEach((id, from) -> script.append("printf %s ").append(Sh.quote(from)).append(" >\"$folder/\"").append(Sh.quote(id)).append(".last\n"));
        script.append(resumed.isEmpty() ? Sh.let("resumed", "") : Sh.let("resumed", "yes")).append(LIST);
        if (resumed.isEmpty()) script.append(Sh.let("tail", tail)).append(Sh.let("since", since)).append(PAST);
        return script.append(follow ? PRESENT : "").toString();
    }

    private static final String COMMON = """
            export LC_ALL=C
            umask 077
            folder=
            trap 'trap "" HUP INT TERM PIPE; [ -z "$folder" ] || rm -rf "$folder" 2>/dev/null || { sleep 1; rm -rf "$folder"; }' EXIT
            # what was just about to begin when the signal came may not have got it
            trap 'trap "" HUP INT TERM PIPE; kill -s TERM 0; exit 130' HUP INT TERM PIPE
            """ + Sh.folder("folder", "\"${TMPDIR:-/tmp}\"/ktrdr-logs") + ScriptExit.numbers("""
            # a note that is cut short would be a container or a line that is not told
            head -c 65536 /dev/zero >"$folder/room" || exit $NOT_WRITTEN
            rm -f "$folder/room"
            started=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
            # mawk waits for a full buffer otherwise
            case $(awk -W version 2>&1 </dev/null || :) in mawk*) at_once='-W interactive' ;; *) at_once= ;; esac
            wanted() { case " $services " in '  ' | *" $1 "*) ;; *) return 1 ;; esac; }
            mark() { printf '%s\\t%s\\t%s\\t%s\\n' "$started" "$1" "$2" "$3"; }
            # a write of up to 4096 bytes to a pipe is never mixed with another; .last is a time before which nothing is to come, and not long before the last line
            lines() {
              # shellcheck disable=SC2086 # two words or none
              awk ${2:+$at_once} -v id="$1" -v last="$folder/$1.last" -v live="$2" -v stamp="$started" '
                function put(mark, text) { printf "%s", stamp "\\t" id "\\t" mark "\\t" text "\\n"; if (live) fflush() }
            """) + LogMask.AWK + """
                BEGIN { if (!learn(id)) { put("!", "its secrets could not be asked for, so its log is not shown"); exit } }
                { $0 = shown($0) }
                /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9:.]+Z / {
                  at = index($0, " ")
                  stamp = substr($0, 1, at - 1)
                  text = substr($0, at + 1)
                  while (length(text) > 3900) {
                    cut = 3900
                    while (substr(text, cut + 1, 1) ~ /[\\200-\\277]/ && cut > 3890) cut--
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
            """;

    private static final String LIST = """
            ids=
            list >"$folder/listed"
            while read -r id service; do
              if [ -z "$resumed" ] || [ -e "$folder/$id.last" ]; then mark "$id" @ "$service"; else mark "$id" '*' "$service"; fi
              : >"$folder/$id.known"
              if wanted "$service"; then ids="$ids $id"; fi
            done <"$folder/listed"
            mark '' . ''
            """;

    private static final String PAST = """
            tab=$(printf '\\t')
            set --
            for id in $ids; do
              mkfifo "$folder/$id.pipe"
              { docker logs --timestamps --tail "$tail" ${since:+--since "$since"} "$id" 2>&1 </dev/null | lines "$id" ''; } >"$folder/$id.pipe" &
              set -- "$@" "$folder/$id.pipe"
            done
            # a shell that waits hears signals
            [ $# = 0 ] || { sort -m -s -t "$tab" -k 1,1 --batch-size="$(($# + 2))" "$@" & wait "$!"; }
            wait
            for id in $ids; do [ -s "$folder/$id.last" ] || printf %s "$started" >"$folder/$id.last"; done
            """;

    private static final String PRESENT = """
            mark '' '~' ''
            # sshd keeps us for hours where the other side died without a word, unless something is to be sent: then TCP gives it up in a quarter of one
            while sleep 60; do mark '' '=' ''; done &
            one() {
              while :; do
                rm -f "$folder/$1.again"
                from=$(cat "$folder/$1.last" 2>/dev/null || :)
                mark "$1" '>' "$from"
                docker logs --follow --timestamps ${from:+--since "$from"} "$1" 2>&1 | lines "$1" yes
                rmdir "$folder/$1.busy"
                # who started it again meanwhile, or sees this too late, finds it not busy
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
              # the Engine is away
              sleep 2
            done
            """;
}
