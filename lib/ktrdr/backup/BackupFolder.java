package ktrdr.backup;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Units;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.node.Mount;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.release.TextfileMetrics;
import ktrdr.ssh.Ssh;

/**
 * The backups of the database in their folder on core: made, listed and removed by templates/backup/backup.sh, which
 * runs there.
 */
public final class BackupFolder {
    /** How long a backup waits for a lock that another session has. */
    static final Duration LOCK_WAIT = Duration.ofMinutes(2);
    private final Inventory inventory;
    private final Ssh core;
    private final Console console;

    public BackupFolder(Inventory inventory, Ssh core, Console console) {
        this.inventory = inventory;
        this.core = core;
        this.console = console;
    }

    /**
     * How many backups stay after a new one; the newest always does.
     *
     * @param keep of the newest; 0 for all
     * @param days and none older than so many days; 0 for any age
     */
    public record Retention(int keep, int days) {
        /** Nothing is removed. */
        public static final Retention NONE = new Retention(0, 0);

        /** What the inventory says. */
        public static Retention of(Inventory inventory) {
            return new Retention(inventory.backup().keep(), inventory.backup().days());
        }
    }

    /**
     * A complete backup.
     *
     * @param verified when a test restore last found it equal
     */
    public record Backup(BackupRecord record, Optional<Instant> verified) {}

    /**
     * The requested backup: one in the folder, or a file of this machine.
     *
     * @param local that file
     */
    public record ChosenBackup(BackupFolder backups, BackupRecord record, Optional<BackupFile> local) {
        /**
         * The backup with this name in the folder, the newest there for "latest", or the file with this path; an
         * incomplete one is a {@link Problem}.
         */
        public static ChosenBackup of(BackupFolder backups, String name) {
            if (BackupFile.meant(name)) {
                var local = BackupFile.read(name);
                return new ChosenBackup(backups, local.record(), Optional.of(local));
            }
            return new ChosenBackup(backups, RestoreScript.choose(backups.list(), name, directory(backups.inventory)),
                    Optional.empty());
        }

        /**
         * Restores it from its place on core; a file of this machine is sent there first, and removed from there
         * afterwards.
         */
        public <T> T restored(Function<RestoreScript.Source, T> restore) {
            if (local.isEmpty())
                return restore.apply(new RestoreScript.Source(directory(backups.inventory), record.name(), false));
            try (var pushed = local.get().push(backups.core, backups.console)) {
                return restore.apply(pushed.source());
            }
        }
    }

    /** A new backup, and the names of older ones that retention removed. */
    public record Made(BackupRecord record, List<String> removed) {}

    /** A stack of core without a database is a {@link Problem}: it has nothing to back up, or to restore. */
    public static void proveDatabase(Inventory inventory) {
        Stack.of(inventory, inventory.core()).needed(Part.DATABASE);
    }

    /** The folder of the backups on core, also if the share of core comes from another node. */
    public static String directory(Inventory inventory) {
        return Mount.folder(inventory, inventory.core(), inventory.backup().directory());
    }

    /**
     * The script that makes a backup in this folder, or to standard output if it is empty; it needs nothing of the
     * toolkit on the node.
     */
    public static String script(Inventory inventory, String directory, Retention retention, String by) {
        var templates = new Templates(inventory);
        var core = Stack.of(inventory, inventory.core());
        return core.database() + Sh.let("released", released(core))
                + Sh.let("database", inventory.database().name()) + Sh.let("directory", directory)
                + Sh.let("metrics", directory.isEmpty() || !inventory.metrics().nodes() ? ""
                        : TextfileMetrics.folder(inventory.core())) + "keep=" + retention.keep() + "\ndays="
                + retention.days() + "\nlock_wait=" + LOCK_WAIT.toSeconds() + "\n" + by(by) + common(templates)
                + templates.read("backup/backup.sh");
    }

    /** The container by whose image the release is known; empty if there is none. */
    private static String released(Stack core) {
        return core.service(Part.BACKEND).or(() -> core.services().stream().filter(core::released).findFirst())
                .map(core::container).orElse("");
    }

    static String by(String who) {
        return Sh.let("by", who.replaceAll("[^A-Za-z0-9@._ -]", ""));
    }

    /** What the scripts of backups and restores share. */
    static String common(Templates templates) {
        return measure(templates) + templates.read("backup/common.sh");
    }

