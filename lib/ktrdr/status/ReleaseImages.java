package ktrdr.status;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.release.History;
import ktrdr.release.ReleaseTag;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/**
 * Whether a tag is the same image on all nodes, which it is not after it was pushed again between two deployments.
 * Digests are known of deployed images. Pure.
 */
record ReleaseImages(Inventory inventory, Map<Node, NodeStatus> nodes) {

    /** A failed check for each tag that is not the same image on all nodes. */
    List<Check> checks() {
        var meanings = new TreeMap<String, Map<Docker.Image, List<String>>>();
        // the tag of what came from no registry is its digest, and its id is another one in each of Docker's stores
        nodes.forEach((node, status) -> released(node, status).stream()
                .filter(image -> !ReleaseTag.isLocal(image.reference())).forEach(image -> {
            var same = meanings.computeIfAbsent(image.reference() + " " + status.machine(),
                    none -> new LinkedHashMap<>());
            var known = same.keySet().stream()
                    .filter(eachImage -> eachImage.is(image.id(), List.of(image.digest()))
                            || image.is(eachImage.id(), List.of(eachImage.digest()))).findFirst().orElse(image);
            same.computeIfAbsent(known, none -> new ArrayList<>()).add(node.name());
        }));
        var checks = new ArrayList<Check>();
        meanings.forEach((key, same) -> {
            if (same.size() < 2) return;
            var reference = key.substring(0, key.lastIndexOf(' '));
            var found = same.entrySet().stream()
                    .map(entry -> brief(entry.getKey()) + " on " + String.join(", ", entry.getValue()))
                    .collect(Collectors.joining("; "));
            checks.add(new Check(CheckId.ofFleet("images", key.substring(key.lastIndexOf('/') + 1).strip().replace(' ',
                    '.')), inventory.core().name(), false, "one image " + reference + " on all nodes", found,
                    "jbang deploy@ktrdr all --tag " + reference.replaceFirst(".*:", "")
                            + " deploys what the registry now has under this tag", 0));
        });
        return checks;
    }

    /**
     * The images of a node that follow the release, each once. Images that differ from what was deployed there are left
     * out: they are drift, which has a check of its own.
     */
    private List<Docker.Image> released(Node node, NodeStatus status) {
        var digests = new TreeMap<String, List<String>>();
        for (var entry : status.history().entries())
            entry.images().values().forEach(image -> {
                if (!image.digest().isEmpty()) digests.put(image.id(), List.of(image.digest()));
            });
        var deployed = status.history().current().map(History.Entry::images).orElse(Map.of());
        return status.containers().stream().filter(container -> Stack.of(inventory, node).released(container.service()))
                .filter(container -> !deployed.containsKey(container.service()) || deployed.get(container.service())
                        .is(container.imageId(), List.of()))
                .map(container -> new Docker.Image(container.image(), container.imageId(),
                Docker.digest(container.image(), digests.getOrDefault(container.imageId(), List.of())).orElse("")))
                .distinct().toList();
    }

    private static String brief(Docker.Image image) {
        return (image.digest().isEmpty() ? image.id() : image.digest()).replaceFirst("^.*@", "")
                .replaceFirst("(sha256:.{12}).*", "$1");
    }
}
