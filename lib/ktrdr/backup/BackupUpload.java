package ktrdr.backup;

import java.io.InputStream;
import java.time.Duration;
import java.util.function.LongConsumer;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.ssh.HeldScript;
import ktrdr.ssh.Ssh;

/**
 * A backup of this machine in a folder of its own in /var/tmp of core, readable only by root, until this is closed. A
 * script there holds the folder and removes it when the connection ends, however this process ended; partial backups
 * are removed too.
 */
public final class BackupUpload implements AutoCloseable {
    private static final Duration PREPARING = Duration.ofMinutes(1);
    private static final Duration FORGET = Duration.ofSeconds(20);
    private final Ssh core;
    private final Console console;
    private final String name;
    private final HeldScript held;

    private BackupUpload(Ssh core, Console console, String name, String script) {
        this.core = core;
        this.console = console;
        this.name = name;
        this.held = new HeldScript(lines -> core.run(script, lines), "folder", result ->
                Problem.failed(core.name() + ": the backup cannot be sent there, and nothing was changed")
                        .expected("room for it in /var/tmp").found(result));
    }

    /**
     * What is sent.
     *
     * @param name of the backup there
     * @param file of its dump, of so many {@code bytes}
     * @param record its text as of that file, and {@code sums} those of both
     */
    record Dump(String name, String file, long bytes, String record, String sums) {
        private String lets() {
            return Sh.let("bytes", String.valueOf(bytes)) + Sh.let("name", name) + Sh.let("file", file)
                    + Sh.let("record", record) + Sh.let("sums", sums);
        }
    }

    /** Makes the folder with the files next to a dump. If core has no space for the dump, it is a {@link Problem}. */
    static BackupUpload prepare(Ssh core, Console console, Dump dump) {
        var pushed = new BackupUpload(core, console, dump.name(), dump.lets() + HOLD);
        try {
            pushed.held.await(PREPARING, core.name() + ": interrupted, nothing was changed",
                    () -> Problem.failed(core.name() + ": no folder for the backup was made within "
                            + Units.duration(PREPARING)));
            return pushed;
        } catch (RuntimeException e) {
            pushed.close();
            throw e;
        }
    }

    private String folder() {
        return held.values().get("folder");
    }

    /** Where it is on core. */
    public RestoreScript.Source source() {
        return new RestoreScript.Source(folder(), name, true);
    }

    /** Sends the dump; if it does not arrive completely, it is a {@link Problem}. */
    void receive(String file, long bytes, InputStream dump, LongConsumer sent) {
        try {
            var result = core.push(Sh.let("directory", folder()) + Sh.let("file", file)
                    + Sh.let("bytes", String.valueOf(bytes)) + RECEIVE, dump, sent);
            if (!result.ok()) throw Problem.failed(core.name()
                    + ": the backup did not arrive whole, and nothing was changed")
                    .expected(bytes + " bytes in " + folder()).found(result);
        } catch (Problem lost) {
            throw lost.exit() == Exit.UNREACHABLE
                    ? lost.with("the database", "is as it was; what was sent of the backup is removed by the node")
                    : lost;
        }
    }

    private static final String HOLD = """
            umask 077
            free=$(df -PB1 /var/tmp | awk 'NR == 2 { print $4 }')
            [ "$free" -gt "$bytes" ] || { echo "/var/tmp has room for $free bytes, the backup has $bytes" >&2; exit 1; }
            directory=
            finish() {
              trap - EXIT
              trap '' HUP INT TERM
              # what is on its way may put a file into a folder that is being emptied
              [ -z "$directory" ] || rm -rf "$directory" || rm -rf "$directory"
            }
            trap finish EXIT
            trap 'exit 143' HUP INT TERM
            trap '' PIPE
            directory=$(mktemp -d /var/tmp/ktrdr-pushed.XXXXXX)
            printf '%s' "$record" >"$directory/$name.json"
            printf '%s' "$sums" >"$directory/$file.sha256"
            printf 'folder\\t%s\\n' "$directory"
            while [ -d "$directory" ]; do sleep 0.2; done
            """;
    static final String RECEIVE = """
            umask 077
            cat >"$directory/$file"
            [ "$(stat -c %s "$directory/$file")" = "$bytes" ]
            """;

    /** Removes it, after an interrupt too; if core does not answer any more, it does so by itself. */
    @Override
    public void close() {
        if (held.ready())
            try {
                Threads.uninterrupted(() -> core.run("rm -rf " + Sh.quote(folder()), FORGET));
            } catch (Problem gone) {
                console.note(core.name(), "push",
                        "the copy in " + folder() + " is removed by the node itself; it did not answer");
            }
        // it ends with its connection, if it has not yet, and does the same by itself
        held.cut();
    }
}
