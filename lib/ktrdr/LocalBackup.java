package ktrdr;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/**
 * A backup in a file of this machine, as {@link BackupFile} leaves it: FILE, FILE.json (its record), FILE.sha256 (the sums of both).
 *
 * @param text of the record
 */
public record LocalBackup(Path path, BackupRecord record, String text) {
    /** Whether what was asked for is a file of this machine and not a name in the folder of the backups. */
    public static boolean meant(String asked) {
        return !asked.equals("latest") && (asked.contains("/") || Files.exists(Path.of(asked)));
    }

    /** Reads it whole, and compares it with its sums; what is no whole backup is a {@link Problem}. */
    public static LocalBackup read(String asked) {
        var path = Path.of(asked);
        if (!Files.isRegularFile(path)) throw Problem.usage("there is no file " + asked).expected("a backup that `backup-db --to FILE` has made, or a name in jbang backup-db@ktrdr --list");
        try {
            var text = Files.readString(BackupFile.side(path, ".json"));
            var record = BackupRecord.parse(text);
            var sums = Files.readString(BackupFile.side(path, ".sha256"));
            var name = path.getFileName().toString();
            if (!sums.lines().toList().containsAll(BackupFile.sums(record.sha256(), name, text, name + ".json").lines().toList()))
                throw Problem.failed(asked + ": its record was changed, or is of another file").expected("the sums in " + asked + ".sha256").found("others");
            if (Files.size(path) != record.bytes() || !BackupFile.sha256(path).equals(record.sha256()))
                throw Problem.failed("the backup " + asked + " is damaged, or was changed").expected(record.bytes() + " bytes with the sum " + record.sha256())
                        .found(Files.size(path) + " bytes" + (Files.size(path) == record.bytes() ? " with another sum" : ""));
            return new LocalBackup(path, record, text);
        } catch (IOException e) {
            throw Problem.failed(asked + " is no whole backup").expected(asked + ".json and " + asked + ".sha256 beside it, as `backup-db --to` makes them").found("cannot read " + e.getMessage()).because(e);
        }
    }

    /**
     * Sends it to a folder of its own on core, readable by root alone, which goes when the restore of it ends; no part of it stays where it does not arrive whole.
     * One that core has no room for is a {@link Problem}.
     */
    public Restore.Source push(Ssh core, Console console) {
        var name = BackupFile.stem(path.getFileName().toString()).replaceAll("[^A-Za-z0-9._-]", "_");
        try (var step = console.step(core.name(), "push"); var bytes = Files.newInputStream(path)) {
            var file = name + ".dump." + (gzip() ? "gz" : "zst");
            var moved = BackupRecord.moved(text, name, file, record.bytes());
            var directory = core.must(Sh.let("bytes", String.valueOf(record.bytes())) + Sh.let("name", name) + Sh.let("file", file) + Sh.let("record", moved)
                    + Sh.let("sums", BackupFile.sums(record.sha256(), file, moved, name + ".json")) + PREPARE).strip();
            long started = System.nanoTime();
            var result = core.push(Sh.let("directory", directory) + Sh.let("file", file) + Sh.let("bytes", String.valueOf(record.bytes())) + RECEIVE, bytes,
                    sent -> step.progress(100.0 * sent / record.bytes(), Units.size(Math.round(sent / ((System.nanoTime() - started) / 1e9))) + "/s of " + Units.size(record.bytes())));
            if (!result.ok()) throw Problem.failed(core.name() + ": the backup did not arrive whole, and nothing was changed").expected(record.bytes() + " bytes in " + directory).found(result.lastWords());
            step.done(Units.size(record.bytes()) + " to " + directory);
            return new Restore.Source(directory, name, true);
        } catch (IOException e) {
            throw Problem.failed(path + " cannot be read").found(e.getMessage()).because(e);
        }
    }

    private static final String PREPARE = """
            umask 077
            free=$(df -PB1 /var/tmp | awk 'NR == 2 { print $4 }')
            [ "$free" -gt "$bytes" ] || { echo "/var/tmp has room for $free bytes, the backup has $bytes" >&2; exit 1; }
            directory=$(mktemp -d /var/tmp/ktrdr-pushed.XXXXXX)
            trap '[ "$?" = 0 ] || rm -rf "$directory"' EXIT
            printf '%s' "$record" >"$directory/$name.json"
            printf '%s' "$sums" >"$directory/$file.sha256"
            printf '%s\\n' "$directory"
            """;
    static final String RECEIVE = """
            trap '[ "$(stat -c %s "$directory/$file" 2>/dev/null)" = "$bytes" ] || rm -rf "$directory"' EXIT
            trap 'exit 143' HUP INT TERM
            umask 077
            cat >"$directory/$file"
            [ "$(stat -c %s "$directory/$file")" = "$bytes" ]
            """;

    private boolean gzip() throws IOException {
        try (var start = Files.newInputStream(path)) {
            return BackupFile.gzip(start.read(), start.read());
        }
    }

    /** Notes beside it that it was restored for a try and found good. */
    public void verified(Instant when) {
        try {
            Files.writeString(BackupFile.side(path, ".verified"), when + "\n", StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw Problem.failed("that " + path + " was verified could not be noted").found(e.getMessage()).because(e);
        }
    }
}
