package ktrdr;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Commands on the machine the script runs on.
 *
 * <pre>var head = LocalCommand.command("git", "rev-parse", "HEAD").directory(checkout).must().out();</pre>
 *
 * Arguments go to the program as they are, no shell between; what is secret goes to standard input or the environment.
 */
public final class LocalCommand {
    /** Of the toolkit as it is here. */
    public static final String VERSION = "0.1.0";

    /**
     * A thread for each stream: a pool that is busy with waiting callers would leave it unread, and the child stuck.
     */
    private static final Executor READERS = Threads.each("local");

    private LocalCommand() {}

    /**
     * Who runs this and on which machine: karl@laptop. Java would ask a DNS server for that name, which may know
     * nothing of it, or be away.
     */
    public static String whoAndWhere() {
        return System.getProperty("user.name") + "@" + command("uname", "-n").must().out().strip();
    }

    /** A program and its arguments, each as it is; it is started by run or must. */
    public static Command command(String... argv) {
        return command(List.of(argv));
    }

    /** The same of a list. */
    public static Command command(List<String> argv) {
        return new Command(argv);
    }

    /** A command that is described first, then run. */
    public static final class Command {
        private final List<String> argv;
        private final Map<String, String> environment = new LinkedHashMap<>();
        private Path directory;
        private String input = "";
        private Duration timeout = Duration.ofMinutes(30);
        private Consumer<String> eachLine = line -> {};

        private Command(List<String> argv) {
            this.argv = argv;
        }

        /** What the command reads on its standard input; nothing without it. */
        public Command input(String text) {
            this.input = text;
            return this;
        }

        /** Another variable of the command's environment, which inherits this process's. */
        public Command env(String name, String value) {
            environment.put(name, value);
            return this;
        }

        /** The folder that the command runs in (default: the current one). */
        public Command directory(Path path) {
            this.directory = path;
            return this;
        }

        /** After this long the command and its children are killed and the run is a {@link Problem}. */
        public Command timeout(Duration limit) {
            this.timeout = limit;
            return this;
        }

        /** Sees each line of standard output and standard error while the command runs. */
        public Command lines(Consumer<String> consumer) {
            this.eachLine = consumer;
            return this;
        }

        /** Runs the command; any exit code is an answer. A program that is not there is a {@link Problem}. */
        public CommandResult run() {
            return run(process -> read(process.getInputStream()));
        }

        /**
         * Runs the command and copies its standard output byte for byte; the result has none. A target that cannot be
         * written to ends the command.
         */
        public CommandResult pipe(OutputStream target) {
            return run(process -> copy(process, target));
        }

        private CommandResult run(Function<Process, String> output) {
            try {
                return finish(start(), output);
            } catch (IOException e) {
                throw Problem.failed(argv.get(0) + " could not be started on this machine")
                        .found(e.getMessage()).fix("install " + argv.get(0) + ", or put it on the PATH").because(e);
            }
        }

        /** Runs the command and throws a {@link Problem} with its last words unless it ended with 0. */
        public CommandResult must() {
            var result = run();
            if (result.ok()) return result;
            throw Problem.failed("`" + argv.get(0) + (argv.size() > 1 ? " " + argv.get(1) : "")
                    + "` failed on this machine")
                    .expected("exit code 0").found("exit code " + result.exit() + ": " + lastWords(result));
        }

        private Process start() throws IOException {
            var builder = new ProcessBuilder(argv);
            if (directory != null) builder.directory(directory.toFile());
            builder.environment().putAll(environment);
            return builder.start();
        }

        private CommandResult finish(Process process, Function<Process, String> output) throws IOException {
            var out = CompletableFuture.supplyAsync(() -> output.apply(process), READERS);
            var err = CompletableFuture.supplyAsync(() -> read(process.getErrorStream()), READERS);
            try (var stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                // it ended without reading its input; the exit code tells
            }
            try {
                if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                    kill(process);
                    throw Problem.failed(argv.get(0) + " did not end within " + timeout.toSeconds()
                            + " s on this machine");
                }
                return new CommandResult(process.exitValue(), out.join(), err.join());
            } catch (CompletionException e) {
                throw e.getCause() instanceof Problem problem ? problem : e;
            } catch (InterruptedException e) {
                kill(process);
                throw Threads.interrupted(argv.get(0) + " was interrupted", e);
            }
        }

        private static String copy(Process process, OutputStream target) {
            try (var stream = process.getInputStream()) {
                stream.transferTo(target);
                return "";
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (Problem unwritten) {
                // it would wait for ever for someone who reads what is left
                kill(process);
                throw unwritten;
            }
        }

        private String read(InputStream stream) {
            var text = new StringBuilder();
            try (var reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                for (String line; (line = reader.readLine()) != null; ) {
                    text.append(line).append('\n');
                    eachLine.accept(line);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return text.toString();
        }

        private static void kill(Process process) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }

        private static String lastWords(CommandResult result) {
            var lines = (result.err().isBlank() ? result.out() : result.err()).strip().split("\n");
            return String.join("; ", List.of(lines).subList(Math.max(0, lines.length - 3), lines.length));
        }
    }
}
