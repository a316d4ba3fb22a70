package ktrdr.backup;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Units;
import ktrdr.inventory.Part;
import ktrdr.release.Stack;

/** What templates/backup/backup.sh reports while it runs. */
final class BackupProgress implements Consumer<String> {
    private final String node;
    private final String container;
    private final Console console;
    private final Console.Step step;
    private final ProgressLines lines;
    private final long started = System.nanoTime();

    /** @param core the stack with the database */
    BackupProgress(Stack core, Console console, Console.Step step) {
        this.node = core.node().name();
        this.container = core.container(core.needed(Part.DATABASE));
        this.console = console;
        this.step = step;
        this.lines = new ProgressLines().on("written", bytes -> written(Facts.number("written", bytes)))
                .on("waiting", this::waiting);
    }

    @Override
    public void accept(String line) {
        lines.accept(line);
    }

    private void waiting(String lock) {
        console.note(node, "backup", lock + "; given up after " + Units.duration(BackupFolder.LOCK_WAIT));
    }

    /** Shows how many bytes were written so far. */
    void written(long bytes) {
        double seconds = (System.nanoTime() - started) / 1e9;
        var database = lines.last("database")
                .map(size -> ", of a database of " + Units.size(Facts.number("database", size))).orElse("");
        step.now(Units.size(bytes) + ", " + Units.size(Math.round(bytes / seconds)) + "/s" + database);
    }

    /** Older backups that retention removed. */
    List<String> removed() {
        return lines.all("removed");
    }

    /** Why metrics were not written. */
    List<String> metrics() {
        return lines.all("metrics");
    }

    /** The record's text, which comes in pieces. */
    String text() {
        return new String(Facts.bytes(String.join("", lines.all("record"))), StandardCharsets.UTF_8);
    }

    /** The record of a backup that succeeded; a failure is a {@link Problem}. */
    BackupRecord record(CommandResult result) {
        if (result.ok() && !lines.all("record").isEmpty()) return BackupRecord.parse(text());
        var failed = lines.last("failed").orElse("");
        var problem = ScriptExit.of(result) == ScriptExit.BACKUP_BUSY ? BackupFolder.busy(node, failed)
                : Problem.failed(node + ": no backup was made")
                        .expected("a dump that ended well, on the disk, readable")
                        .fix(BackupFolder.letIn(container, failed));
        throw problem.found(failed.isEmpty() ? result.lastWords() : failed)
                .with("earlier backups", "are as they were").stderr(result.err());
    }
}
