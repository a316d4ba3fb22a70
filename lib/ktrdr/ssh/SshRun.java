package ktrdr.ssh;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import ktrdr.CommandResult;
import ktrdr.Problem;
import ktrdr.Threads;
import net.schmizz.sshj.SSHClient;
import net.schmizz.sshj.connection.ConnectionException;
import net.schmizz.sshj.connection.channel.OpenFailException;
import net.schmizz.sshj.connection.channel.direct.Session;
import net.schmizz.sshj.transport.TransportException;

/** One script on one session of a connection: sent, both its outputs drained at once, waited for. */
final class SshRun {
    static final int MAX_CAPTURED = 16 << 20;
    private static final int MAX_LINE = 64 << 10;
    private static final int TAIL = 64 << 10;
    private static final int CHUNK = 256 << 10;
    private static final int FAREWELL_SECONDS = 10;
    /** Startup files may ask slow services; a prompt for the user would wait for ever. */
    private static final Duration TO_BEGIN = Duration.ofSeconds(60);
    private static final Map<String, Integer> SIGNALS = Map.of("HUP", 1, "INT", 2, "QUIT", 3, "ILL", 4, "ABRT", 6,
            "FPE", 8,
            "KILL", 9, "SEGV", 11, "PIPE", 13, "TERM", 15);

    /** What becomes of a stream: it is read to its end, and what is to be kept of it is the answer. */
    interface Drain {
        String drain(InputStream stream) throws IOException;
    }

    private final String node;
    private final String login;
    private final SSHClient client;
    private final SshWire wire;
    private final ExecutorService threads;
    private volatile boolean begun;

    SshRun(String node, SshConnect.Link link, ExecutorService threads) {
        this.node = node;
        this.login = link.login();
        this.client = link.client();
        this.wire = link.wire();
        this.threads = threads;
    }

    /**
     * Runs a command of {@link SshOpening} with this text on its standard input, which stays open until the command
     * ends or we give up.
     */
    CommandResult run(String command, String input, Drain out, Drain err, Duration timeout) {
        return run(command, stdin -> {
            stdin.write(input.getBytes(StandardCharsets.UTF_8));
            stdin.flush();
        }, out, err, timeout);
    }

    /** The same, with whatever is fed to it. */
    CommandResult run(String command, Ssh.Source input, Drain out, Drain err, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        Session session = null;
        boolean started = false;
        boolean ended = false;
        try {
            session = open();
            begun = true;
            var running = session.exec(command);
            started = true;
            var opening = new SshOpening();
            var stdout = opening.out(running.getInputStream());
            var stderr = opening.err(running.getErrorStream());
            var outText = threads.submit(() -> out.drain(stdout));
            var errText = threads.submit(() -> err.drain(stderr));
            awaitBeginning(running, List.of(outText, errText), opening, timeout);
            send(running, input);
            var result = await(running, outText, errText, deadline);
            ended = true;
            return result;
        } catch (TimeoutException e) {
            throw tooLong(timeout);
        } catch (InterruptedException e) {
            throw interrupted(e);
        } catch (IOException e) {
            throw failure(e, started);
        } finally {
            if (session != null && !ended) abandon(session);
        }
    }

    /** Returns once the login shell has begun the script; a shell that does not is a {@link Problem}. */
    private void awaitBeginning(Session.Command running, List<Future<String>> output, SshOpening opening,
            Duration timeout) throws IOException, InterruptedException, TimeoutException {
        var toBegin = timeout.compareTo(TO_BEGIN) < 0 ? timeout : TO_BEGIN;
        if (!opening.decided(toBegin.toNanos()))
            throw notBegun("did not begin the script within " + toBegin.toMillis() / 1000.0 + " s", opening);
        if (!opening.begun()) throw ended(running, output, opening);
    }

    /** Whether a command may have been started: what failed before did nothing on the node. */
    boolean begun() {
        return begun;
    }

    /** For a connection that has already ended sshj throws an IllegalStateException. */
    private Session open() throws IOException {
        try {
            return client.startSession();
        } catch (IllegalStateException e) {
            throw new TransportException("it was closed before", e);
        }
    }

    private static void send(Session.Command running, Ssh.Source input) throws IOException {
        try {
            input.write(running.getOutputStream());
        } catch (ConnectionException e) {
            // it ended without reading all of it, as sudo does that refuses: what it answered says why
            if (running.isOpen()) throw e;
        }
    }

    private CommandResult await(Session.Command running, Future<String> out, Future<String> err, long deadline)
            throws IOException, InterruptedException, TimeoutException {
        var outText = get(out, deadline);
        var errText = get(err, deadline);
        running.join(FAREWELL_SECONDS, TimeUnit.SECONDS);
        if (running.getExitStatus() != null) return new CommandResult(running.getExitStatus(), outText, errText);
        if (running.getExitSignal() != null)
            return new CommandResult(128 + SIGNALS.getOrDefault(running.getExitSignal().toString(), 0), outText,
                    errText);
        throw new ConnectionException("the session ended without an exit code");
    }

    /** A lost connection ends its output too, which {@code out} reports. */
    private Problem ended(Session.Command running, List<Future<String>> output, SshOpening opening)
            throws IOException, InterruptedException, TimeoutException {
        get(output.get(0), System.nanoTime() + TimeUnit.SECONDS.toNanos(FAREWELL_SECONDS));
        running.getOutputStream().close();
        try {
            running.join(FAREWELL_SECONDS, TimeUnit.SECONDS);
        } catch (ConnectionException e) {
            if (!client.isConnected()) throw e;
        }
        if (!client.isConnected()) throw new ConnectionException("the session ended without an exit code");
        // what it said as an error is read by another thread, which may not have had its turn yet
        if (!running.isOpen()) get(output.get(1), System.nanoTime() + TimeUnit.SECONDS.toNanos(FAREWELL_SECONDS));
        return notBegun(running.getExitStatus() == null ? "closed its output before the script began"
                : "ended with exit code " + running.getExitStatus() + " before the script began", opening);
    }

