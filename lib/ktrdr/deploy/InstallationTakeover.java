package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.LastWords;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Secrets;
import ktrdr.release.NodeLocks;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.report.Document;
import ktrdr.ssh.Ssh;

/**
 * Adopts an installation that was made by hand or by another tool, node by node, in the deployment that replaces it.
 * Right before the new containers are brought up, the old ones are stopped and put {@link Aside}, and their data is
 * copied into volumes of the stack. If the new ones do not become healthy, the old ones are put back. The old data
 * itself is never moved, renamed or written to.
 *
 * Before anything is stopped, a node has a list in {@code .ktrdr/takeover}: its state (open, or done after the proof),
 * and one line per container with its id and whether it ran, per copied volume, and per image that was made of a
 * container.
 */
public final class InstallationTakeover implements RolloutExchange {
    private static final Duration PATIENCE = Duration.ofHours(12);
    private final Fleet fleet;
    private final NodeLocks locks;
    private final Console console;
    private final KeptInstallation kept;
    private final Map<Node, Installation> found = new ConcurrentHashMap<>();
    private final Map<Node, NodePlan> plans = new ConcurrentHashMap<>();
    private final Set<Node> aside = ConcurrentHashMap.newKeySet();
    private final Map<String, Long> rows = new TreeMap<>();
    private Secrets secrets;

    public InstallationTakeover(Fleet fleet, NodeLocks locks, Console console) {
        this.fleet = fleet;
        this.locks = locks;
        this.console = console;
        this.kept = new KeptInstallation(fleet, locks);
    }

    /**
     * Plans the deployment that replaces an installation; nothing if there is none. An unfinished takeover is a {@link
     * Problem}.
     */
    public NodePlan plan(Stack stack, Ssh ssh, String answer, String tag) {
        var facts = StackFacts.parse(stack, answer);
        var node = stack.node();
        if (facts.takeover().equals("open")) throw Installation.inTheWay(fleet.inventory(), stack, facts).orElseThrow();
        var there = facts.docker().isEmpty() ? Installation.NONE
                : Installation.look(fleet.inventory(), stack, ssh, facts);
        var revision = Revision.of(fleet.inventory(), stack, tag);
        if (facts.docker().isEmpty()) return NodePlan.plan(stack, revision, stack.services(), facts);
        if (there.none()) {
            console.note(node.name(), "takeover", facts.takeover().isEmpty() ? "no other installation is there"
                    : "already taken over; --drop-old removes the previous installation");
            return NodePlan.nothing(stack, revision, facts);
        }
        if (!facts.takeover().isEmpty()) throw Problem.failed(node.name()
                + ": what an earlier takeover put aside is still there").expected("none")
                .fix(Installation.command(node) + " --drop-old, then again; nothing was changed");
        if (stack.core()) stack.container(Part.DATABASE).ifPresent(container -> proveName(node, there, container));
        found.put(node, there);
        var plan = NodePlan.plan(stack, revision, stack.services(), facts.without(there.names()));
        plans.put(node, plan);
        return plan;
    }

    private static void proveName(Node node, Installation there, String container) {
        if (there.database().filter(container::equals).isEmpty()) throw Problem.failed(node.name()
                + ": the database of what is there cannot be backed up")
                .expected("a container " + container)
                .found(there.database().orElse("none, among " + String.join(", ", there.names())))
                .fix("docker rename its container, which stops nothing; then again");
    }

    /** The nodes whose installation is to be taken over. */
    public Set<Node> nodes() {
        return found.keySet();
    }

    /** What a takeover would do, one line each; none if there is no installation. */
    public List<String> describe(Node node) {
        var there = found.get(node);
        if (there == null) return List.of();
        var lines = new ArrayList<String>();
        lines.add(node.name() + "  takeover of " + there.names().size() + " containers");
        lines.add("  replaced   " + String.join(", ", there.names()) + ": stopped, and kept aside as …" + Aside.ENDING);
        for (var copy : there.copies()) lines.add("  copied     " + copy.container() + " " + copy.directory() + ", "
                + copy.words() + (copy.bytes() < 0 ? "" : ", " + Units.size(copy.bytes()))
                + " -> the volume " + copy.volume());
        lines.add("  left alone " + (there.alone().isEmpty() ? "nothing else is there"
                : String.join(", ", there.alone())));
        return lines;
    }

    @Override
    public Map<String, Object> document(Node node) {
        var there = found.get(node);
        if (there == null) return Map.of();
        var copies = there.copies().stream()
                .map(copy -> Document.fields("container", copy.container(), "directory", copy.directory(), "from",
                        copy.words(), "volume", copy.volume(), "bytes", copy.bytes())).toList();
        return Map.of("takeover",
                Document.fields("replaced", there.names(), "copied", copies, "left_alone", there.alone()));
    }

