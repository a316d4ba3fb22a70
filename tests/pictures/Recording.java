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

/** A procedure recorded in its own terminal by script(1). xterm.js renders the recording as a terminal does. */
public record Recording(String words, String sent) {
    private static final int COLUMNS = 118;

    /**
     * Runs the procedure to its end.
     *
     * @param toolkit the folder of ./ktrdr, where it runs
     * @param words such as "status" or "deploy workers B"
     * @param ends the accepted exit codes: any other is a {@link Problem} with the output
     */
    public static Recording of(Path toolkit, String words, Exit... ends) {
        if (!words.matches("[A-Za-z0-9 ./:_-]+")) throw Problem.usage("`" + words
                + "` is no procedure with plain arguments").expected("such as \"deploy workers B\"");
        // compile first: JBang's build messages must not be in the recording
        LocalCommand.command("./ktrdr", words.split(" ")[0], "--help").directory(toolkit).must();
        try {
            // a file keeps the raw output, with the carriage returns that refresh a line
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

    /** The page's HTML: the command as typed, and its output. */
    public String page() {
        var typed = "\033[2m$\033[0m ./ktrdr " + words + "\r\n";
        return Page.filled("terminal.html", List.of(Page.webjar("xterm/4.9.0/css/xterm.css")),
                List.of(Page.webjar("xterm/4.9.0/lib/xterm.js")),
                Json.line(Map.of("columns", COLUMNS, "sent", typed + sent)));
    }
}
