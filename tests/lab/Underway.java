package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import lab.Toolkit.Ran;

/**
 * A running command of the toolkit, so that a test can act at an observed state instead of after a fixed time.
 *
 * <pre>try (var run = ktrdr("deploy", "workers", "B", "--tag", NEWER).start()) {
 *    run.awaitUp("workers-b");
 *    Faults.cut("workers-b");
 *    assertEquals(5, run.end().exit());
 * }</pre>
 */
public final class Underway implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    /** A replacement container that Compose made, before it gets its final name. */
    static final String PASSING_NAME = "^[0-9a-f]{12}_";
    private final Process process;
    private final Path out;
    private final Path err;

    private Underway(Process process, Path out, Path err) {
        this.process = process;
        this.out = out;
        this.err = err;
    }

    static Underway start(ProcessBuilder builder) {
        try {
            var out = Files.createTempFile("run", ".out");
            var err = Files.createTempFile("run", ".err");
            return new Underway(builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start(), out, err);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Waits until containers are replaced on a host: the old ones are being stopped, or Compose made new ones while old
     * ones still exist.
     */
    public void awaitUp(String host) {
        await(host, "no container is being replaced on " + host,
                "pgrep -f '^docker stop' >/dev/null || docker ps -a --format '{{.Names}}' | grep -qE '" + PASSING_NAME
                        + "'");
    }

    /**
     * Waits until a host runs this many of a release's containers and the script that started them has ended: the wait
     * for health is next.
     */
    public void awaitHealth(String host, int containers, String tag) {
        await(host, "nobody waits for the health of " + tag + " on " + host,
                "[ \"$(docker ps --format '{{.Image}}' | grep -c ':" + tag + "$')\" = " + containers + " ] && ! "
                        + World.AT_WORK);
    }

    /** Waits until PostgreSQL has a verifier of its role's password other than this. */
    public void awaitVerifier(String former) {
        await("core", "the role's password was not changed",
                "[ \"$(docker exec ktrdr-db psql -U ktrdr -d ktrdr -Atqc 'select rolpassword from pg_authid where "
                        + "rolname = current_user')\" != '" + former + "' ]");
    }

    /** Waits until a program of a host pauses before its command, see {@link Faults#waits}. */
    public void awaitAsked(String host) {
        await(host, "nothing waits on " + host, "[ -e /run/reached ]");
    }

    /** Waits until the database is being dumped. */
    public void awaitDump() {
        await("core", "no dump was begun", "docker exec ktrdr-db pgrep -x pg_dump >/dev/null");
    }

    /** Waits until the backend has a running operation. */
    public void awaitOperation() {
        await("core", "no operation was started",
                "curl -fsS 'http://localhost:8000/api/v1/operations?active_only=true' | grep -q op_");
    }

    /** Waits for this output; the exit code is not known yet. */
    public void await(Predicate<Ran> wanted) {
        Spent.on(Spent.What.waiting, () -> awaitOutput(wanted));
    }

    private void awaitOutput(Predicate<Ran> wanted) {
        boolean running;
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        try {
            do {
                running = process.isAlive() && System.nanoTime() < deadline;
                if (wanted.test(new Ran(-1, Files.readString(out), Files.readString(err)))) return;
                Thread.sleep(50);
            } while (running);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
        throw new AssertionError("it did not print what was waited for:\n" + said());
    }

    /** Waits for a shell condition on a host; fails if the run ended, since then it will not become true. */
    private void await(String host, String otherwise, String condition) {
        var script = "for i in $(seq 20); do\n  if " + condition + "; then echo yes; exit 0; fi\n  sleep 0.1\ndone\n";
        boolean running;
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        do {
            running = process.isAlive() && System.nanoTime() < deadline;
            if (Spent.on(Spent.What.waiting, () -> World.on(host, script)).equals("yes")) return;
        } while (running);
        throw new AssertionError(otherwise + "; the run said:\n" + said());
    }

    public boolean running() {
        return process.isAlive();
    }

    /** Waits until it ends. */
    public Ran end() {
        try {
            if (!Spent.on(Spent.What.procedures, this::ended))
                throw new AssertionError("it did not end within " + PATIENCE + ":\n" + said());
            return new Ran(process.exitValue(), Files.readString(out), Files.readString(err));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean ended() {
        try {
            return process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private String said() {
        try {
            return Files.readString(out) + Files.readString(err);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends a signal such as INT to the run: the front door was replaced by the program itself. */
    public void signal(String name) {
        World.signal(process.pid(), name);
    }

    /** Ends it with SIGKILL, without cleanup. */
    public void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join();
    }

    /** Leaves nothing of a run that a test abandoned. */
    @Override
    public void close() {
        kill();
        try {
            Files.deleteIfExists(out);
            Files.deleteIfExists(err);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
