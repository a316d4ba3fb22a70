package ktrdr.deploy;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.node.Registry;
import ktrdr.release.ReleaseTag;
import ktrdr.release.StackFacts;

/**
 * The images that the tags of a deployment name, asked once for all of its nodes: a tag that is pushed meanwhile would
 * name another image on each node.
 */
final class Pins {
    private final Map<Node, Registry.Images> answers = new LinkedHashMap<>();

    /**
     * What to pull. A moving tag has to be asked for each time, a fixed tag is what it was, and an image with an id or
     * digest is exactly that image.
     */
    static List<String> pulls(List<Docker.Image> images, StackFacts facts) {
        var pulls = new LinkedHashSet<String>();
        for (var image : images) {
            boolean known = !image.id().isEmpty() || !image.digest().isEmpty();
            boolean there = known ? facts.images().containsKey(image.id()) || facts.images().containsValue(image.id())
                    : facts.images().containsKey(image.reference()) && !image.reference().endsWith(":latest");
            // no registry can be asked for a digest of what came from none
            boolean digest = !image.digest().isEmpty() && !ReleaseTag.isLocal(image.reference());
            if (!there) pulls.add(digest ? image.digest() : image.reference());
        }
        return List.copyOf(pulls);
    }

    /** Image by id or digest to the reference that it gets, if that names another image now. */
    static Map<String, String> tagged(List<Docker.Image> images, StackFacts facts) {
        var tagged = new LinkedHashMap<String, String>();
        for (var image : images) {
            if (image.id().isEmpty() && image.digest().isEmpty()
                    || !image.id().isEmpty() && image.id().equals(facts.images().get(image.reference()))) continue;
            if (facts.images().containsKey(image.id())) tagged.put(image.id(), image.reference());
            else if (!image.digest().isEmpty()) tagged.put(image.digest(), image.reference());
        }
        return tagged;
    }

    /**
     * What to pull, each with the reference that it gets at once if the image is pinned. An image of the history gets
     * its reference later: until then it belongs to the present containers.
     */
    static Map<String, String> pulledAs(NodePlan plan) {
        var as = new LinkedHashMap<String, String>();
        plan.pulled().forEach(
                pull -> as.put(pull,
                        plan.revision().images().values().stream()
                                .filter(image -> image.id().isEmpty() && image.digest().equals(pull))
                                .map(Docker.Image::reference)
                .findFirst().orElse("")));
        return as;
    }

    /** The image of each service, with id and digest as far as known. */
    static Map<String, Docker.Image> wanted(NodePlan plan) {
        var wanted = new TreeMap<String, Docker.Image>();
        for (var service : plan.services()) {
            var image = plan.revision().images().get(service);
            boolean there = image.id().isEmpty() && image.digest().isEmpty()
                    && !plan.pulls().contains(image.reference());
            wanted.put(service,
                    new Docker.Image(image.reference(),
                            there ? plan.facts().images().getOrDefault(image.reference(), "") : image.id(),
                            image.digest()));
        }
        return wanted;
    }

    /** Asks the registry, from each node that needs it, for the images that are open in these deployments. */
    Fleet.Outcomes<Registry.Images> ask(Fleet fleet, Map<Node, NodePlan> plans, Secrets secrets) {
        var registry = Registry.of(fleet.inventory());
        var open = open(plans.values());
        var asked = fleet.each(node -> plans.containsKey(node) && !asked(plans.get(node), open).isEmpty(),
                (node, ssh) -> {
                    var answer = registry.answer(node.name(),
                            ssh.run(secrets.registry() + registry.ask(asked(plans.get(node), open))));
                    answer.problems().values().stream().findFirst().ifPresent(problem -> {
                        throw problem;
                    });
                    return answer;
                });
        answers.putAll(asked.values());
        return asked;
    }

    /** The deployments with each open reference pinned to the registry's answer. */
    Map<Node, NodePlan> pinned(Map<Node, NodePlan> plans) {
        return pinned(plans, answers, open(plans.values()));
    }

