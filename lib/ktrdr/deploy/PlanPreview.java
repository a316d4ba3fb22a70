package ktrdr.deploy;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Units;
import ktrdr.deploy.ComposeChanges.Action;
import ktrdr.inventory.Part;
import ktrdr.inventory.Secrets;
import ktrdr.node.DatabaseData;
import ktrdr.node.Docker;
import ktrdr.node.Registry;
import ktrdr.release.FileChangesScript;
import ktrdr.release.NodeLocks;
import ktrdr.release.ReleaseTag;
import ktrdr.release.Templates.NodeFile;
import ktrdr.report.Document;
import ktrdr.ssh.Ssh;

/**
 * What a deployment would do to a node, known before anything is pulled or stopped.
 *
 * @param actions for each service
 * @param manifests of the images to be pulled, by reference
 * @param seen if there is nothing to do, the answer to {@link HealthGate#question}, for a proof without asking again
 * @param schema what is done to the schema of the database, if the backend is deployed
 */
public record PlanPreview(NodePlan plan, Map<String, Action> actions, Map<String, Registry.Manifest> manifests,
        Optional<Seen> seen, Optional<SchemaStep> schema) {

    /** The answer of a node, and its time by {@link System#nanoTime}. */
    record Seen(Facts facts, long at) {}

    /**
     * Asks Compose what it would recreate. What would go wrong is a {@link Problem}: a database whose data a new
     * container would not have, a schema that is in the way.
     *
     * @param under the start of a script under the node's lock; empty for a dry run
     * @param manifests what the registry says of the images to be pulled, by reference
     */
    static PlanPreview look(NodePlan plan, Ssh ssh, String under, Secrets secrets,
            Map<String, Registry.Manifest> manifests, Migration migration) {
        if (plan.restart())
            return new PlanPreview(plan, restarted(plan, Map.of()), Map.of(), Optional.empty(), Optional.empty());
        long at = System.nanoTime();
        var facts = ask(plan, ssh, under + secrets.shell(plan.secrets()), migration.question());
        var actions = ComposeChanges.of(plan.services(), ComposeChanges.hashes(facts), plan.facts().containers(),
                ids(plan, manifests));
        // what ran once is not started again
        actions.replaceAll((service, action) -> action == Action.START && plan.stack().once(service)
                && Docker.service(plan.facts().containers(), service).filter(plan.stack()::well).isPresent()
                ? Action.SAME : action);
        if (action(plan, actions, Part.DATABASE) == Action.RECREATE) proveData(plan, ssh);
        var schema = migration.look(facts, action(plan, actions, Part.BACKEND) == Action.SAME);
        boolean same = plan.quiet() && actions.values().stream().allMatch(Action.SAME::equals);
        return new PlanPreview(plan, restarted(plan, actions), manifests,
                same ? Optional.of(new Seen(facts, at)) : Optional.empty(), schema);
    }

    private static Action action(NodePlan plan, Map<String, Action> actions, Part part) {
        return plan.service(part).map(actions::get).orElse(null);
    }

    private static Facts ask(NodePlan plan, Ssh ssh, String start, String more) {
        var node = plan.stack().node();
        var result = ssh.run(start + ComposeChanges.script(node.directory(),
                plan.staging().content(plan.stack().envFile()), composeTexts(plan),
                (plan.quiet() ? HealthGate.question(plan) : "") + more));
        if (!result.ok()) throw NodeLocks.refused(node, result)
                .or(() -> FileChangesScript.failure(plan.staging(), result))
                .orElseGet(() -> Problem.failed(node.name() + ": Compose did not say what it would do").found(result));
        return Facts.parse(result.out());
    }

    /** The Compose files, with one on top of them that gives hashes of services which are not brought up together. */
    private static List<String> composeTexts(NodePlan plan) {
        return Stream.concat(plan.staging().composeFiles().stream().map(NodeFile::content),
                Stream.of(plan.stack().file().alone()).filter(text -> !text.isEmpty())).toList();
    }

    /** Proves that a new container of the database has the data of the present container. */
    private static void proveData(NodePlan plan, Ssh ssh) {
        DatabaseData.parse(ssh.must(DatabaseData.script(plan.stack().container(plan.stack().needed(Part.DATABASE)))))
                .outside(plan.stack().node().name(), dataVolume(plan)).ifPresent(problem -> {
                    throw problem;
                });
    }

    /** Proves that the node's disk has room for the images to be pulled. */
    static void proveRoom(NodePlan plan, Map<String, Registry.Manifest> manifests) {
        if (!plan.restart()) tooSmall(plan.stack().node().name(), plan.facts().free(), manifests.values())
                .ifPresent(problem -> {
                    throw problem;
                });
    }

    private static Map<String, Action> restarted(NodePlan plan, Map<String, Action> actions) {
        var all = new LinkedHashMap<>(actions);
        plan.restarted().forEach(service ->
                all.merge(service, Action.RESTART, (found, restart) -> found == Action.SAME ? restart : found));
        return all;
    }

    static Optional<Problem> tooSmall(String node, long free, Collection<Registry.Manifest> pulled) {
        long need = Registry.need(pulled);
        return need <= free ? Optional.empty()
                : Optional.of(Problem.failed(node + ": too little disk is free for the images to pull")
                .expected(Units.size(need) + ", by the sizes of their layers in the registry")
                .found(Units.size(free) + " free")
                .fix("docker image prune on the node, or a larger disk; nothing was changed"));
    }

    /** The volume that the Compose file mounts at the database's directory, {@code ${DB_DATA}}. */
    private static String dataVolume(NodePlan plan) {
        var stack = plan.stack();
        var service = stack.needed(Part.DATABASE);
        return DataVolume.of(stack, plan.staging().composeFiles(), service)
                .orElseThrow(() -> Problem.usage(stack.composeFile()
                        + " mounts no volume where the database keeps its data")
                .expected("- <volume>:${DB_DATA} among the volumes of " + service).found("none")
                .fix("fix it in the folder that `templates` in the inventory names"));
    }

    /** The ids that the image of each service has or will have; none if unknown. */
    private static Map<String, List<String>> ids(NodePlan plan, Map<String, Registry.Manifest> manifests) {
        var ids = new LinkedHashMap<String, List<String>>();
        for (var service : plan.services()) {
            var image = plan.revision().images().get(service);
            var pulled = manifests.get(image.reference());
            if (!image.id().isEmpty()) ids.put(service, List.of(image.id()));
            else if (pulled != null) ids.put(service, pulled.ids());
            else if (plan.facts().images().containsKey(image.reference()))
                ids.put(service, List.of(plan.facts().images().get(image.reference())));
        }
        return ids;
    }

    /** In words: "backend recreated; db, grafana same". */
    public String outcome() {
        var words = new LinkedHashMap<Action, List<String>>();
        var told = plan.rereads().stream().filter(service -> actions.getOrDefault(service, Action.SAME) == Action.SAME)
                .toList();
        actions.forEach((service, action) -> {
            if (!told.contains(service)) words.computeIfAbsent(action, none -> new ArrayList<>()).add(service);
        });
        var parts = words.entrySet().stream()
                .map(entry -> String.join(", ", entry.getValue()) + " " + word(entry.getKey()))
                .collect(Collectors.toCollection(ArrayList::new));
        var restarting = told.stream()
                .filter(service -> plan.stack().file().signal(service).isEmpty()
                        || plan.facts().files().stale().contains(service))
                .toList();
        var reloaded = told.stream().filter(service -> !restarting.contains(service)).toList();
        if (!reloaded.isEmpty()) parts.add(String.join(", ", reloaded) + " reloaded");
        if (!restarting.isEmpty()) parts.add(String.join(", ", restarting) + " restarted");
        if (!plan.retired().isEmpty()) parts.add(String.join(", ", plan.retired()) + " removed");
        var excess = new Excess(plan).words();
        if (!excess.isEmpty()) parts.add(excess);
        return parts.isEmpty() ? "no container touched" : String.join("; ", parts);
    }

    /** The change of the number of workers, and its source; empty if the number stays, or there are none yet. */
    public Optional<String> rescaled() {
        var node = plan.stack().node();
        var there = plan.facts().containers().stream().map(Docker.Container::service).toList();
        var wanted = plan.revision().images().keySet();
        if (plan.stack().core() || there.isEmpty() || counts(there).equals(counts(wanted))) return Optional.empty();
        var from = even(there) ? count(there, "backtesting") + " of each type" : counts(there);
        var to = even(there) && even(wanted) ? String.valueOf(count(wanted, "backtesting")) : counts(wanted);
        boolean given = node.given().isPresent() && wanted.equals(Set.copyOf(plan.stack().services()));
        return Optional.of(node.name() + " runs " + from + ", "
                + (given ? "the inventory says " + to : to + " from now on"));
    }

    private boolean even(Collection<String> services) {
        return count(services, "backtesting") == count(services, "training");
    }

    /** The services whose container is stopped. */
    Collection<String> stopped() {
        return actions.entrySet().stream()
                .filter(entry -> entry.getValue() == Action.RECREATE || entry.getValue() == Action.RESTART)
                .map(Map.Entry::getKey).toList();
    }

    /** What it would do, one line each, as --dry-run prints it. */
    public List<String> describe() {
        var stack = plan.stack();
        var lines = new ArrayList<String>();
        if (plan.restart())
            return List.of(stack.node().name() + "  " + plan.tag() + ", which stays", "  up       " + outcome());
        lines.add(stack.node().name() + "  " + (plan.before().isEmpty() ? "nothing" : plan.before()) + " -> "
                + plan.tag());
        images().forEach((image, services) ->
                lines.add("  image    " + image + "  (" + String.join(", ", services) + ")"));
        lines.add("  files    " + plan.staging().outcome());
        schema.ifPresent(step -> lines.add("  schema   " + step.words()));
        lines.add("  up       " + outcome());
        if (!stack.core()) lines.add("  scale    " + counts(plan.revision().images().keySet())
                + rescaled().map("; "::concat).orElse(""));
        plan.staging().memory().ifPresent(remark -> lines.add("  limits   " + remark));
        return lines;
    }

    private String counts(Collection<String> services) {
        return count(services, "backtesting") + " backtest, " + count(services, "training") + " training";
    }

    private long count(Collection<String> services, String type) {
        return plan.stack().node().own().scaled().count(services, type);
    }

    private static String word(Action action) {
        return switch (action) {
            case SAME -> "same";
            case START -> "started again";
            case RESTART -> "restarted";
            case RECREATE -> "recreated";
            case CREATE -> "made";
        };
    }

    /** The images from digest to digest, with the size to pull, and the services that run them. */
    private Map<String, List<String>> images() {
        var images = new LinkedHashMap<String, List<String>>();
        for (var service : plan.services()) {
            var from = digest(service);
            var to = target(service);
            var manifest = manifests.get(plan.revision().images().get(service).reference());
            boolean here = ReleaseTag.isLocal(plan.revision().images().get(service).reference());
            var pull = manifest == null ? "" : (here ? ", send " : ", pull ") + Units.size(manifest.bytes());
            images.computeIfAbsent(from.equals(to) ? brief(to) + " same" : (from.isEmpty() ? "" : brief(from) + " -> ")
                    + brief(to) + pull, none -> new ArrayList<>()).add(service);
        }
        return images;
    }

    /** The digest of a service's present image; its id if it came from no registry. */
    private String digest(String service) {
        var image = Docker.images(plan.facts().containers(), plan.facts().digests()).get(service);
        return image == null ? "" : image.digest().isEmpty() ? image.id() : image.digest();
    }

    private String target(String service) {
        var image = plan.revision().images().get(service);
        var manifest = manifests.get(image.reference());
        if (ReleaseTag.isLocal(image.reference()) && !image.id().isEmpty()) return image.id();
        if (!image.digest().isEmpty()) return image.digest();
        if (manifest != null) return Docker.repository(image.reference()) + "@" + manifest.digest();
        var id = image.id().isEmpty() ? plan.facts().images().getOrDefault(image.reference(), "") : image.id();
        return Docker.digest(image.reference(), plan.facts().digests().getOrDefault(id, List.of())).orElse(id);
    }

    private static String brief(String digest) {
        return digest.replaceFirst("^.*/", "").replaceFirst("(sha256:.{12}).*", "$1");
    }

    private long bytes(boolean here) {
        return manifests.values().stream().filter(manifest -> ReleaseTag.isLocal(manifest.image()) == here)
                .mapToLong(Registry.Manifest::bytes).sum();
    }

    /** The preview as a document. */
    public Map<String, Object> document() {
        var document = new LinkedHashMap<>(plan.document());
        var services = new LinkedHashMap<String, Object>();
        actions.forEach((service, action) ->
                services.put(service, Document.fields("action", action.name().toLowerCase(), "from", digest(service),
                        "to", target(service))));
        document.put("actions", services);
        schema.ifPresent(step -> document.put("schema", step.document()));
        document.put("pull_bytes", bytes(false));
        document.put("send_bytes", bytes(true));
        return document;
    }
}
