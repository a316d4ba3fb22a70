package ktrdr.backup;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Units;

/** What templates/backup/restore.sh reports while it runs. */
final class RestoreProgress implements Consumer<String> {
    private final Console.Step step;
    private final ProgressLines lines = new ProgressLines().on("step", this::next).on("read", this::read);
    private final Map<String, Double> seconds = new LinkedHashMap<>();
    private String word = "";
    private long since = System.nanoTime();

    RestoreProgress(Console.Step step) {
        this.step = step;
    }

    @Override
    public void accept(String line) {
        lines.accept(line);
    }

    private synchronized void next(String name) {
        long now = System.nanoTime();
        if (!word.isEmpty()) seconds.merge(word, Math.round((now - since) / 1e7) / 1e2, Double::sum);
        since = now;
        word = name;
        step.now(name);
    }

    private void read(String bytes) {
        long total = lines.number("total");
        if (total > 0 && bytes.matches("\\d+"))
            step.progress(100.0 * Long.parseLong(bytes) / total, "loaded of " + Units.size(total));
    }

    /** Whether the restored database has the name of the old one. */
    boolean swapped() {
        return lines.last("swapped").isPresent();
    }

    /** The result of a restore that succeeded; else a {@link Problem} that says what was changed and what was not. */
    synchronized RestoreScript.Done done(String node, RestoreScript.Mode mode, CommandResult result) {
        next("");
        if (!result.ok()) throw failure(node, mode, result);
        return new RestoreScript.Done(lines.number("restored"), lines.last("away").isPresent(),
                lines.last("replaced"), lines.all("dropped"), lines.last("verified").map(Instant::parse),
                new LinkedHashMap<>(seconds));
    }

    private Problem failure(String node, RestoreScript.Mode mode, CommandResult result) {
        var why = lines.last("failed")
                .orElseGet(() -> result.lastWords().isBlank() ? "its script ended with exit code " + result.exit()
                        : result.lastWords());
        if (ScriptExit.of(result) == ScriptExit.BACKUP_BUSY) return BackupFolder.busy(node, why);
        return Problem.failed(node + ": " + switch (mode) {
            case attempt -> "the backup is not proven";
            case drop -> "the databases that were kept could not be dropped";
            default -> swapped() ? "the backup is restored, but not all went well after it" : "nothing was restored";
        }).expected("a whole backup that is loaded and found equal to its record").found(why)
                .with("differs", String.join("\n", lines.all("different"))).with("left behind", left())
                .with("the database", mode == RestoreScript.Mode.drop ? "" : swapped() ? "is that of the backup"
                        : "is as it was").stderr(result.err());
    }

    private String left() {
        return lines.last("left").map(name ->
                name + ", half of it restored, because the database did not answer; once it does: "
                        + "jbang restore-db@ktrdr --drop-old").orElse("");
    }
}