    /** The registry's manifests of the images that a node is to pull, by the references that they get. */
    Map<String, Registry.Manifest> manifests(NodePlan plan) {
        var manifests = new LinkedHashMap<String, Registry.Manifest>();
        pulledAs(plan).forEach((pull, reference) -> {
            var name = reference.isEmpty() ? pull : reference;
            answers.values().stream().map(answer -> answer.manifests().get(name)).filter(Objects::nonNull)
                    .filter(manifest -> reference.isEmpty() || pull.endsWith("@" + manifest.digest()))
                    .findFirst().ifPresent(manifest -> manifests.put(name, manifest));
        });
        return manifests;
    }

    /**
     * The references that the registry has to resolve: those that a node is to pull, and those that name different
     * images on two nodes.
     */
    static Set<String> open(Collection<NodePlan> plans) {
        var open = new LinkedHashSet<String>();
        var known = new LinkedHashMap<String, List<Local>>();
        for (var plan : plans)
            for (var reference : references(plan)) {
                if (plan.pulled().contains(reference)) open.add(reference);
                var id = plan.facts().images().get(reference);
                if (id != null) known.computeIfAbsent(reference, none -> new ArrayList<>())
                        .add(new Local(id, plan.facts().digests().getOrDefault(id, List.of())));
            }
        known.forEach((reference, locals) -> {
            if (locals.stream().anyMatch(local -> !local.same(locals.get(0)))) open.add(reference);
        });
        return open;
    }

    /** An image as a node has it. */
    private record Local(String id, List<String> digests) {
        boolean same(Local other) {
            return id.equals(other.id) || digests.stream().anyMatch(other.digests::contains);
        }
    }

    /** The references of a deployment that are known by tag only. */
    private static Set<String> references(NodePlan plan) {
        return plan.services().stream().map(plan.revision().images()::get)
                .filter(image -> image.id().isEmpty() && image.digest().isEmpty()).map(Docker.Image::reference)
                .filter(reference -> !ReleaseTag.isLocal(reference))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** What a node asks its registry about: what it is to pull, and its open references. */
    static List<String> asked(NodePlan plan, Set<String> open) {
        var asked = new LinkedHashSet<>(plan.pulled());
        if (!plan.restart()) references(plan).stream().filter(open::contains).forEach(asked::add);
        return List.copyOf(asked);
    }

    /**
     * The deployments with each open reference pinned to the first answer, for nodes of the same platform. A node
     * without an answer stays as it is.
     */
    static Map<Node, NodePlan> pinned(Map<Node, NodePlan> plans, Map<Node, Registry.Images> answers, Set<String> open) {
        var meanings = new LinkedHashMap<String, Registry.Manifest>();
        plans.keySet().stream().filter(answers::containsKey).map(answers::get)
                .forEach(answer -> answer.manifests()
                        .forEach((reference, manifest) -> meanings.putIfAbsent(answer.platform() + " " + reference,
                                manifest)));
        var pinned = new LinkedHashMap<Node, NodePlan>();
        plans.forEach((node, plan) -> {
            var images = new LinkedHashMap<String, Docker.Image>();
            if (answers.containsKey(node)) for (var reference : references(plan)) {
                var manifest = meanings.get(answers.get(node).platform() + " " + reference);
                if (open.contains(reference) && manifest != null)
                    images.put(reference, image(reference, manifest, plan.facts()));
            }
            pinned.put(node, images.isEmpty() ? plan : plan.pinned(images));
        });
        return pinned;
    }

    private static Docker.Image image(String reference, Registry.Manifest manifest, StackFacts facts) {
        var digest = Docker.repository(reference) + "@" + manifest.digest();
        var there = facts.images().getOrDefault(reference, "");
        boolean same = manifest.ids().contains(there) || facts.digests().getOrDefault(there, List.of())
                .contains(digest);
        return new Docker.Image(reference, same ? there : "", digest);
    }
}
