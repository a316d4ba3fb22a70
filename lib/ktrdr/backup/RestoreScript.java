package ktrdr.backup;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.BuiltIn;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Units;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.ssh.Ssh;

/**
 * Restores backups on core by templates/backup/restore.sh, which runs there: in place of the database, next to it, or
 * for a test.
 */
public final class RestoreScript {
    /**
     * The target of a restore: the database itself, a new one next to it, or a container of its own for a test. Or
     * nothing is restored, and databases that were replaced before are dropped.
     */
    public enum Mode {
        replace("replace"), into("into"), attempt("try"), drop("drop");

        private final String word;

        Mode(String word) {
            this.word = word;
        }
    }

    /**
     * The place of a backup on core.
     *
     * @param pushed whether its folder was made for this restore alone, and is removed with its end
     */
    public record Source(String directory, String name, boolean pushed) {
        /** None: replaced databases are dropped. */
        public static final Source NONE = new Source("", "", false);
    }

    /**
     * A successful restore.
     *
     * @param rows of all tables, equal to the backup's record
     * @param away whether the backend was stopped for it, and started again
     * @param replaced the name under which the previous database is kept
     * @param dropped databases that earlier restores had kept
     * @param verified when a test found the backup good
     * @param seconds that each step took
     */
    public record Done(long rows, boolean away, Optional<String> replaced, List<String> dropped,
            Optional<Instant> verified, Map<String, Double> seconds) {}

    /**
     * The present database.
     *
     * @param there whether it exists; {@code rows} of each table are counted up to 10,000, and estimated beyond by what
     *     its first pages hold: PostgreSQL's own figure is lost in a crash
     * @param filled tables with a row, except that of the schema's revision: a new, unused schema is nothing to keep,
     *     and would be the latest backup
     * @param kept databases that earlier restores replaced, or left half-way
     */
    public record Present(boolean there, long tables, long filled, long rows, long bytes, List<String> kept) {
        /** Whether something would be lost with it. */
        public boolean holds() {
            return there && filled > 0;
        }

        /** In words: "12 tables, about 3000 rows, 12 MB". */
        public String words() {
            if (!there) return "no such database";
            return tables == 0 ? "no tables" : tables + " tables, about " + rows + " rows, " + Units.size(bytes);
        }
    }

    private final Inventory inventory;
    private final Ssh core;
    private final Console console;

    public RestoreScript(Inventory inventory, Ssh core, Console console) {
        this.inventory = inventory;
        this.core = core;
        this.console = console;
    }

    /** The script that restores, or drops; it needs nothing of the toolkit on the node. */
    static String script(Inventory inventory, Mode mode, Source source, String target) {
        var templates = new Templates(inventory);
        var core = Stack.of(inventory, inventory.core());
        return core.database() + Sh.let("database", inventory.database().name())
                + Sh.let("directory", source.directory()) + Sh.let("name", source.name())
                + Sh.let("pushed", source.pushed() ? "yes" : "") + Sh.let("mode", mode.word) + Sh.let("target", target)
                + Sh.let("backend", core.container(Part.BACKEND).orElse(""))
                + BackupFolder.by(LocalCommand.whoAndWhere())
                + BackupFolder.common(templates) + templates.read("backup/restore.sh");
    }

    /**
     * The backup with this name, with or without its file's ending, or the newest for "latest"; an unknown one is a
     * {@link Problem}.
     */
    public static BackupRecord choose(List<BackupFolder.Backup> all, String name, String directory) {
        var stem = name.replaceFirst("\\.dump\\.(zst|gz)$", "");
        return all.stream().map(BackupFolder.Backup::record)
                .filter(record -> stem.equals("latest") || record.name().equals(stem)).findFirst()
                .orElseThrow(() -> Problem.failed("there is no whole backup " + name + " in " + directory)
                        .expected("one of jbang backup-db@ktrdr --list, or latest")
                        .found(all.isEmpty() ? "no backups"
                                : all.size() + " backups, the newest " + all.get(0).record().name()));
    }

    /** The script that asks what a restore would replace. */
    static String look(Inventory inventory) {
        return Facts.SAY + Stack.of(inventory, inventory.core()).database()
                + Sh.let("database", inventory.database().name())
                + BuiltIn.lines("backup/present.sh");
    }

    /** What a restore would replace. */
    public Present present() {
        var answer = core.run(look(inventory), Duration.ofMinutes(1));
        if (answer.err().contains("lock timeout")) throw Problem.failed(core.name()
                + ": a table of the database is locked, so its rows cannot be counted")
                .expected("no lock that lasts longer than 15 s")
                .found(answer.err().lines().filter(line -> line.contains("ERROR:")).findFirst()
                        .orElse(answer.lastWords()))
                .fix("end the session that has it: pg_stat_activity and pg_locks name it");
        var stack = Stack.of(inventory, inventory.core());
        var service = stack.needed(Part.DATABASE);
        var letIn = BackupFolder.letIn(stack.container(service), answer.err());
        if (!answer.ok()) throw Problem.failed(core.name() + ": the database does not answer")
                .expected("PostgreSQL in the container " + stack.container(service)).found(answer)
                .fix(letIn.isEmpty() ? "jbang deploy@ktrdr " + stack.words() + " " + service : letIn);
        var facts = Facts.parse(answer.out());
        var deployed = facts.get("deployed");
        if (!deployed.isEmpty()) throw Problem
                .failed(core.name() + ": there is no database " + inventory.database().name()
                        + ", and core was deployed with another")
                .expected("the database of the deployment as database.name in the inventory")
                .found(deployed + ", which exists")
                .fix("`database: {name: " + deployed +
                        "}` in the inventory; for another name see what jbang deploy@ktrdr core all --dry-run"
                        + " says; nothing was changed");
        return new Present(!facts.get("bytes").isEmpty(), facts.number("tables"), facts.number("filled"),
                facts.number("rows"), facts.number("bytes"), facts.all("kept"));
    }

    /**
     * Restores a backup, or drops. A failure is a {@link Problem}, and until the swap the database is as it was.
     *
     * @param target the name of the new database of {@link Mode#into}, else empty
     * @param before a script's start, such as {@link NodeLocks#under}; empty for none
     */
    public Done run(Mode mode, Source source, String target, String before) {
        try (var step = console.step(core.name(),
                mode == Mode.attempt ? "verify" : mode == Mode.drop ? "drop" : "restore")) {
            var said = new RestoreProgress(step);
            var done = said.done(core.name(), mode,
                    core.run(before + script(inventory, mode, source, target), said));
            step.done(mode == Mode.drop ? done.dropped().isEmpty() ? "none was kept"
                    : String.join(", ", done.dropped())
                    : source.name() + ", " + done.rows() + " rows, equal to its record");
            return done;
        }
    }

    /** Restores a backup in a container of its own, compares it with its record, and notes it as verified. */
    public Done verify(Source source) {
        return run(Mode.attempt, source, "", "");
    }

    /** For JSON output; docs/reference/restore-db.md describes it. */
    public static Map<String, Object> document(BackupRecord backup, Done done) {
        var document = new LinkedHashMap<String, Object>();
        document.put("backup", backup.name());
        document.put("made", backup.made().toString());
        document.put("rows", done.rows());
        document.put("replaced", done.replaced().orElse(null));
        document.put("verified", done.verified().map(Object::toString).orElse(null));
        document.put("removed", done.dropped());
        document.put("steps", done.seconds());
        return document;
    }
}
