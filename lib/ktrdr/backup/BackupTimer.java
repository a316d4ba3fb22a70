package ktrdr.backup;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import ktrdr.BuiltIn;
import ktrdr.Exit;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.report.Document;
import ktrdr.share.NfsFiles.Edit;
import ktrdr.ssh.Ssh;

/**
 * Backups that core makes by itself at a time of day, by a systemd timer (systemd.timer(5)) and a script that needs
 * nothing of the toolkit there: what is there, and what should be.
 *
 * @param at the time of day as HH:MM, empty for none
 * @param zone of core's clock, such as Europe/Athens
 * @param edits the script, the service and the timer
 * @param loaded whether systemd has the timer as the files say, enabled and active
 */
public record BackupTimer(String node, Optional<String> at, String zone, List<Edit> edits, boolean loaded) {
    static final String SCRIPT = "/usr/local/lib/ktrdr/backup-db";
    private static final String SERVICE = "/etc/systemd/system/" + BackupSchedule.UNIT + ".service";
    private static final List<String> FILES = List.of(SCRIPT, SERVICE, BackupSchedule.TIMER);
    private static final String BY =
            "# Written by backup-db --schedule of the ktrdr toolkit; what is changed here is lost.\n";

    /** The time of day that was asked for, empty for {@code off}; anything else is a {@link Problem}. */
    public static Optional<String> time(String asked) {
        if (asked.equals("off")) return Optional.empty();
        if (asked.matches("([01]\\d|2[0-3]):[0-5]\\d")) return Optional.of(asked);
        throw Problem.usage("--schedule takes a time of day, or off")
                .expected("HH:MM from 00:00 to 23:59 by the clock of core, such as 02:00, or off").found(asked);
    }

    /** What the inventory says; nothing of a schedule in it is a {@link Problem}. */
    public static Optional<String> time(Inventory inventory) {
        return Optional.of(inventory.backup().schedule()
                .orElseThrow(() -> Problem.usage("no time: there is no `schedule` under `backup` in "
                        + inventory.source()).expected("--schedule 02:00, or off")
                .fix("`backup: {schedule: daily}` in the inventory, so that a new core has it too")));
    }

    /** Looks at core, and decides what it takes. A core that can have no timer is a {@link Problem}. */
    public static BackupTimer look(Inventory inventory, Ssh core, Optional<String> at) {
        return plan(inventory, at, Facts.parse(core.must(lookScript(inventory))));
    }

    static String lookScript(Inventory inventory) {
        return Facts.SAY + Sh.let("directory", BackupFolder.directory(inventory)) + """
                say user "$(id -un)"
                [ ! -d /run/systemd/system ] || say systemd yes
                [ ! -d "$directory" ] || say folder yes
                say zone "$(timedatectl show --value -p Timezone 2>/dev/null || date +%Z)"
                for file in""" + " " + Sh.words(FILES) + """
                ; do
                  [ ! -f "$file" ] || say "file $file" "$(stat -c %a "$file") $(base64 <"$file" 2>/dev/null | tr -d \
                '\\n')"
                done
                say state "$(systemctl is-enabled ktrdr-backup.timer 2>/dev/null || :) $(systemctl is-active \
                ktrdr-backup.timer 2>/dev/null || :)"
                say reload "$(systemctl show --value -p NeedDaemonReload ktrdr-backup.timer ktrdr-backup.service \
                2>/dev/null || :)"
                say end yes
                """;
    }

    static BackupTimer plan(Inventory inventory, Optional<String> at, Facts facts) {
        var node = inventory.core().name();
        if (facts.get("systemd").isEmpty()) throw Problem.failed(node
                + ": without systemd there are no backups by a timer").expected("systemd, running")
                .found("no /run/systemd/system")
                .fix("run `jbang backup-db@ktrdr` from cron on a machine that reaches core");
        if (!facts.get("user").equals("root"))
            throw Ssh.notRoot(node, facts.get("user"), "have backups made by a timer");
        var directory = BackupFolder.directory(inventory);
        if (at.isPresent() && facts.get("folder").isEmpty()) throw Problem.failed(node
                + ": there is no folder for backups").expected(directory).found("no such folder")
                .fix("jbang setup-nfs@ktrdr, or backup.directory in the inventory");
        var there = facts.under("file");
        var wanted = List.of(script(inventory), service(), timer(at.orElse("")));
        var edits = new ArrayList<Edit>();
        for (int i = 0; i < FILES.size(); i++)
            edits.add(new Edit(FILES.get(i), content(there.get(FILES.get(i))), at.isPresent() ? wanted.get(i) : ""));
        boolean loaded = facts.get("state").equals("enabled active") && !facts.get("reload").contains("yes")
                && there.getOrDefault(SCRIPT, "").startsWith("700 ");
        return new BackupTimer(node, at, facts.get("zone"), List.copyOf(edits), loaded);
    }

    private static Optional<String> content(String said) {
        if (said == null) return Optional.empty();
        return Optional.of(new String(Facts.bytes(said.substring(said.indexOf(' ') + 1)), StandardCharsets.ISO_8859_1));
    }

