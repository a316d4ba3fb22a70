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
 * What is asked of a node about the logs of its containers: one script that reads all of them side by side, and the
 * form of its answer.
 *
 * First it tells what containers there are, then the lines that are there in the order of their times, merged on the
 * node, so that nothing piles up on either side. To follow, it goes on with what is written from then on, container by
 * container as it comes; a container that starts, again or for the first time, is taken up by the Engine's event of it,
 * from the last line that is known.
 *
 * @param project of Compose
 * @param services to be shown; all of them where it is empty
 * @param tail lines of each container, or all
 * @param since docker's own form, such as 90s before now or a time in UTC; empty for all
 * @param resumed the containers whose lines are known, with the time from which they have to be told again: then there
 *     is no past to be told; empty for a first run
 */
public record LogScript(String project, List<String> services, String tail, String since, boolean follow,
        Map<String, String> resumed) {
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

    /**
     * A line of the answer: {@code time} is as docker prints it, UTC with nine digits of a second; {@code id} is the
     * container's, empty where it is about none.
     */
    public record Piece(String time, String id, Kind kind, String text) {
        /** Reads a line; what has another form is a {@link Problem}. */
        public static Piece parse(String line) {
            var words = line.split("\t", 4);
            if (words.length == 4)
                for (var kind : Kind.values())
                    if (kind.mark.equals(words[2])) return new Piece(words[0], words[1], kind, words[3]);
            throw Problem.failed("a node returned an invalid log line")
                    .expected("time, container, mark, text").found(Console.brief(line, 200));
        }
    }

    /** The script. It changes nothing, and its folder of pipes and notes goes when it ends. */
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
