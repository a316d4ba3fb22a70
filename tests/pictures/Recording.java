//DEPS org.webjars.npm:xterm:4.9.0
//FILES pictures/terminal.html=terminal.html
package pictures;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Problem;

/**
 * A procedure run at a terminal of its own, by script(1), and what it sent there: shown by xterm.js as a terminal shows
 * it.
 */
public record Recording(String words, String sent) {
    private static final int COLUMNS = 118;

    /**
     * Runs it to its end.
     *
     * @param toolkit the folder of ./ktrdr, where it runs
     * @param words such as "status" or "deploy workers B"
     * @param ends how it has to end, one of these: another run is a {@link Problem} with what it said
     */
    public static Recording of(Path toolkit, String words, Exit... ends) {
        if (!words.matches("[A-Za-z0-9 ./:_-]+")) throw Problem.usage("`" + words
                + "` is no procedure with plain arguments").expected("such as \"deploy workers B\"");
        // what is compiled is told at the terminal too, and is no part of it
        LocalCommand.command("./ktrdr", words.split(" ")[0], "--help").directory(toolkit).must();
        try {
            // in a file, as it was sent: with the carriage returns that a line is refreshed by
            var file = Files.createTempFile("terminal", ".txt");
            var ran = LocalCommand.command(List.of("script", "-qefc", "stty cols " + COLUMNS + "; ./ktrdr " + words,
                    file.toString())).directory(toolkit).run();
            var sent = Files.readString(file);
            Files.delete(file);
            var codes = Stream.of(ends).map(end -> String.valueOf(end.code)).toList();
            if (!codes.contains(String.valueOf(ran.exit())))
                throw Problem.failed("./ktrdr " + words + " ended with " + ran.exit())
                        .expected("a run to make a picture of, with exit code " + String.join(" or ", codes))
                        .found(sent);
            return new Recording(words, sent.replaceFirst("^Script started .*\\R", "")
                    .replaceFirst("(?s)\\s*Script done on [^\\n]*\\s*$", ""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The procedure's name: deploy. */
    public String procedure() {
        return words.split(" ")[0];
    }

    /** The page's HTML: the command as it was typed, and what came. */
    public String page() {
        var typed = "\033[2m$\033[0m ./ktrdr " + words + "\r\n";
        return Page.filled("terminal.html", List.of(Page.webjar("xterm/4.9.0/css/xterm.css")),
                List.of(Page.webjar("xterm/4.9.0/lib/xterm.js")),
                Json.line(Map.of("columns", COLUMNS, "sent", typed + sent)));
    }
}
