package ktrdr.ssh;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import ktrdr.CommandResult;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.Sha256;
import ktrdr.Threads;
import ktrdr.inventory.Inventory.Sudo;

/**
 * A connection to a host, on which shell scripts run.
 *
 * <pre>try (var ssh = Ssh.to("root@backend")) {
 *    System.out.print(ssh.must("df -h /"));
 *}</pre>
 *
 * A script goes to {@code sh -s} on standard input and is run whole or not at all: what was cut on its way does
 * nothing. It ends with us: when the connection is lost, the time is up or the calling thread is interrupted, its
 * process group gets TERM, and KILL after ten seconds. Nothing of a script is ever in argv or in an exception. Scripts
 * may run side by side.
 */
public final class Ssh implements AutoCloseable {
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration FOREVER = Duration.ofDays(365);
    private static final int LAST_LINES = 100;
    /** Of all connections: of hundreds that are open, few are used at once. */
    private static final ExecutorService THREADS = Executors.newCachedThreadPool(Threads.daemons("ssh"));

    /** As dash, bash, busybox, zsh and fish say it. */
    private static final Pattern NO_SUDO =
            Pattern.compile("(?i)sudo: (command )?not found|command not found: sudo|unknown command.*sudo");
    private final SshTarget target;
    private final SshRoute.Surroundings here;
    private volatile SshConnect.Link link;
    private volatile boolean lasting;
    private boolean closed;

    private Ssh(SshTarget target, SshRoute.Surroundings here, SshConnect.Link link) {
        this.target = target;
        this.here = here;
        this.link = link;
    }

    /** Connects to {@code user@host:port} with the settings of ~/.ssh/config. */
    public static Ssh to(String host) {
        return connect(SshTarget.of(host));
    }

    /**
     * Connects, checks the host key and logs in. A host that cannot be reached, is not known, has another key or
     * refuses us is a {@link Problem} with exit code 3; a wrong identity or ssh config one with 2.
     */
    public static Ssh connect(SshTarget target) {
        return connect(target, SshRoute.Surroundings.here());
    }

    /** The same from other surroundings than this process's: home folder, variables. */
    public static Ssh connect(SshTarget target, SshRoute.Surroundings here) {
        return new Ssh(target, here, SshConnect.connect(target, here));
    }

    /** How sentences call the host. */
    public String name() {
        return target.name();
    }

    /** Whether the connection is still there, as far as is known without asking. */
    public boolean open() {
        return link.client().isConnected();
    }

    /**
     * Runs a script under {@code set -eu}, for at most an hour; any exit code is an answer. More than 16 MiB of output
     * is a {@link Problem}.
     */
    public CommandResult run(String script) {
        return run(script, LONG);
    }

    /** The same with a time limit; after it the script is stopped and the run is a {@link Problem}. */
    public CommandResult run(String script, Duration timeout) {
        return over(run -> run.run(command(), Sh.tethered(script), run.captured(), run.captured(), timeout));
    }

    /**
     * Runs a script for as long as it takes and hands on each line of standard output while it runs, from another
     * thread. The result has no standard output, and the last 64 KiB of standard error.
     */
    public CommandResult run(String script, Consumer<String> eachLine) {
        return run(script, eachLine, FOREVER);
    }

    /** The same with a time limit; after it the script is stopped and the run is a {@link Problem}. */
    public CommandResult run(String script, Consumer<String> eachLine, Duration timeout) {
        return over(run -> run.run(command(), Sh.tethered(script), SshRun.lines(eachLine), SshRun.tail(), timeout));
    }

    /**
     * Runs a script and answers its standard output; an exit code other than 0 is a {@link Problem} with its last
     * words.
     */
    public String must(String script) {
        return must(script, LONG);
    }

    /** The same with a time limit; after it the script is stopped and the run is a {@link Problem}. */
    public String must(String script, Duration timeout) {
        return must(run(script, timeout));
    }

