package ktrdr.release;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import ktrdr.Facts;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.node.NodeFiles;
import ktrdr.node.Occupant;
import ktrdr.report.Document;
import ktrdr.ssh.Ssh;

/**
 * What was deployed to a node, oldest first: {@code <directory>/.ktrdr/releases.jsonl}, one line of JSON for each
 * deployment that changed something. A running deployment is in {@code .ktrdr/deploying} until its end, so that the
 * next run knows of a killed one.
 *
 * A line is whole if it ends with its outcome: a torn line is ignored, and removed by the next write.
 *
 * @param entries the last {@value #READ} at most
 * @param unfinished a deployment without an end
 */
public record History(List<Entry> entries, Optional<Entry> unfinished) {
    public static final History NONE = new History(List.of(), Optional.empty());
    private static final int READ = 100;

    /** How a deployment of a node ended. */
    public enum Ending {
        /** The new release runs, proven healthy. */
        DEPLOYED,
        /** An earlier release runs again, as the operator asked, and is healthy. */
        ROLLED_BACK,
        /** It failed and was rolled back: the previous release runs again and is healthy. */
        RETURNED,
        /** Containers were restarted and are healthy; it says nothing about a release. */
        RESTARTED,
        FAILED, INTERRUPTED;

        boolean good() {
            return this == DEPLOYED || this == ROLLED_BACK;
        }

        /** As it is written: "rolled-back". */
        public String word() {
            return name().toLowerCase().replace('_', '-');
        }
    }

    /**
     * What a deployment did to the schema of the database.
     *
     * @param from its revision before, {@code to} that after; "nothing" for none
     * @param backup the file of the backup made before; empty for none
     */
    public record SchemaChange(String from, String to, String backup) {}

    /**
     * A deployment.
     *
     * @param id of the run; {@code of} that of the run whose state a rollback restored, else empty
     * @param time its start, UTC
     * @param who user, {@code from} machine, {@code command} as typed
     * @param services those that were to be started
     * @param images what every container of the stack ran afterwards, by service
     * @param configuration hash of the files, see {@link KeptFiles}
     * @param scale workers of each type; 0 on core
     * @param migration what it did to the schema of the database, if anything
     * @param back after a failure that was rolled back: what runs again, by service; {@code images} are those of the
     *     release that failed
     */
    public record Entry(String id, String of, String time, String who, String from, String command, String target,
            String tag, List<String> services, Map<String, Docker.Image> images, String configuration, int scale,
            double seconds, String error, Ending outcome, Optional<SchemaChange> migration,
            Map<String, Docker.Image> back) {

        /** Puts an entry together. */
        public static EntryBuilder of(String id, String tag, Ending outcome) {
            return new EntryBuilder(id, tag, outcome);
        }

        /** The same, to be changed. */
        public EntryBuilder edit() {
            return new EntryBuilder(this);
        }

        /** Whether the release that was asked for runs. */
        public boolean good() {
            return outcome.good();
        }

        /** Who deployed it, and from where: karl@laptop. */
        public String by() {
            return who + "@" + from;
        }

        /**
         * The beginning of the digest of KTRDR's image, which has the tag, such as sha256:3103f2404aac; empty if it
         * came from no registry.
         */
        public String digest() {
            return images.values().stream().filter(image -> image.reference().endsWith(":" + tag))
                    .map(image -> image.digest().replaceFirst(".*@(.{19}).*", "$1")).findFirst().orElse("");
        }

        /** Deploy, rollback, scale or restart. A deployment that was rolled back counts as a rollback. */
        public String kind() {
            if (outcome == Ending.ROLLED_BACK || command.startsWith("rollback")) return "rollback";
            if (command.startsWith("restart ")) return "restart";
            return command.startsWith("scale") ? "scale" : "deploy";
        }

        /** Whether it ran an image that no registry has. */
        boolean local() {
            return images.values().stream().map(Docker.Image::reference).anyMatch(ReleaseTag::isLocal);
        }

        /** Whether a node looks the same after both. */
        boolean sameState(Entry other) {
            return tag.equals(other.tag) && configuration.equals(other.configuration) && ids().equals(other.ids());
        }

        private Map<String, String> ids() {
            var ids = new LinkedHashMap<String, String>();
            images.forEach((service, image) -> ids.put(service, image.id()));
            return ids;
        }

        /** As one line of the file. */
        public String json() {
            return Json.line(document());
        }

        /** The fields of the file; the outcome is the last one. */
        public Map<String, Object> document() {
            return EntryJson.fields(this);
        }

        /** For JSON output, each key always there. */
        public Map<String, Object> forMachines() {
            return Document.fields("time", time, "id", id, "of", of, "by", by(), "command", command, "target", target,
                    "release", tag, "services", services, "images", images,
                    "configuration", configuration, "scale", scale == 0 ? null : scale, "seconds", seconds, "schema",
                    migration.orElse(null), "outcome", outcome.word(), "reason", error);
        }

        /** A line of the history; empty if it is damaged. */
        public static Optional<Entry> parse(String line) {
            return EntryJson.parse(line);
        }
    }

    /**
     * The history of a node, read over a connection; empty if nothing was deployed. A host that belongs to another node
     * is a {@link Problem}.
     */
    public static History of(Ssh ssh, Inventory inventory, Inventory.Node node) {
        var facts = Facts.parse(ssh.must(Facts.SAY + Sh.let("directory", node.directory()) + script()
                + OwnContainers.marks(inventory).script() + "say end yes\n"));
        Occupant.parse(facts).prove(inventory, node);
        return parse(facts);
    }

