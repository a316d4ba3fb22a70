package ktrdr.backup;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Units;

/** What templates/backup/restore.sh says while it runs, line by line. */
final class RestoreProgress implements Consumer<String> {
    private final Console.Step step;
    private final List<String> different = new ArrayList<>();
    private final List<String> dropped = new ArrayList<>();
    private final Map<String, Double> seconds = new LinkedHashMap<>();
    private final Map<String, String> last = new LinkedHashMap<>();
    private String word = "";
    private long since = System.nanoTime();

    RestoreProgress(Console.Step step) {
        this.step = step;
    }

    @Override
    public synchronized void accept(String line) {
        int tab = line.indexOf('\t');
        if (tab < 0) return;
        var value = line.substring(tab + 1);
        switch (line.substring(0, tab)) {
            case "step" -> next(value);
            case "read" -> read(value);
            case "different" -> different.add(value);
            case "dropped" -> dropped.add(value);
            default -> last.put(line.substring(0, tab), value);
        }
    }

    private void next(String value) {
        long now = System.nanoTime();
        if (!word.isEmpty()) seconds.merge(word, Math.round((now - since) / 1e7) / 1e2, Double::sum);
        since = now;
        word = value;
        step.now(value);
    }

    private void read(String bytes) {
        long total = number("total");
        if (total > 0 && bytes.matches("\\d+"))
            step.progress(100.0 * Long.parseLong(bytes) / total, "loaded of " + Units.size(total));
    }

    private long number(String name) {
        var text = last.getOrDefault(name, "");
        return text.matches("\\d{1,18}") ? Long.parseLong(text) : -1;
    }

    private Optional<String> said(String name) {
        return Optional.ofNullable(last.get(name));
    }

    /** Whether the new database has the old one's name. */
    synchronized boolean swapped() {
        return last.containsKey("swapped");
    }

    /** What came of it; a {@link Problem} that says what is as it was, where it did not end well. */
    synchronized RestoreScript.Done done(String node, RestoreScript.Mode mode, CommandResult result) {
        next("");
        if (result.ok()) return new RestoreScript.Done(number("restored"), last.containsKey("away"), said("replaced"),
                List.copyOf(dropped),
                said("verified").map(Instant::parse), new LinkedHashMap<>(seconds));
        var why = said("failed")
                .orElseGet(() -> result.lastWords().isBlank() ? "its script ended with exit code " + result.exit()
                        : result.lastWords());
        if (ScriptExit.of(result) == ScriptExit.BACKUP_BUSY) throw BackupFolder.busy(node, why);
        throw Problem.failed(node + ": " + switch (mode) {
            case attempt -> "the backup is not proven";
            case drop -> "the databases that were kept could not be dropped";
            default -> swapped() ? "the backup is restored, but not all went well after it" : "nothing was restored";
        }).expected("a whole backup that is loaded and found equal to its record").found(why)
                .with("differs", String.join("\n", different))
                .with("left behind",
                        said("left").map(name ->
                                name + ", half of it restored, because the database did not answer; once it does: "
                                        + "jbang restore-db@ktrdr --drop-old").orElse(""))
                .with("the database", mode == RestoreScript.Mode.drop ? "" : swapped() ? "is that of the backup"
                        : "is as it was").stderr(result.err());
    }
}