    @Override
    public Secrets given(Secrets fetched) {
        secrets = fetched;
        return fetched;
    }

    /**
     * Proves that the secrets open the database of the installation, and that its disk has room for a copy; otherwise a
     * {@link Problem}.
     */
    public void prove(Node node) {
        var there = found.get(node);
        if (!there.copies().isEmpty()) {
            proveRoom(node, there);
            proveVolumes(node, there);
        }
        there.database().ifPresent(container -> proveSecrets(node, container));
    }

    private void proveRoom(Node node, Installation there) {
        long need = there.copies().stream().mapToLong(copy -> Math.max(0, copy.bytes())).sum();
        long free = plans.get(node).facts().free();
        if (need + node.diskFree() > free) throw Problem.failed(node.name()
                + ": too little disk is free for a copy of the data").expected(Units.size(need + node.diskFree()))
                .found(Units.size(free)).fix("make room on the file system of Docker's data; nothing was changed");
    }

    private void proveVolumes(Node node, Installation there) {
        var volumes = there.copies().stream().map(Installation.Copy::volume).toList();
        var taken = fleet.ssh(node)
                .must("for name in " + Sh.words(volumes)
                        + "; do ! docker volume inspect \"$name\" >/dev/null 2>&1 || echo \"$name\"; done\n").lines()
                .toList();
        if (!taken.isEmpty()) throw Problem.failed(node.name()
                + ": the volumes that the data is to be copied to are there already").expected("none of them")
                .found(String.join(", ", taken))
                .fix("docker volume rm them there, if nothing in them is wanted; nothing was changed");
    }

    private void proveSecrets(Node node, String container) {
        var result = fleet.ssh(node).run(secrets.shell(Set.of(Secrets.Field.DB_USERNAME, Secrets.Field.DB_PASSWORD))
                + Sh.let("database", fleet.inventory().database().name()) + """
                        # the images trust 127.0.0.1 without a password
                        with_secrets sh -c 'printf "%s\\n%s\\n" "$KTRDR_DB_USER" "$KTRDR_DB_PASSWORD"' | docker exec \
                        -i CONTAINER sh -c '
                          IFS= read -r PGUSER
                          IFS= read -r PGPASSWORD
                          export PGUSER PGPASSWORD PGCONNECT_TIMEOUT=10
                          exec psql -w -X -Atq -h "$(hostname -i | cut -d " " -f 1)" -d "$1" -c "select 1" 2>&1' sh \
                        "$database"
                        """.replace("CONTAINER", container));
        if (!result.ok()) throw Problem.failed(node.name() + ": the secrets do not open the database that is there")
                .expected("db_username and db_password of it, and a database "
                + fleet.inventory().database().name()).found(LastWords.of(result.out() + result.err()))
                .fix("let the provider of `secrets` in the inventory have those of the database; nothing was changed");
    }

    /** Proves that the new server reads the data of the old one, by their versions. */
    @Override
    public void begin() {
        for (var node : nodes()) {
            var there = found.get(node);
            var database = plans.get(node).image(Part.DATABASE);
            if (there.server() == 0 || database.isEmpty()) continue;
            var image = database.get().reference();
            var said = fleet.ssh(node).run("docker run --rm --network none --entrypoint postgres " + Sh.quote(image)
                    + " --version").out().strip();
            var version = said.replaceFirst("^postgres \\(PostgreSQL\\) (\\d+).*", "$1");
            if (!version.matches("\\d+")) console.note(node.name(), "version",
                    image + " does not report its PostgreSQL version; the data is of version "
                            + there.server() / 10000);
            else if (Integer.parseInt(version) != there.server() / 10000)
                throw Problem.failed(node.name() + ": the database's image is of another version than the data")
                        .expected("PostgreSQL " + there.server() / 10000).found(said + ", in " + image)
                        .fix("images.db in the inventory: one of PostgreSQL " + there.server() / 10000
                                + "; nothing was changed");
        }
    }

    @Override
    public void aside(Node node) {
        var there = found.get(node);
        if (there == null) return;
        aside.add(node);
        try (var step = console.step(node.name(), "aside")) {
            step.now("stopping " + String.join(", ", there.names()));
            var script = new AsideScript(fleet.inventory(), plans.get(node), there).text();
            var result = fleet.ssh(node).run(locks.under(node) + script, PATIENCE);
            if (!result.ok()) throw NodeLocks.refused(node, result)
                    .orElseGet(() -> Problem.failed(node.name() + ": the installation could not be put aside")
                            .found(result));
            var facts = Facts.parse(result.out());
            if (there.database().isPresent()) rows.putAll(AsideScript.rows(facts));
            step.done(there.names().size() + " containers"
                    + (there.copies().isEmpty() ? ""
                            : "; copied: " + there.copies().stream().map(Installation.Copy::volume)
                                    .collect(Collectors.joining(", "))));
        }
    }

