package ktrdr.shell;

import java.lang.reflect.Method;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import jdk.jshell.execution.DirectExecutionControl;
import jdk.jshell.spi.ExecutionControl;
import jdk.jshell.spi.ExecutionControlProvider;
import jdk.jshell.spi.ExecutionEnv;
import jdk.jshell.spi.SPIResolutionException;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.StandardOutput;

/**
 * How snippets of the console run: in this process, each value shown as {@link ValueText} has it, an exception as one
 * line, and Ctrl-C as an interrupt, which ends what runs on nodes too.
 */
public final class SnippetRunner extends DirectExecutionControl {
    /** By the name {@code ktrdr}; found by JShell's own front end through templates/console/execution. */
    public static final class Provider implements ExecutionControlProvider {
        private final Console console;
        private final Function<Object, String> shown;
        private final Consumer<Problem> failed;

        /** For the interactive console, which does not count failures. */
        public Provider() {
            this(new Console(Console.Color.auto, false), ValueText::words, problem -> {});
        }

        Provider(Console console, Function<Object, String> shown, Consumer<Problem> failed) {
            this.console = console;
            this.shown = shown;
            this.failed = failed;
        }

        /** The name that JShell knows it by. */
        @Override
        public String name() {
            return "ktrdr";
        }

        /** One for each run of JShell. */
        @Override
        public ExecutionControl generate(ExecutionEnv environment, Map<String, String> parameters) {
            return new SnippetRunner(console, shown, failed);
        }
    }

    private final Console console;
    private final Function<Object, String> shown;
    private final Consumer<Problem> failed;
    private Thread running;

    private SnippetRunner(Console console, Function<Object, String> shown, Consumer<Problem> failed) {
        this.console = console;
        this.shown = shown;
        this.failed = failed;
    }

    @Override
    protected String invoke(Method snippet) throws Exception {
        begin();
        try {
            // a stopped snippet has no value, and so no line
            return shown.apply(snippet.invoke(null)) + "\n";
        } finally {
            end();
        }
    }

    private synchronized void begin() {
        running = Thread.currentThread();
    }

    private synchronized void end() {
        running = null;
        Thread.interrupted();
    }

    /** Interrupts the snippet that runs, if one does. */
    @Override
    public synchronized void stop() {
        if (running != null) running.interrupt();
    }

    @Override
    protected String throwConvertedInvocationException(Throwable cause) throws RunException, InternalException {
        // a name that is not there yet is JShell's to tell
        if (cause instanceof SPIResolutionException) return super.throwConvertedInvocationException(cause);
        // not reported, since the reader has gone: the run ends
        if (cause instanceof StandardOutput.Unread) throw new StoppedException();
        var problem = cause instanceof Problem known ? known : cause instanceof InterruptedException
                ? Problem.interrupted("interrupted") : Problem.failed(String.valueOf(cause));
        console.note(line(problem));
        failed.accept(problem);
        throw new StoppedException();
    }

    /** A problem in one line. */
    static String line(Problem problem) {
        var parts = new LinkedHashMap<>(problem.details());
        parts.remove("expected");
        var found = Optional.ofNullable(parts.remove("found")).map(text -> ": " + Problem.oneLine(text)).orElse("");
        return "error: " + problem.sentence() + found
                + parts.entrySet().stream()
                        .map(part -> " (" + part.getKey() + ": " + Problem.oneLine(part.getValue()) + ")")
                        .collect(Collectors.joining());
    }
}
