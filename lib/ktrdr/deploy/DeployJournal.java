package ktrdr.deploy;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.node.Docker;
import ktrdr.node.LogMask;
import ktrdr.node.NodeFiles;
import ktrdr.release.FileChangesScript;
import ktrdr.release.Firewall;
import ktrdr.release.History;
import ktrdr.release.History.Ending;
import ktrdr.release.History.Entry;
import ktrdr.release.HistoryScripts;
import ktrdr.release.KeptFiles;
import ktrdr.release.NodeLocks;
import ktrdr.release.NodeMetrics;
import ktrdr.release.Revision;
import ktrdr.release.StackFacts;
import ktrdr.release.TextfileMetrics;

/**
 * Writes what a node keeps of a deployment: its entry in the history, the files of releases to go back to, the logs of
 * what failed.
 */
public final class DeployJournal {
    private static final String FAILED = NodeFiles.OURS + "/failed";
    private static final int LINES = 2000;
    private final Fleet fleet;
    private final NodeLocks locks;
    private final Console console;
    private final Optional<Entry> rollback;
    private final NodePlan plan;
    private long started = System.nanoTime();
    private Optional<History.SchemaChange> migration = Optional.empty();

    /** @param rollback the run that a rollback goes back to */
    DeployJournal(Fleet fleet, NodeLocks locks, Console console, NodePlan plan, Optional<Entry> rollback) {
        this.fleet = fleet;
        this.locks = locks;
        this.console = console;
        this.rollback = rollback;
        this.plan = plan;
    }

    /** Starts the clock of the deployment. */
    void start() {
        started = System.nanoTime();
    }

    /** Notes a change of the database's schema, for the entry at the end. */
    void migrated(History.SchemaChange done) {
        migration = migration.map(first -> new History.SchemaChange(first.from(), done.to(), first.backup()))
                .or(() -> Optional.of(done));
    }

    /** Shell lines that note the deployment as under way. Without a later entry it counts as interrupted. */
    String begin() {
        // the same release before and after, even if it is interrupted
        if (plan.restart()) return "";
        return HistoryScripts.begin(
                entry(id(), of(Ending.INTERRUPTED), Ending.INTERRUPTED, Map.of(), "", plan.revision()));
    }

    /** Whether these facts are from after {@link #begin}. */
    boolean begun(StackFacts facts) {
        return facts.history().unfinished().filter(entry -> entry.id().equals(id())).isPresent();
    }

    private String id() {
        return locks.owner().id();
    }

    /** Of a rollback, the run whose state it puts back. */
    private String of(Ending outcome) {
        return outcome == Ending.ROLLED_BACK ? rollback.map(Entry::id).orElse("") : "";
    }

    private Entry entry(String id, String of, Ending outcome, Map<String, Docker.Image> images, String error,
            Revision revision) {
        var owner = locks.owner();
        var who = owner.who().split("@", 2);
        var node = plan.stack().node();
        return Entry.of(id, revision.tag(), outcome).of(of).time(owner.since())
                .by(who[0], who.length > 1 ? who[1] : "").command(owner.what())
                .target(plan.stack().node().role().name()).services(plan.services()).images(images)
                .configuration(configuration(revision)).scale(plan.stack().core() ? 0 : node.scale())
                .seconds(Math.round((System.nanoTime() - started) / 1e8) / 10.0).error(error)
                .migration(migration).build();
    }

    /** A restart leaves files as they are, including those changed by hand. */
    private String configuration(Revision revision) {
        return plan.restart() ? plan.facts().history().current().map(Entry::configuration).orElse("")
                : KeptFiles.hash(revision.files());
    }

    /**
     * Notes how the deployment ended. If it ended well, its files are kept, and what no kept release needs is removed.
     */
    void end(Ending outcome, Map<String, Docker.Image> images, String error) {
        write(entry(id(), of(outcome), outcome, images, error, plan.revision()), plan.revision());
    }

    /**
     * Notes that the deployment was rolled back.
     *
     * @param images of the release that failed, by which the release that made a newer schema is found
     * @param back the images that run again
     */
    void returned(Map<String, Docker.Image> images, Map<String, Docker.Image> back, String error) {
        var entry = entry(id(), of(Ending.RETURNED), Ending.RETURNED, images, error, plan.revision());
        write(entry.edit().back(back).build(), plan.revision());
    }

    /**
     * Notes, as the lock is released, that nothing was to be done; also repairs the rules of {@link Firewall} and the
     * exporter of the node's metrics.
     */
    void endLater(Ending outcome, Map<String, Docker.Image> images) {
        var node = plan.stack().node();
        var script = script(entry(id(), of(outcome), outcome, images, "", plan.revision()), plan.revision());
        var files = plan.revision().files();
        locks.atEnd(node, "cd -P \"$directory\"\n" + FileChangesScript.TELL + Firewall.script(files, plan.stack(), ":")
                + NodeMetrics.script(files, plan.stack()) + script, this::heard);
    }