    /** The script, and around it what turns that which it says into lines of a journal. */
    static String script(Inventory inventory) {
        return "#!/bin/sh\n" + BY + BuiltIn.lines("backup/timer.sh")
                + BackupFolder.script(inventory, BackupFolder.directory(inventory),
                        BackupFolder.Retention.of(inventory), "timer").replaceFirst("(?m)^#!/bin/sh\n", "");
    }

    /** Another running backup is not a failure. */
    private static String service() {
        return BY + """
                [Unit]
                Description=Backup of the database of KTRDR
                After=docker.service remote-fs.target

                [Service]
                Type=oneshot
                ExecStart=""" + Sh.UNIT + " " + SCRIPT + "\nSuccessExitStatus=" + ScriptExit.BACKUP_BUSY.code
                + "\nSyslogIdentifier=" + BackupSchedule.UNIT + "\n";
    }

    private static String timer(String at) {
        return BY + """
                [Unit]
                Description=Daily backup of the database of KTRDR

                [Timer]
                OnCalendar=*-*-* %s:00
                AccuracySec=1s
                Persistent=true

                [Install]
                WantedBy=timers.target
                """.formatted(at);
    }

    /** The files that change. */
    public List<String> changed() {
        return differing().stream().map(Edit::path).toList();
    }

    private List<Edit> differing() {
        return edits.stream().filter(edit -> at.isPresent() ? edit.changes() : edit.before().isPresent()).toList();
    }

    /** Whether nothing is to be done. */
    public boolean settled() {
        return differing().isEmpty() && (at.isEmpty() || loaded);
    }

    /** What changes in the files, as unified diffs. */
    public List<String> diff() {
        return differing().stream().flatMap(edit -> edit.diff().stream()).toList();
    }

    /** Makes the changes and returns what systemd says then, such as the timer's next run. */
    public Optional<BackupSchedule> apply(Ssh core) {
        var result = core.run(applyScript());
        if (result.ok()) return BackupSchedule.parse(Facts.parse(result.out()));
        if (ScriptExit.of(result) == ScriptExit.CHANGED) throw Problem.failed(node
                + ": a file of the timer changed while it was being set up").expected("no other run on the node")
                .found(result).fix("run it again");
        throw Problem.failed(node + ": the timer could not be set up").expected("systemd takes it").found(result)
                .fix("on " + node + ": systemctl status " + BackupSchedule.UNIT + ".timer");
    }

    /** The script; it leaves alone what is already as it should be. */
    String applyScript() {
        var script = new StringBuilder(Facts.SAY + Edit.REPLACE);
        if (!settled() && at.isPresent()) {
            differing().forEach(edit -> script.append(edit.replace()));
            script.append("chmod 700 ").append(SCRIPT).append("\nsystemctl daemon-reload\n");
            // without its stamp a timer with a new time does not take this day's for missed
            if (changed().contains(BackupSchedule.TIMER)) script.append(
                    "systemctl stop ktrdr-backup.timer\nrm -f /var/lib/systemd/timers/stamp-ktrdr-backup.timer\n");
            script.append("systemctl enable -q --now ktrdr-backup.timer >&2\n");
        } else if (!settled())
            script.append("systemctl disable -q --now ktrdr-backup.timer >&2 || :\nrm -f ").append(Sh.words(FILES))
                    .append(" /var/lib/systemd/timers/stamp-ktrdr-backup.timer\n")
                    .append("rmdir \"$(dirname ").append(SCRIPT).append(")\" 2>/dev/null || :\n")
                    .append("systemctl daemon-reload\nsystemctl reset-failed ktrdr-backup.timer ktrdr-backup.service "
                            + "2>/dev/null || :\n");
        return script + BackupSchedule.LOOK + "say end yes\n";
    }

    /** The result in words, done or planned. */
    public String words(boolean would) {
        var does = would ? "would be " : "is ";
        if (at.isEmpty()) return settled() ? node + ": there is no timer for backups, nothing to remove"
                : node + ": the timer for backups " + does + "removed; backups stay";
        return node + ": " + (settled() ? "a backup is made already every day at "
                : "a backup " + does + "made every day at ") + at.get() + " by its clock (" + zone + ")";
    }

    /** A warning if the inventory has another time, which the next deployment to core would bring back. */
    public Optional<String> differs(Inventory inventory) {
        return inventory.backup().schedule().filter(time -> !at.equals(Optional.of(time)))
                .map(time -> "the inventory says " + time
                        + ": change `schedule` under `backup` too, or the next deployment to core restores it");
    }

    /** For JSON output; {@code now} is what systemd says after it was applied. */
    public Document document(Optional<BackupSchedule> now) {
        return Document.of("backup-schedule", Exit.OK).with("node", node).with("schedule", at.orElse(null))
                .with("zone", zone).with("files", Document.fields("changed", changed()))
                .with("diff", diff())
                .with("next", now.flatMap(BackupSchedule::next).map(Object::toString).orElse(null));
    }
}
