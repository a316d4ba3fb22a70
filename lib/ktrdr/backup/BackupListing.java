package ktrdr.backup;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Units;
import ktrdr.inventory.Inventory;
import ktrdr.node.Mount;

/**
 * The content of the folder of the backups on core.
 *
 * @param backups that are complete: dump, checksums and record, and the dump as large as the record says; the newest
 *     first
 * @param incomplete names of other dumps, and of files whose dump is missing
 * @param free bytes on its disk
 */
public record BackupListing(String path, List<BackupFolder.Backup> backups, List<String> incomplete, long free) {

    /** A script that answers facts about it in one round trip, even if the share does not answer. */
    public static String script(Inventory inventory) {
        var path = BackupFolder.directory(inventory);
        var share = Mount.path(inventory, inventory.core());
        return Facts.SAY + Sh.let("directory", path) + "mount_code=0\n"
                + (path.startsWith(share + "/") ? Mount.script(share) : "") + """
                        ours() { find "$directory/" -maxdepth 1 -type f -printf '%f\\n' | grep -E \
                        '^ktrdr-[0-9]{8}T[0-9]{6}Z-.*\\.(json|dump\\.(zst|gz)(\\.sha256|\\.verified)?)$' || :; }
                        if [ "$mount_code" = 0 ] && [ -d "$directory" ]; then
                          say free "$(df -PB1 "$directory" | awk 'NR == 2 { print $4 }')"
                          ours | while IFS= read -r name; do
                            file=$directory/$name
                            case $name in
                              *.json) [ -f "${file%.json}.dump.zst" ] || [ -f "${file%.json}.dump.gz" ] || say \
                        incomplete \
                        "$name" ;;
                              *.sha256 | *.verified) [ -f "${file%.*}" ] || say incomplete "$name" ;;
                              *) if [ -f "$file.sha256" ] && [ -f "${file%.dump.*}.json" ]; then
                                   say dump "$(stat -c %s "$file") $(base64 -w 0 <"${file%.dump.*}.json") $(head -c 40 \
                        "$file.verified" 2>/dev/null || echo never) $name"
                                 else say incomplete "$name"; fi ;;
                            esac
                          done
                        fi
                        say end yes
                        """;
    }

    /** Reads the answer of {@link #script}; anything else is a {@link Problem}. */
    public static BackupListing parse(Inventory inventory, String answer) {
        var facts = Facts.parse(answer);
        var core = inventory.core();
        var path = BackupFolder.directory(inventory);
        var mount = facts.all("mount").stream().findFirst()
                .flatMap(said -> Mount.wrong(inventory, core, Mount.parse(said)));
        if (mount.isPresent()) throw mount.get();
        if (facts.get("free").isEmpty()) throw Problem.failed(core.name() + ": there is no folder " + path
                + " for backups").expected("the folder that backup.directory names")
                .fix((inventory.storage().server().isEmpty() ? "on " + core.name() + ": mkdir -p -m 700 " + path
                        : "jbang setup-nfs@ktrdr " + core.name())
                        + ", or correct backup.directory in the inventory");
        var incomplete = new ArrayList<>(facts.all("incomplete"));
        var backups = new ArrayList<BackupFolder.Backup>();
        for (var line : facts.all("dump")) {
            var words = line.split(" +", 4);
            found(words).ifPresentOrElse(backups::add, () -> incomplete.add(words[3]));
        }
        // of two in one second the later one's name is the greater, as retention has it too
        backups.sort(Comparator.comparing((BackupFolder.Backup found) -> found.record().made())
                .thenComparing(found -> found.record().file()).reversed());
        return new BackupListing(path, List.copyOf(backups), incomplete.stream().sorted().toList(),
                facts.number("free"));
    }

    /** Of size, record in base64, time of verification, name; empty if the dump is not as its record says. */
    private static Optional<BackupFolder.Backup> found(String[] words) {
        try {
            var record = BackupRecord.parse(new String(Facts.bytes(words[1]), StandardCharsets.UTF_8));
            boolean whole = record.file().equals(words[3])
                    && record.bytes() == Facts.number("the size of a backup", words[0]);
            return whole ? Optional.of(new BackupFolder.Backup(record, Units.instantIn(words[2]))) : Optional.empty();
        } catch (Problem e) {
            return Optional.empty();
        }
    }

    /** Those that retention would remove after the next backup. */
    public List<String> surplus(BackupFolder.Retention retention, Instant now) {
        var kept = backups.stream().limit(retention.keep() == 0 ? backups.size() : retention.keep() - 1)
                .filter(found -> retention.days() == 0
                        || !found.record().made().isBefore(now.minus(Duration.ofDays(retention.days())))).toList();
        return backups.stream().filter(found -> !kept.contains(found)).map(found -> found.record().file()).toList();
    }
}