    private Problem notBegun(String what, SshOpening opening) {
        var said = opening.before();
        var problem = Problem.unreachable(node + ": the login shell of " + login + " " + what)
                .expected("a shell that runs the command it is given")
                .found(said.isEmpty() ? "it said nothing" : said);
        if (said.contains("account is currently not available")) return problem.fix(
                "its shell is nologin: set another one with `chsh -s /bin/sh " + login.replaceFirst("@.*", "")
                        + "` on the host, or log in as another user");
        return problem.fix("`ssh " + login.replace(" port ", " -p ") +
                " true` has to end with 0: look for exit, exec or a question in the startup files of the user's shell "
                + "(~/.bashrc, ~/.zshenv, config.fish, ~/.cshrc), "
                + "for command= in ~/.ssh/authorized_keys, and for ForceCommand in sshd_config, all on the host");
    }

    private static String get(Future<String> text, long deadline)
            throws IOException, InterruptedException, TimeoutException {
        try {
            return text.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException cause) throw cause;
            throw Threads.failure(e);
        }
    }

    /** Closing ends the standard input of the script, which ends the script; the other side may be past answering. */
    private void abandon(Session session) {
        threads.execute(() -> Ssh.close(List.of(session)));
    }

    private Problem tooLong(Duration timeout) {
        return Problem.failed(node + ": a script did not end within " + timeout.toMillis() / 1000.0
                + " s and was stopped");
    }

    private Problem failure(IOException e, boolean started) {
        if (e.getCause() instanceof InterruptedException) return interrupted(e);
        return e instanceof OpenFailException || (!started && "Request failed".equals(e.getMessage())) ? noSession(e)
                : lost(e);
    }

    private Problem interrupted(Exception e) {
        return Threads.interrupted(node + ": interrupted, the running script was stopped", e);
    }

    private Problem noSession(IOException e) {
        return Problem.failed(node + ": the server opened no session for a script").found(e.getMessage()).because(e)
                .fix("OpenSSH allows ten at once on one connection, see MaxSessions in sshd_config(5)");
    }

    private Problem lost(IOException e) {
        var why = wire.expired() ? "no answer any more" : e.getMessage();
        return Problem.unreachable(node + ": the connection was lost while a script ran").found(why).because(e)
                .expected("the script's exit code")
                .fix("the node stops the script once it notices: look at its state, then run it again");
    }

    /** Keeps all of it, up to 16 MiB; what is longer is a {@link Problem}. */
    Drain captured() {
        return captured(soFar -> { });
    }

    /** The same, telling what there is of it so far whenever more has come. */
    Drain captured(Consumer<Supplier<String>> arrived) {
        return stream -> {
            var bytes = new ByteArrayOutputStream();
            var buffer = new byte[32 << 10];
            for (int count; (count = stream.read(buffer)) >= 0; ) {
                if (bytes.size() + count > MAX_CAPTURED) throw Problem.failed(node
                        + ": a script printed more than 16 MiB and was stopped")
                        .expected("an answer that fits in memory")
                        .fix("read it line by line, or send it to a file on the node");
                bytes.write(buffer, 0, count);
                arrived.accept(() -> bytes.toString(StandardCharsets.UTF_8));
            }
            return bytes.toString(StandardCharsets.UTF_8);
        };
    }

    /** Keeps the last 64 KiB. */
    static Drain tail() {
        return stream -> {
            var text = new StringBuilder();
            var reader = new InputStreamReader(stream, StandardCharsets.UTF_8);
            var buffer = new char[8 << 10];
            for (int count; (count = reader.read(buffer)) >= 0; ) {
                text.append(buffer, 0, count);
                if (text.length() > 2 * TAIL) text.delete(0, text.length() - TAIL);
            }
            return text.toString();
        };
    }

    /** Hands on each line as it comes and keeps nothing; a line of more than 64 KiB comes in pieces. */
    static Drain lines(Consumer<String> eachLine) {
        return stream -> {
            var line = new StringBuilder();
            var reader = new InputStreamReader(stream, StandardCharsets.UTF_8);
            var buffer = new char[8 << 10];
            for (int count; (count = reader.read(buffer)) >= 0; )
                for (int i = 0; i < count; i++) {
                    if (buffer[i] != '\n') line.append(buffer[i]);
                    if (buffer[i] == '\n' || line.length() >= MAX_LINE) {
                        eachLine.accept(line.toString());
                        line.setLength(0);
                    }
                }
            if (line.length() > 0) eachLine.accept(line.toString());
            return "";
        };
    }

    /** Lets a source write, and ends the input. */
    static Ssh.Source from(Ssh.Source source) {
        return stdin -> {
            source.write(stdin);
            stdin.close();
        };
    }

    /** Copies the bytes of a stream as they are, and reports how many were sent so far. */
    static void copy(InputStream source, OutputStream stdin, LongConsumer sent) throws IOException {
        var buffer = new byte[CHUNK];
        long bytes = 0;
        for (int count; (count = source.read(buffer)) >= 0; ) {
            stdin.write(buffer, 0, count);
            sent.accept(bytes += count);
        }
    }

    /** Copies the bytes as they are and keeps nothing. */
    static Drain into(OutputStream target) {
        return stream -> {
            var buffer = new byte[32 << 10];
            for (int count; (count = stream.read(buffer)) >= 0; ) target.write(buffer, 0, count);
            target.flush();
            return "";
        };
    }
}
