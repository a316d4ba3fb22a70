package ktrdr.release;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import ktrdr.node.Docker;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/**
 * Whether the containers of a stack are the expected ones, which no health check knows: one per service, with its name,
 * its image and its configuration. Pure.
 *
 * @param wanted by service; empty fields are not known and not compared
 */
public record Likeness(Stack stack, Map<String, Docker.Image> wanted) {

    /**
     * What differs about each of these services that has a container, in words such as "backend runs another image,
     * ktrdr-backend:sha-2". {@code digests} are by image id, of images that are not known by their id.
     */
    Map<String, List<String>> differing(List<String> services, List<Docker.Container> containers,
            Map<String, List<String>> digests) {
        var all = new TreeMap<String, List<String>>();
        for (var service : services) {
            var found = containers.stream().filter(container -> container.service().equals(service)).toList();
            if (found.isEmpty()) continue;
            var words = new ArrayList<String>();
            if (found.size() > 1) words.add("has " + found.size() + " containers, "
                    + found.stream().map(Docker.Container::name).collect(Collectors.joining(", ")));
            var container = found.get(0);
            if (!container.name().equals(stack.container(service)))
                words.add("has the container " + container.name() + " instead of "
                        + stack.container(service));
            words.addAll(differing(wanted.get(service), container, digests));
            if (!words.isEmpty()) all.put(service, words.stream().map(word -> service + " " + word).toList());
        }
        return all;
    }

    private static List<String> differing(Docker.Image image, Docker.Container container,
            Map<String, List<String>> digests) {
        var words = new ArrayList<String>();
        if (image == null) return words;
        if (!image.is(container.imageId(), digests.getOrDefault(container.imageId(), List.of()))
                || !container.image().equals(image.reference()))
            words.add("runs another image, " + container.image());
        // another image is another configuration, too
        else if (!image.hash().isEmpty() && !image.hash().equals(container.configHash()))
            words.add("was made from another configuration");
        if (!image.folder().isEmpty() && !image.folder().equals(container.folder()))
            words.add(container.folder().isEmpty() ? "was not made by Compose"
                    : "was started from " + container.folder());
        return words;
    }

    /** A check for each of these services that has a container. */
    public List<Check> checks(List<String> services, List<Docker.Container> containers,
            Map<String, List<String>> digests) {
        var differing = differing(services, containers, digests);
        var node = stack.node().name();
        return services.stream()
                .filter(service -> containers.stream()
                        .anyMatch(container -> container.service().equals(service)))
                .map(service -> {
                    var image = wanted.get(service);
                    var name = Docker.service(containers, service).orElseThrow().name();
                    return new Check(id(service), node, !differing.containsKey(service),
                            "one container " + stack.container(service)
                                    + (image == null ? "" : " of " + image.reference()
                            + (image.digest().isEmpty() ? ""
                                    : " (" + image.digest().replaceFirst("^.*@", "") + ")")),
                            String.join("; ", differing.getOrDefault(service, List.of("as it should be"))),
                            "something else on " + node + " changes it: docker inspect " + name + " there", 0);
                }).toList();
    }

    /** The id of the check of a service. */
    CheckId id(String service) {
        return CheckId.ofNode(stack.node(), service, "identity");
    }
}
