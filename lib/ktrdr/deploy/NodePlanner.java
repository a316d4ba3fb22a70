package ktrdr.deploy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Table;
import ktrdr.inventory.Inventory;
import ktrdr.release.FileChanges;
import ktrdr.release.Firewall;
import ktrdr.release.History;
import ktrdr.release.KeptFiles;
import ktrdr.release.ReleaseTag;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.release.Templates;
import ktrdr.release.Templates.NodeFile;
import ktrdr.ssh.Ssh;

/** Makes the {@link NodePlan} of a node: for a new release, an earlier one, or a restart. */
public final class NodePlanner {
    private NodePlanner() {}

    /** The script that asks a node for all facts that a plan needs. */
    public static String look(Inventory inventory, Stack stack, List<String> services, Optional<String> tag) {
        return FileChanges.look(inventory, stack, tag,
                NodePlan.asked(Revision.of(inventory, stack, tag.orElse("none")), stack.services(services)));
    }

    /**
     * The deployment of a release, as inventory and templates have it now. Without a tag the running release stays,
     * which is for services that do not follow it.
     *
     * @param answer of {@link #look} for the same
     */
    public static NodePlan release(Inventory inventory, Stack stack, String answer, List<String> services,
            Optional<String> tag) {
        var wanted = stack.services(services);
        var facts = StackFacts.parse(stack, answer);
        var release = tag.or(() -> FileChanges.staged(stack, facts)).orElseThrow(ReleaseTag::missing);
        return NodePlan.plan(stack, Revision.of(inventory, stack, release), wanted, facts);
    }

    /**
     * Throws a {@link Problem} if the files of a stack would come into the folder, or in the way, of another
     * installation.
     */
    public static void proveOurs(Inventory inventory, Stack stack, StackFacts facts) {
        Installation.unmade(inventory, stack, facts).ifPresent(problem -> {
            throw problem;
        });
    }

    /**
     * The rollback to a release of the node's history, as it was except for the rules of {@link Firewall}, in two round
     * trips: see {@link History#target}. No release to go back to is a {@link Problem}.
     */
    public static NodePlan rollback(Stack stack, Ssh ssh, History.Entry to) {
        var files = kept(stack, ssh, to)
                .orElseThrow(() -> Problem.failed(stack.node().name() + ": the files of " + to.tag()
                        + " are not on the node any more")
                .expected("the files of a release that ended well")
                .found("nothing, or changed ones, in " + stack.node().directory() + "/.ktrdr/configurations")
                .fix("jbang deploy@ktrdr with --tag " + to.tag() + " renders them again"));
        var revision = Revision.of(stack, to, Firewall.current(files, stack.files(to.tag())));
        var services = List.copyOf(revision.images().keySet());
        return NodePlan.plan(stack, revision, services,
                FileChanges.gather(stack, ssh, revision.files(), NodePlan.asked(revision, services)));
    }

    /**
     * The restart of present services; by default of all. A missing service is a {@link Problem}.
     *
     * @param answer of {@link #look} without a tag
     */
    public static NodePlan restart(Inventory inventory, Stack stack, String answer, List<String> services) {
        var facts = StackFacts.parse(stack, answer);
        var node = stack.node().name();
        Installation.untouchable(inventory, stack, facts).ifPresent(problem -> {
            throw problem;
        });
        var there = Revision.there(stack, facts, new Templates(inventory).render(stack.node(), "")).orElseThrow(() ->
                Problem.failed(node + ": nothing runs there that could be restarted").fix(stack.deploy()));
        for (var service : services) if (!there.images().containsKey(service))
            throw Problem.failed(node + ": there is no container of " + service)
                    .expected("one of " + String.join(", ", there.images().keySet())).found("none of " + service)
                    .fix(stack.deploy());
        // what runs once is run by a deployment, not by a restart
        var all = there.images().keySet().stream().filter(service -> !stack.once(service)).toList();
        return NodePlan.restart(stack, there, services.isEmpty() ? all : services, facts);
    }

    /** The deployments of these nodes, the oldest first. */
    public static Table table(Map<Inventory.Node, History> histories) {
        var table = Table.of("node", "when", "release", "outcome", "took", "who", "services", "");
        histories.forEach((node, history) -> {
            for (var entry : history.all()) {
                boolean current = !history.unproven() && history.current().filter(entry::equals).isPresent();
                table.row(node.name(), entry.time(), entry.tag(), entry.outcome().word(), entry.seconds() + " s",
                        entry.by(), String.join(" ", entry.services()), current ? "runs now" : "");
            }
        });
        return table;
    }

    /** The release that a rollback of this node goes to. */
    public static History.Entry target(Stack stack, History history, Optional<String> tag) {
        return history.target(tag).orElseThrow(() -> {
            var good = history.kept(Integer.MAX_VALUE).stream().map(History.Entry::tag).distinct().toList();
            return Problem.failed(stack.node().name() + ": there is nothing to roll back to")
                    .expected(tag.map(name -> "a deployment of " + name + " that ended well")
                    .orElse("an earlier deployment that ended well and differs from what runs"))
                    .found(good.isEmpty() ? "no deployment that ended well"
                            : "deployed so far: " + String.join(", ", good))
                    .fix("jbang rollback@ktrdr " + stack.words() + " --list shows the history");
        });
    }

    /** In words which releases the nodes would run, if not the same: each has a history of its own. */
    public static Optional<String> different(Map<Inventory.Node, History.Entry> chosen) {
        if (chosen.values().stream().map(History.Entry::tag).distinct().count() < 2) return Optional.empty();
        return Optional.of(chosen.entrySet().stream()
                .map(entry -> entry.getKey().name() + " on " + entry.getValue().tag())
                .collect(Collectors.joining(", ")));
    }

    /** The files of a release as they were, if the node still has them. */
    static Optional<List<NodeFile>> kept(Stack stack, Ssh ssh, History.Entry entry) {
        var answer = ssh.must(Facts.SAY + Sh.let("directory", stack.node().directory())
                + KeptFiles.script(entry.configuration()) + "say end yes\n");
        return KeptFiles.parse(Facts.parse(answer), entry.configuration());
    }
}