    /** Shell lines that say the facts, for a script whose {@code directory} is the stack's. */
    public static String script() {
        return script(READ);
    }

    /** The same, of the last so many deployments. */
    public static String script(int last) {
        return """
                past() { [ -L "$directory/.ktrdr/$2" ] || [ ! -f "$directory/.ktrdr/$2" ] || say "$1" "$(tail -n %d \
                "$directory/.ktrdr/$2" | base64 | tr -d '\\n')"; }
                past history releases.jsonl
                past deploying deploying
                """.formatted(last);
    }

    /** Of the facts that {@link #script} says. */
    public static History parse(Facts facts) {
        var lines = NodeFiles.decode(facts.get("history")).lines().map(Entry::parse).flatMap(Optional::stream).toList();
        return new History(lines, NodeFiles.decode(facts.get("deploying")).lines().findFirst().flatMap(Entry::parse));
    }

    /** The deployment whose state the node should be in: the last good one, or the one whose state that restored. */
    public Optional<Entry> current() {
        return lastGood().map(last -> byId(last.of()).orElse(last));
    }

    /**
     * What a service last ran while healthy, after a rollback too. It is newer than that of {@link #current} if a
     * rollback recreated its container.
     */
    Optional<Docker.Image> proven(String service) {
        for (int i = entries.size() - 1; i >= 0; i--) {
            var entry = entries.get(i);
            var ran = entry.good() ? entry.images() : entry.back();
            if (ran.containsKey(service)) return Optional.of(ran.get(service));
        }
        return Optional.empty();
    }

    /** The last good deployment or rollback. */
    public Optional<Entry> lastGood() {
        return lastGood(entry -> true);
    }

    /** The last deployment, however it ended; restarts do not count. */
    public Optional<Entry> last() {
        return unfinished.or(() -> entries.stream().filter(entry -> !entry.kind().equals("restart"))
                .reduce((first, second) -> second));
    }

    /** Whether the node is in an unproven state: a deployment failed or was interrupted, and was not rolled back. */
    public boolean unproven() {
        var failed = EnumSet.of(Ending.FAILED, Ending.INTERRUPTED);
        return unfinished.isPresent() || last().filter(last -> failed.contains(last.outcome())).isPresent();
    }

    /**
     * What a rollback goes back to: from an unproven state the last good release, else the last good one before that
     * differs from it. With a tag, the last good one with it. A rollback counts as the release it restored, so that a
     * second one goes further back.
     */
    public Optional<Entry> target(Optional<String> tag) {
        if (tag.isPresent()) return lastGood(entry -> entry.tag().equals(tag.get()));
        var current = current();
        if (current.isEmpty() || unproven()) return current;
        int at = entries.indexOf(current.get());
        return new History(entries.subList(0, at), Optional.empty()).lastGood(entry -> !entry.sameState(current.get()));
    }

    private Optional<Entry> lastGood(Predicate<Entry> which) {
        for (int i = entries.size() - 1; i >= 0; i--)
            if (entries.get(i).good() && which.test(entries.get(i))) return Optional.of(entries.get(i));
        return Optional.empty();
    }

    private Optional<Entry> byId(String id) {
        return entries.stream().filter(entry -> entry.id().equals(id)).findFirst();
    }

    /** The last so many good releases, each state once, the newest first. */
    public List<Entry> kept(int count) {
        var kept = new ArrayList<Entry>();
        for (int i = entries.size() - 1; i >= 0 && kept.size() < count; i--) {
            var entry = entries.get(i);
            if (entry.good() && kept.stream().noneMatch(entry::sameState)) kept.add(entry);
        }
        return kept;
    }

    /**
     * What stays on the node to go back to: the last so many good releases, and as long as the history names them those
     * with an image that cannot be pulled again.
     */
    public List<Entry> held(int count) {
        var held = new ArrayList<>(kept(count));
        var named = new History(entries.subList(Math.max(0, entries.size() - READ), entries.size()), Optional.empty());
        named.kept(READ).stream().filter(Entry::local).filter(entry -> held.stream().noneMatch(entry::sameState))
                .forEach(held::add);
        return held;
    }

    /** Images that only other releases than those ran, of these services. */
    public Set<Docker.Image> outdated(int count, Predicate<String> service) {
        var needed = new LinkedHashSet<String>();
        held(count).forEach(entry -> entry.images().values().forEach(image -> needed.add(image.id())));
        var outdated = new LinkedHashSet<Docker.Image>();
        for (var entry : entries)
            entry.images().forEach((name, image) -> {
                if (service.test(name) && !needed.contains(image.id())) outdated.add(image);
            });
        return outdated;
    }

    /** All entries, with the unfinished one. */
    public List<Entry> all() {
        return Stream.concat(entries.stream(), unfinished.stream()).toList();
    }

    /** The history with one more entry, the unfinished one being what was interrupted. */
    public History with(Entry entry) {
        var all = new ArrayList<>(entries);
        unfinished.filter(left -> !left.id().equals(entry.id())).ifPresent(all::add);
        all.add(entry);
        return new History(all, Optional.empty());
    }
}