    /** A shell function that prints the queries about what a database holds. */
    public static String measure(Templates templates) {
        return "measure_sql() { printf '%s\\n' " + Sh.quote(templates.read("backup/measure.sql")) + "; }\n";
    }

    /** Makes a backup on core; it gets its name when it is complete. A failure is a {@link Problem}. */
    public Made make(Retention retention, String by) {
        try (var step = console.step(core.name(), "backup")) {
            var progress = new BackupProgress(Stack.of(inventory, inventory.core()), console, step);
            var result = core.run(script(inventory, directory(inventory), retention, by), progress);
            progress.metrics().forEach(why -> console.note(core.name(), "metrics", why));
            var record = progress.record(result);
            step.done(words(record));
            return new Made(record, progress.removed());
        }
    }

    /**
     * Makes a backup in a file of this machine and leaves nothing on core; existing files stay until it is complete.
     */
    public BackupRecord stream(BackupDownload file, String by) {
        try (var step = console.step(core.name(), "backup"); file) {
            var progress = new BackupProgress(Stack.of(inventory, inventory.core()), console, step);
            var result = core.pipe(script(inventory, "", Retention.NONE, by), file.stream(progress::written), progress);
            progress.record(result);
            step.now("reading it again from the disk");
            var record = file.place(progress.text());
            step.done(words(record));
            return record;
        }
    }

    private static String words(BackupRecord record) {
        return record.file() + ", " + Units.size(record.bytes()) + ", " + record.rows() + " rows";
    }

    /**
     * Makes a backup before a deployment, as the inventory says; if there is no data yet, it says so and makes none;
     * without a database it makes none. A failure is a {@link Problem}.
     */
    public Optional<BackupRecord> beforeDeployment() {
        if (Stack.of(inventory, inventory.core()).service(Part.DATABASE).isEmpty()) return Optional.empty();
        var nothing = Facts.parse(core.must(nothing())).get("nothing");
        if (!nothing.isEmpty()) {
            console.note(core.name(), "backup", "none: " + nothing);
            return Optional.empty();
        }
        try {
            var made = make(Retention.of(inventory), LocalCommand.whoAndWhere() + " before a deployment");
            made.removed().forEach(name -> console.note(core.name(), "backup", "removed " + name));
            return Optional.of(made.record());
        } catch (Problem problem) {
            throw problem.with("deployment", "not begun, nothing was changed; --no-backup deploys without");
        }
    }

    /** Says why there is nothing to back up; nothing if the database does not answer. */
    private String nothing() {
        return Facts.SAY + Stack.of(inventory, inventory.core()).database()
                + Sh.let("database", inventory.database().name()) + """
                if [ -z "$(docker ps -aq --filter "name=^$container$")" ]; then say nothing "there is no database yet"
                else
                  # shellcheck disable=SC2016 # for the shell in the container
                  tables=$(timeout 20 docker exec "$container" sh -c 'psql -w -X -Atq -U "$POSTGRES_USER" -d "$1" -c \
                "$2"' sh "$database" "
                    select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
                      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = \
                c.oid and d.deptype = 'e')" 2>/dev/null) || tables=
                  [ "$tables" != 0 ] || say nothing "there is no table in the database yet"
                fi
                say end yes
                """;
    }

    /** Another backup or restore is running: only that of the timer writes a journal. */
    static Problem busy(String node, String what) {
        return Problem.locked(node + ": " + what)
                .fix(what.contains(" by timer,") ? "wait for its end: journalctl -fu ktrdr-backup on " + node
                        + " follows it; then run it again" : "wait for its end, then run it again");
    }

    /** The fix if these are PostgreSQL's words for a refused login; else empty. */
    static String letIn(String container, String words) {
        return words.contains("no password supplied")
                ? "in pg_hba.conf of the container " + container
                        + " allow the local socket without a password: `local all all trust` as its first line, as in "
                        + "the image" : "";
    }

    /** All complete backups, the newest first. */
    public List<Backup> list() {
        return look().backups();
    }

    /**
     * The folder of the backups. A missing folder, or a folder that is not on the share as required, is a
     * {@link Problem}.
     */
    public BackupListing look() {
        return BackupListing.parse(inventory, core.must(BackupListing.script(inventory)));
    }
}
