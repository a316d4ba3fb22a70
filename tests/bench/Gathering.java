package bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;

/**
 * The five facts of {@link FanOut} from all nodes at once over open connections. A line typed into the console, until
 * its answer, against ssh over shared connections (ControlPersist, ssh_config(5)).
 */
public final class Gathering implements AutoCloseable {
    private static final String LINE = "fleet.run(" + Json.line(FanOut.FACTS) + ")\n";
    private final Inventory inventory;
    private final Console console;
    private final Path sockets;
    private final Process shell;
    private final BufferedReader answers;

    /** Starts a console, and a shared connection to each node, until {@link #close}. */
    public Gathering(Inventory inventory, Console console, Path toolkit) {
        this.inventory = inventory;
        this.console = console;
        this.sockets = Folders.make();
        try {
            shell = new ProcessBuilder(toolkit.toString(), "console", "-o", "json", "-i", inventory.source().toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        answers = shell.inputReader(StandardCharsets.UTF_8);
        for (var node : inventory.nodes()) LocalCommand.command("sh", "-c",
                "exec " + ssh(node, "-f", "-N", "-o", "ControlMaster=yes", "-o", "ControlPersist=600")
                        + " >/dev/null 2>&1").must();
    }

    private String ssh(Node node, String... options) {
        return "ssh " + Sh.words(List.of("-o", "ControlPath=" + sockets.resolve(node.name()))) + " "
                + Sh.words(List.of(options)) + " " + Sh.words(ByHand.login(inventory, node));
    }

    /** This many pairs, after three warm-up runs of each: a console in use is warm. */
    public SideBySide measure(Case what, int pairs) {
        var script = inventory.nodes().stream().map(node -> ssh(node) + " " + Sh.quote(FanOut.FACTS) + " &\n")
                .collect(Collectors.joining()) + "wait\n";
        SideBySide.Measurement theirs = () ->
                SideBySide.time(console, what.theirs(), LocalCommand.command("sh", "-s").input(script));
        return SideBySide.warm(what, 3, pairs, this::type, theirs);
    }

    private Duration type() {
        long started = System.nanoTime();
        try {
            shell.getOutputStream().write(LINE.getBytes(StandardCharsets.UTF_8));
            shell.getOutputStream().flush();
            var answer = answers.readLine();
            var took = Duration.ofNanos(System.nanoTime() - started);
            if (answer == null || Json.parse(answer, "the console").size() != inventory.nodes().size())
                throw Problem.failed("the console did not answer for every node, so nothing can be said about it")
                        .found(String.valueOf(answer));
            console.note("bench", "console", took.toMillis() + " ms");
            return took;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        shell.destroy();
        for (var node : inventory.nodes()) LocalCommand.command("sh", "-c", "exec " + ssh(node, "-O", "exit")).run();
        try {
            for (var node : inventory.nodes()) Files.deleteIfExists(sockets.resolve(node.name()));
            Files.delete(sockets);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