    /** The standard output of a script that ended with 0; any other end is a {@link Problem}. */
    public String must(CommandResult result) {
        if (result.ok()) return result.out();
        throw Problem.failed(name() + ": a script ended with exit code " + result.exit()).expected("exit code 0")
                .found(result);
    }

    /**
     * Runs a script and tells, from another thread, what it has printed so far whenever there is more; any exit code is
     * an answer, which has all of it.
     */
    public CommandResult runTelling(String script, Consumer<Supplier<String>> arrived, Duration timeout) {
        return over(run -> run.run(command(), Sh.tethered(script), run.captured(arrived), run.captured(), timeout));
    }

    /**
     * Runs a script for as long as it takes and copies its standard output byte for byte; the result is as with lines.
     */
    public CommandResult pipe(String script, OutputStream out) {
        return over(run -> run.run(command(), Sh.tethered(script), SshRun.into(out), SshRun.tail(), FOREVER));
    }

    /** The same, handing on each line of standard error while it runs; its last hundred lines are in the result. */
    public CommandResult pipe(String script, OutputStream out, Consumer<String> eachErrorLine) {
        var last = new ArrayDeque<String>();
        return over(run -> {
            var result = run.run(command(), Sh.tethered(script), SshRun.into(out), SshRun.lines(line -> {
                last.add(line);
                if (last.size() > LAST_LINES) last.remove();
                eachErrorLine.accept(line);
            }), FOREVER);
            return new CommandResult(result.exit(), "", String.join("\n", last));
        });
    }

    /**
     * Runs a short script with the bytes of a stream as its standard input, however many, and reports how many were
     * sent so far. It travels as an argument, so it holds no secret; and it ends when its input does, also where that
     * is cut: a script has to know by itself how many bytes make the whole.
     */
    public CommandResult push(String script, InputStream source, LongConsumer sent) {
        return push(script, stdin -> SshRun.copy(source, stdin, sent));
    }

    /** What writes the standard input of a script. */
    public interface Source {
        /** Writes all of it and does not close the stream. */
        void write(OutputStream stdin) throws IOException;
    }

    /**
     * The same with what a source writes. A {@link Problem} of the source cuts the input, so that the script does not
     * take what it has for the whole.
     */
    public CommandResult push(String script, Source source) {
        var command = SshOpening.command(target.sudo() == Sudo.NEVER ? "" : "sudo -n ", Sh.alone(script));
        return over(run -> run.run(command, SshRun.from(source), SshRun.tail(), SshRun.tail(), FOREVER));
    }

    /**
     * Copies a file of this machine to a path of the host, with a mode such as 644, and returns its SHA-256 as the host
     * read it. It is written next to its target and renamed once the checksum is verified: a cut connection or a full
     * disk leaves the previous file. A link or a folder in its place is a {@link Problem}, as is a path that is not
     * absolute.
     */
    public String put(Path file, String path, String mode) {
        if (!path.startsWith("/") || path.endsWith("/")) throw Problem.usage("`" + path + "` is not a valid path for "
                + "a file")
                .expected("an absolute path with the file's name");
        if (!mode.matches("[0-7]{3,4}")) throw Problem.usage("`" + mode + "` is not a valid file mode")
                .expected("three or four octal digits, such as 644").found(mode);
        try {
            var bytes = Files.readAllBytes(file);
            var sum = Sha256.hex(bytes);
            var result = push(Sh.let("path", path) + Sh.let("mode", mode) + Sh.let("sum", sum) + PUT,
                    new ByteArrayInputStream(bytes), sent -> { });
            if (result.ok()) return sum;
            throw Problem.failed(name() + ": " + path + " was not replaced").expected("a file with the checksum " + sum)
                    .found(result);
        } catch (IOException e) {
            throw Problem.usage("this file cannot be read: " + file).expected("a file of this machine")
                    .found(e.getClass().getSimpleName()).because(e);
        }
    }