    /** Whether the previous installation is aside, or about to be. */
    @Override
    public boolean restores(Node node) {
        return aside.contains(node);
    }

    /**
     * Proves that no row is missing, connects the containers left alone to the new network, and notes that the takeover
     * ended well.
     */
    @Override
    public void proven(Node node) {
        var there = found.get(node);
        if (there == null) return;
        var project = plans.get(node).stack().project();
        var ssh = fleet.ssh(node);
        if (there.database().isPresent()) {
            var now = AsideScript.rows(Facts.parse(
                    ssh.must(Facts.SAY + AsideScript.measure(fleet.inventory(), there.database().get())
                            + "say end yes\n")));
            var missing = rows.entrySet().stream()
                    .filter(entry -> now.getOrDefault(entry.getKey(), -1L) < entry.getValue())
                    .map(entry -> entry.getKey() + ": " + entry.getValue() + ", now "
                            + now.getOrDefault(entry.getKey(), 0L)).toList();
            if (!missing.isEmpty()) throw Problem.failed(node.name() + ": rows of the database are missing")
                    .expected("at least those of before").found(String.join("; ", missing));
            console.note(node.name(), "data", rows.values().stream().mapToLong(Long::longValue).sum() + " rows of "
                    + rows.size() + " tables, none missing");
        }
        var script = new StringBuilder("cd -P \"$directory\"\n");
        for (var name : there.alone()) script.append("docker network connect ")
                .append(Sh.words(List.of(project + "_default", name))).append(" >/dev/null 2>&1 || :\n");
        var result = ssh.run(locks.under(node) + script + "sed -i '1 s/.*/state done/' " + AsideScript.FILE + "\n");
        if (!result.ok()) throw NodeLocks.refused(node, result)
                .orElseGet(() -> Problem.failed(node.name() + ": the takeover could not be noted")
                        .found(result));
        console.note(node.name(), "kept", "the previous installation, stopped: " + Installation.command(node)
                + " --back goes back to it, --drop-old removes it");
    }

    @Override
    public void restore(Node node) {
        try (var step = console.step(node.name(), "back")) {
            step.done(Threads.insist(() -> kept.restored(Stack.of(fleet.inventory(), node)),
                    problem -> console.detail(node.name(), "back", problem.sentence())));
            aside.remove(node);
        }
    }

    /**
     * What is still aside on a node, after a takeover that ended well or was interrupted.
     *
     * @param state open, done, or empty if there is nothing
     * @param volumes that were copied, {@code images} that were made
     */
    public record Kept(String state, List<String> containers, List<String> volumes, List<String> images) {
        /** An unfinished takeover is a {@link Problem}: the old installation is the only one then. */
        public void refuseUnfinished(Node node) {
            if (!state.equals("done")) throw Problem.failed(node.name()
                    + ": the takeover did not finish, so the old installation is the only one")
                    .expected("a completed takeover").found("an interrupted takeover")
                    .fix("jbang takeover@ktrdr " + node.id() + " --back");
        }

        /** The containers, and the volumes that were copied. */
        public String words() {
            return String.join(", ", containers)
                    + (volumes.isEmpty() ? "" : "; copied from the volumes " + String.join(", ", volumes));
        }
    }

    /** What is still aside on the nodes that have something; a node that cannot be asked is a {@link Problem}. */
    public Map<Node, Kept> kept() {
        var asked = fleet.each((node, ssh) -> kept.of(node));
        asked.problems().values().stream().findFirst().ifPresent(problem -> {
            throw problem;
        });
        var found = new LinkedHashMap<>(asked.values());
        found.values().removeIf(left -> left.state().isEmpty());
        return found;
    }

    /** Removes what is aside, of a takeover that ended well, with the volumes that were copied. */
    public void drop(Node node, Kept left) {
        try (var step = console.step(node.name(), "drop")) {
            kept.drop(node, left);
            step.done(String.join(", ", left.containers())
                    + (left.volumes().isEmpty() ? "" : "; volumes " + String.join(", ", left.volumes())));
        }
    }

    /** The reason for the backup that is made before a takeover. */
    public static String by() {
        return "takeover by " + LocalCommand.whoAndWhere();
    }
}
