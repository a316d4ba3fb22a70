package ktrdr.shell;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import jdk.jshell.EvalException;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import jdk.jshell.Snippet.SubKind;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis.Completeness;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;
import jdk.jshell.tool.JavaShellToolBuilder;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.StandardOutput;
import ktrdr.inventory.Inventory;

/** JShell with the library imported and a {@link FleetSession} at hand under short names. */
public final class JavaShell {
    private static final Set<SubKind> SHOWN = Set.of(SubKind.TEMP_VAR_EXPRESSION_SUBKIND, SubKind.VAR_VALUE_SUBKIND,
            SubKind.OTHER_EXPRESSION_SUBKIND);
    /**
     * What JShell's own front end says: values as they are, and what does not compile. It begins with this, before the
     * modes that it comes with are there.
     */
    private static final String MODE = """
            /set mode ktrdr -quiet
            /set prompt ktrdr "ktrdr> " "   ...> "
            /set truncation ktrdr 1000000
            /set format ktrdr pre "|  "
            /set format ktrdr post "%n"
            /set format ktrdr errorpre "|  "
            /set format ktrdr errorpost "%n"
            /set format ktrdr display ""
            /set format ktrdr display "{value}" added,modified,replaced-expression,varvalue-ok
            """;
    private final Inventory inventory;
    private final Console console;

    public JavaShell(Inventory inventory, Console console) {
        this.inventory = inventory;
        this.console = console;
    }

    private List<String> beginning() {
        return List.of("import java.util.*;", "import java.util.stream.*;", "import java.time.*;",
                "import java.nio.file.*;", "import ktrdr.*;", "import ktrdr.api.*;", "import ktrdr.backup.*;",
                "import ktrdr.cli.*;", "import ktrdr.deploy.*;", "import ktrdr.fleet.*;", "import ktrdr.health.*;",
                "import ktrdr.inventory.*;", "import ktrdr.logs.*;", "import ktrdr.node.*;", "import ktrdr.release.*;",
                "import ktrdr.report.*;", "import ktrdr.rotation.*;", "import ktrdr.share.*;", "import ktrdr.shell.*;",
                "import ktrdr.ssh.*;", "import ktrdr.status.*;", "import ktrdr.verify.*;",
                "import ktrdr.inventory.Inventory.Node;",
                "var session = FleetSession.open(" + literal(inventory.source().toAbsolutePath()) + ");",
                "var inventory = session.inventory();", "var fleet = session.fleet();",
                "var workers = session.workers();",
                "var core = session.core();", "var backend = session.backend();",
                "var operations = session.operations();", "var prometheus = session.prometheus();",
                "var db = session.db();", "var http = session.http();",
                "FleetNode host(String name) { return session.host(name); }",
                "String help() { return session.help(); }");
    }