    /** Notes that a release which had ended well was rolled back. */
    void reverted(Map<String, Docker.Image> images, Revision to) {
        var of = plan.facts().history().current().map(Entry::id).orElse("");
        write(entry(id() + "-back", of, Ending.ROLLED_BACK, images, "", to), to);
    }

    private void write(Entry entry, Revision revision) {
        var node = plan.stack().node();
        try {
            heard(fleet.ssh(node)
                    .run(locks.under(node) + "cd -P \"$directory\"\n" + script(entry, revision)));
        } catch (Problem problem) {
            lost(problem.sentence() + " " + problem.found());
        }
    }

    private String script(Entry entry, Revision revision) {
        return (entry.good() ? KeptFiles.save(revision.files()) : "") + HistoryScripts.end(entry)
                + (fleet.inventory().metrics().nodes() ? TextfileMetrics.release(entry) : "")
                + (entry.good() ? prune(plan.facts().history().with(entry)) : "");
    }

    private void heard(CommandResult result) {
        var node = plan.stack().node().name();
        if (!result.ok()) lost("exit code " + result.exit() + " " + result.lastWords());
        for (var part : List.of("firewall", "metrics"))
            FileChangesScript.told(part, result.out()).forEach(why -> console.note(node, part, why));
        FileChangesScript.told("pruned", result.out()).forEach(image -> console.detail(node, "prune", image));
    }

    private void lost(String why) {
        console.note(plan.stack().node().name(), "history", "this deployment could not be noted: " + why);
    }

    /** Never by force, and an image without the stack's reference only if it has no other name. */
    private String prune(History history) {
        int keep = fleet.inventory().images().keep();
        var hashes = new LinkedHashSet<String>();
        history.held(keep).forEach(entry -> hashes.add(entry.configuration()));
        var script = new StringBuilder(KeptFiles.keep(hashes)).append("""
                drop() {
                  [ "$(docker image inspect --format '{{.Id}}' "$2" 2>/dev/null)" != "$1" ] || docker image rm "$2" \
                >/dev/null 2>&1 || :
                  [ "$(docker image inspect --format '{{len .RepoTags}}' "$1" 2>/dev/null)" != 0 ] || docker image rm \
                "$1" >/dev/null 2>&1 || :
                  docker image inspect "$1" >/dev/null 2>&1 || printf 'told\\tpruned\\t%s\\n' "$2"
                }
                """);
        for (var image : history.outdated(keep, plan.stack()::released))
            script.append("drop ").append(Sh.words(List.of(image.id(), image.reference()))).append('\n');
        return script.toString();
    }

    /**
     * The script that writes the whole logs of containers into a folder below a stack's directory, each without the
     * secrets of its container.
     */
    public static String keep(String directory, String folder, List<String> containers) {
        return "cd -P " + Sh.quote(directory) + "\n" + Sh.let("folder", folder) + "umask 077\n[ ! -L " + FAILED +
                " ] || exit " + ScriptExit.IN_THE_WAY.code + "\nmkdir -p \"$folder\"\n" + LogMask.shell()
                + "for name in " + Sh.words(containers) + "; do\n"
                + "  docker logs --tail " + LINES +
                " --timestamps \"$name\" 2>&1 | masked \"$name\" >\"$folder/$name.log\" || rm -f "
                + "\"$folder/$name.log\"\ndone\n"
                // the last five failures
                + "ls -d " + FAILED + "/* | sort -r | tail -n +6 | while IFS= read -r old; do rm -rf \"$old\"; done\n";
    }

    /**
     * Keeps the whole logs of these services' containers on the node, without their secrets. Answers the last lines of
     * the first unhealthy one and where the rest is; empty without services.
     */
    String keepLogs(List<String> services) {
        if (services.isEmpty()) return "";
        var node = plan.stack().node();
        var folder = FAILED + "/" + locks.owner().since().replace(":", "");
        var names = services.stream().map(plan.stack()::container).toList();
        try {
            var kept = fleet.ssh(node).run(keep(node.directory(), folder, names), Duration.ofMinutes(1));
            var last = HealthGate.failingLog(plan, fleet.ssh(node));
            return last + (kept.ok() ? (last.isBlank() ? "" : "\n") + "all of it on " + node.name() + " in "
                    + node.directory() + "/" + folder : "");
        } catch (Problem problem) {
            return "";
        }
    }
}
