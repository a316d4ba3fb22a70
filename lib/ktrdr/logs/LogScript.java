package ktrdr.logs;

import java.util.List;
import java.util.Map;
import ktrdr.BuiltIn;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.node.Docker;
import ktrdr.node.LogMask;

/**
 * The script that reads the logs of all containers of a node in parallel, and the form of its answer.
 *
 * First it lists the containers, then it sends their present lines in the order of their times, merged on the node, so
 * that nothing piles up on either side. To follow, it continues with new lines, container by container as they come; an
 * event of the Engine about a started container makes it continue there from the last known line.
 *
 * @param project of Compose
 * @param services to show; empty for all
 * @param tail lines of each container, or all
 * @param since docker's own form, such as 90s before now or a time in UTC; empty for all
 * @param resumed the containers with known lines, and the time from which to send them again: then the past is not
 *     sent; empty for a first run
 */
public record LogScript(String project, List<String> services, String tail, String since, boolean follow,
        Map<String, String> resumed) {
    /** What a line of the answer is. */
    public enum Kind {
        /** The end of a line of a log; {@link #MORE} is a piece before. */
        LINE(""), MORE("+"),
        /** A container that is there at the start, known or with a past to send; its service is the text. */
        THERE("@"),
        /** A later container: all of its log will be sent. */
        NEW("*"),
        /** Lines of the container may be repeated from here on. */
        AGAIN(">"),
        /** A message of docker about it. */
        DOCKER("!"),
        /** All present containers were listed. */
        LISTED("."),
        /** All present lines were sent: from here on lines of different containers are in no order. */
        LIVE("~"),
        /** The node is alive, and has no lines. */
        ALIVE("=");

        private final String mark;

        Kind(String mark) {
            this.mark = mark;
        }
    }

    /**
     * A line of the answer: {@code time} is as docker prints it, UTC with nine digits of a second; {@code id} is the
     * container's, empty for a line about none.
     */
    public record Piece(String time, String id, Kind kind, String text) {
        /** Reads a line; another form is a {@link Problem}. */
        public static Piece parse(String line) {
            var words = line.split("\t", 4);
            if (words.length == 4)
                for (var kind : Kind.values())
                    if (kind.mark.equals(words[2])) return new Piece(words[0], words[1], kind, words[3]);
            throw Problem.failed("a node returned an invalid log line")
                    .expected("time, container, mark, text").found(Console.brief(line, 200));
        }
    }

    /** The script. It changes nothing, and removes its folder of pipes and notes when it ends. */
    public String text() {
        var script = new StringBuilder("list() { docker ps -a --no-trunc --filter label=" + Docker.PROJECT + "="
                + Sh.quote(project)
                + " --format '{{.ID}} {{.Label \"" + Docker.SERVICE + "\"}}'; }\n");
        script.append("starts() { docker events --since \"$1\" --filter type=container --filter event=start --filter "
                + "label=" + Docker.PROJECT + "=" + Sh.quote(project)
                + " --format '{{.Actor.ID}} {{index .Actor.Attributes \"" + Docker.SERVICE + "\"}}'; }\n");
        script.append(Sh.let("services", String.join(" ", services))).append(common());
        resumed.forEach((id, from) -> script.append("printf %s ").append(Sh.quote(from)).append(" >\"$folder/\"")
                .append(Sh.quote(id)).append(".last\n"));
        script.append(resumed.isEmpty() ? Sh.let("resumed", "") : Sh.let("resumed", "yes"))
                .append(BuiltIn.lines("logs/list.sh"));
        if (resumed.isEmpty())
            script.append(Sh.let("tail", tail)).append(Sh.let("since", since)).append(BuiltIn.lines("logs/past.sh"));
        return script.append(follow ? BuiltIn.lines("logs/present.sh") : "").toString();
    }

    private static final String BEGIN = """
            export LC_ALL=C
            umask 077
            folder=
            trap 'trap "" HUP INT TERM PIPE; [ -z "$folder" ] || rm -rf "$folder" 2>/dev/null || { sleep 1; rm -rf \
            "$folder"; }' EXIT
            # what was just about to begin when the signal came may not have got it
            trap 'trap "" HUP INT TERM PIPE; kill -s TERM 0; exit 130' HUP INT TERM PIPE
            """;

    private static String common() {
        return BEGIN + Sh.folder("folder", "\"${TMPDIR:-/tmp}\"/ktrdr-logs")
                + BuiltIn.lines("logs/lines.sh").replace("# MASK\n", LogMask.awk());
    }
}
