package ktrdr.backup;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import ktrdr.Console;
import ktrdr.OutputFile;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.ssh.Ssh;

/**
 * A backup in a file of this machine, as {@link BackupDownload} makes it: FILE, FILE.json (its record), FILE.sha256
 * (the checksums of both).
 *
 * @param text of the record
 */
public record BackupFile(Path path, BackupRecord record, String text) {
    /** Whether the argument means a file of this machine, not a name in the folder of the backups. */
    public static boolean meant(String asked) {
        return !asked.equals("latest") && (asked.contains("/") || Files.exists(Path.of(asked)));
    }

    /** Reads it completely and compares it with its checksums; an incomplete backup is a {@link Problem}. */
    public static BackupFile read(String asked) {
        var path = Path.of(asked);
        if (!Files.isRegularFile(path)) throw Problem.failed("there is no file " + asked)
                .expected("a backup that `backup-db --to FILE` has made, or a name in jbang backup-db@ktrdr --list");
        try {
            var text = Files.readString(BackupDownload.side(path, ".json"));
            var record = BackupRecord.parse(text);
            var sums = Files.readString(BackupDownload.side(path, ".sha256"));
            var name = path.getFileName().toString();
            if (!sums.lines().toList()
                    .containsAll(BackupDownload.sums(record.sha256(), name, text, name + ".json").lines().toList()))
                throw Problem.failed(asked + ": its record was changed, or is of another file")
                        .expected("the sums in " + asked + ".sha256").found("others");
            if (Files.size(path) != record.bytes() || !BackupDownload.sha256(path).equals(record.sha256()))
                throw Problem.failed("the backup " + asked + " is damaged, or was changed")
                        .expected(record.bytes() + " bytes with the sum " + record.sha256())
                        .found(Files.size(path) + " bytes" + (Files.size(path) == record.bytes() ? " with another sum"
                                : ""));
            return new BackupFile(path, record, text);
        } catch (IOException e) {
            throw Problem.failed(asked + " is not a whole backup")
                    .expected(asked + ".json and " + asked + ".sha256 next to it, as `backup-db --to` makes them")
                    .found("cannot read " + e.getMessage()).because(e);
        }
    }

    /**
     * Sends it to core, where it stays until the result is closed. If it does not arrive completely, or core has no
     * space for it, that is a {@link Problem}.
     */
    public BackupUpload push(Ssh core, Console console) {
        var name = BackupDownload.stem(path.getFileName().toString()).replaceAll("[^A-Za-z0-9._-]", "_");
        try (var step = console.step(core.name(), "push"); var bytes = Files.newInputStream(path)) {
            var file = name + ".dump." + (gzip() ? "gz" : "zst");
            var moved = BackupRecord.moved(text, name, file, record.bytes());
            var sums = BackupDownload.sums(record.sha256(), file, moved, name + ".json");
            var pushed = BackupUpload.prepare(core, console,
                    new BackupUpload.Dump(name, file, record.bytes(), moved, sums));
            try {
                long started = System.nanoTime();
                pushed.receive(file, record.bytes(), bytes,
                        sent -> step.progress(100.0 * sent / record.bytes(),
                                Units.size(Math.round(sent / ((System.nanoTime() - started) / 1e9))) + "/s of "
                                        + Units.size(record.bytes())));
            } catch (RuntimeException e) {
                pushed.close();
                throw e;
            }
            step.done(Units.size(record.bytes()) + " to " + pushed.source().directory());
            return pushed;
        } catch (IOException e) {
            throw Problem.failed(path + " cannot be read").found(e.getMessage()).because(e);
        }
    }

    private boolean gzip() throws IOException {
        try (var start = Files.newInputStream(path)) {
            return BackupDownload.gzip(start.read(), start.read());
        }
    }

    /** Notes next to it that a test restore found it good. */
    public void verified(Instant when) {
        try {
            OutputFile.put(BackupDownload.side(path, ".verified"), when + "\n", "rw-------");
        } catch (IOException e) {
            throw Problem.failed("could not note that " + path + " was verified").found(e.getMessage()).because(e);
        }
    }
}