    private static String literal(Path file) {
        return "\"" + file.toString().replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    private static String classPath() {
        return System.getProperty("java.class.path");
    }

    /**
     * For an interactive terminal: with a prompt, Tab, history, and Ctrl-C for the running line. It ends with /exit or
     * Ctrl-D.
     */
    public Exit interactive() {
        try {
            var history = new ShellHistory(System.getenv());
            var startup = Files.createTempFile("ktrdr-console", ".jsh");
            try {
                // read by then; nothing is left of it however the console ends
                var gone = "{ Files.deleteIfExists(Path.of(" + literal(startup) + ")); }\n";
                Files.writeString(startup, MODE + String.join("\n", beginning()) + "\n" + gone);
                int code = JavaShellToolBuilder.builder().persistence(history.values()).env(Map.of())
                        .start("--execution", "ktrdr", "--class-path", classPath(), "--startup", startup.toString(),
                                "--feedback", "ktrdr");
                return code == 0 ? Exit.OK : Exit.FAILED;
            } finally {
                history.save();
                Files.deleteIfExists(startup);
            }
        } catch (Exception e) {
            throw Problem.failed("JShell did not start").found(e.toString()).because(e);
        }
    }

    /**
     * Runs Java as it is read, snippet by snippet, and prints the value of each expression. What does not compile or
     * throws is reported in one line, ends the run, and makes the exit code.
     *
     * @param name of the source in sentences, such as check.jsh
     * @param json whether each value is a line of JSON, else formatted for reading
     */
    public Exit run(String name, BufferedReader source, boolean json) {
        var failed = new AtomicReference<Problem>();
        var provider = new SnippetRunner.Provider(console, json ? ValueText::json : ValueText::words, failed::set);
        StandardOutput.OF_PROCESS.endWithReader(true);
        try (var shell = JShell.builder().executionEngine(provider, Map.of())
                .compilerOptions("--class-path", classPath()).build()) {
            beginning().forEach(shell::eval);
            runLines(shell, name, source, failed);
            return Exit.OK;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Stopped stopped) {
            return stopped.exit;
        } catch (StandardOutput.Unread unread) {
            return Exit.OK;
        } finally {
            StandardOutput.OF_PROCESS.endWithReader(false);
        }
    }

    private void runLines(JShell shell, String name, BufferedReader source, AtomicReference<Problem> failed)
            throws IOException {
        int at = 0;
        int since = 1;
        var pending = "";
        for (String line; (line = source.readLine()) != null; ) {
            at++;
            if (pending.isBlank()) {
                since = at;
                if (line.strip().equals("/exit")) return;
                refuseCommand(name + " line " + at, line.strip());
            }
            pending += line + "\n";
            pending = complete(shell, pending, name + " line " + since, failed);
        }
        if (!pending.isBlank()) throw Problem.failed(name + " line " + since + ": what begins there has no end")
                .found(pending.strip().lines().findFirst().orElse(""));
    }

    private static void refuseCommand(String place, String line) {
        if (line.startsWith("/") && !line.startsWith("//") && !line.startsWith("/*"))
            throw Problem.usage(place + ": JShell's own commands are for a terminal").expected("Java, or /exit")
                    .found(line);
    }

    /** A snippet failed, and its problem was reported. */
    private static final class Stopped extends RuntimeException {
        private final Exit exit;

        Stopped(Exit exit) {
            this.exit = exit;
        }
    }

    /** Runs what is complete of a text, and answers the rest. */
    private String complete(JShell shell, String text, String place, AtomicReference<Problem> failed) {
        var rest = text;
        while (!rest.isBlank()) {
            CompletionInfo info = shell.sourceCodeAnalysis().analyzeCompletion(rest);
            if (!info.completeness().isComplete()) return info.completeness() == Completeness.EMPTY ? "" : rest;
            for (var event : shell.eval(info.source())) told(shell, event, place);
            if (StandardOutput.OF_PROCESS.failure().isPresent()) throw new Stopped(Exit.OK);
            if (failed.get() != null) throw new Stopped(failed.get().exit());
            rest = info.remaining();
        }
        return "";
    }

    private void told(JShell shell, SnippetEvent event, String place) {
        var snippet = event.snippet();
        if (event.status() == Snippet.Status.REJECTED) {
            var why = shell.diagnostics(snippet).findFirst()
                    .map(diag -> diag.getMessage(Locale.ROOT).lines().map(String::strip)
                            .collect(Collectors.joining("; "))).orElse("invalid Java");
            throw Problem.failed(place + ": " + why).found(snippet.source().strip().lines().findFirst().orElse(""));
        }
        if (event.exception() instanceof EvalException thrown)
            throw Problem.failed(place + ": " + thrown.getExceptionClassName() + ": " + thrown.getMessage());
        if (event.exception() != null)
            throw Problem.failed(place + ": " + event.exception().getMessage()).found(snippet.source().strip());
        if (event.causeSnippet() == null && event.value() != null && SHOWN.contains(snippet.subKind()))
            console.print(event.value().stripTrailing());
    }
}