    private static final String PUT = ScriptExit.numbers("""
            # what is sent is read whole: who stops reading may end before its words are heard
            [ ! -L "$path" ] && [ ! -d "$path" ] || { cat >/dev/null; echo "a link or a folder is in its place" >&2; \
            exit $IN_THE_WAY; }
            new=
            """) + Sh.atEnd("rm -f \"$new\"") + ScriptExit.numbers("""
            new=$(mktemp "$path.XXXXXX")
            cat >"$new"
            found=$(sha256sum <"$new")
            [ "${found%% *}" = "$sum" ] || { echo "what arrived has the checksum ${found%% *}" >&2; exit $NOT_WRITTEN; }
            chmod "$mode" "$new"
            sync "$new"
            mv -fT "$new" "$path"
            """);

    /**
     * From now on a connection that turns out to have dropped before a command was started is opened again, once,
     * without a message: for callers that keep it open over a long time and have nothing on the node that ends with it,
     * such as a lock.
     */
    public void lasting() {
        lasting = true;
    }

    private CommandResult over(Function<SshRun, CommandResult> work) {
        var used = link;
        var run = new SshRun(name(), used, THREADS);
        try {
            return checked(work.apply(run));
        } catch (Problem problem) {
            if (!lasting || run.begun() || problem.exit() != Exit.UNREACHABLE) throw problem;
            var anew = anew(used);
            return checked(work.apply(new SshRun(name(), anew, THREADS)));
        }
    }

    /** Of several who found the same connection dropped, one opens the next. */
    private synchronized SshConnect.Link anew(SshConnect.Link dropped) {
        if (link != dropped || closed) return link;
        close(dropped.closing());
        link = SshConnect.connect(target, here);
        return link;
    }

    private String command() {
        return SshOpening.command(switch (target.sudo()) {
            case NEVER -> "exec sh -s";
            case ALWAYS -> "exec sudo -n sh -s";
            case WHERE_NEEDED -> "if [ -w /var/run/docker.sock ]; then exec sh -s; else exec sudo -n sh -s; fi";
        });
    }

    /** It is sudo that speaks, and alone; that it can't resolve its own host it remarks on the way. */
    private CommandResult checked(CommandResult result) {
        var said = result.err().lines().filter(line -> !line.startsWith("sudo: unable to resolve host")).toList();
        if (target.sudo() != Sudo.NEVER && result.exit() == 1 && result.out().isEmpty() && !said.isEmpty()
                && said.stream().allMatch(line -> line.startsWith("sudo:")))
            throw sudoRefused(said.get(said.size() - 1));
        if (target.sudo() != Sudo.NEVER && result.exit() == 127 && result.out().isEmpty()
                && NO_SUDO.matcher(result.err()).find())
            throw Problem.failed(name() + ": there is no sudo on the host")
                    .expected("sudo, as the inventory has `sudo: true`").found(result.lastWords())
                    .fix("apt-get install sudo on the host and a line in /etc/sudoers.d with NOPASSWD for the user, "
                            + "or log in as root");
        return result;
    }

    private Problem sudoRefused(String said) {
        var problem = Problem.failed(name() + ": sudo refused")
                .expected("sudo without a password and without a terminal").found(said);
        if (said.contains("must have a tty")) return problem.fix("a line `Defaults:" + link.login().replaceFirst("@.*",
                "") + " !requiretty` in /etc/sudoers.d on the host, or log in as root");
        return problem.fix("a line in /etc/sudoers.d with NOPASSWD for the user, or log in as root");
    }

    /** The problem of a task that needs root, if the login is not root. */
    public static Problem notRoot(String node, String user, String task) {
        return Problem.failed(node + ": only root can " + task)
                .expected("root, or sudo without a password (ssh.sudo in the inventory)").found(user)
                .fix("`ssh: {user: root}` or `ssh: {sudo: true}` for the node in the inventory");
    }

    @Override
    public synchronized void close() {
        closed = true;
        close(link.closing());
    }

    static void close(List<? extends AutoCloseable> all) {
        for (var closeable : all)
            try {
                closeable.close();
            } catch (Exception e) {
                // it is being left; what matters was said before
            }
    }
}
