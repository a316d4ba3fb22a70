package ktrdr.deploy;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import ktrdr.Problem;
import ktrdr.image.ArchivedImage;
import ktrdr.image.GivenImage;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Docker;
import ktrdr.release.Stack;

/**
 * Which of the images that a deployment runs each image of this machine is: by the end of its name, as
 * ktrdr-backend:dev is ghcr.io/kpiteira/ktrdr-backend, or by what it starts.
 */
public final class LocalMatch {
    private final String chosen;
    /** Service to repository, of the chosen services that follow the release. */
    private final Map<String, String> released = new LinkedHashMap<>();
    /** The same of every service of the inventory. */
    private final Map<String, String> all = new LinkedHashMap<>();

    /**
     * @param chosen the choice in words, for sentences
     * @param services of these nodes that are deployed; none for all
     */
    public LocalMatch(Inventory inventory, String chosen, List<Node> nodes, List<String> services) {
        this.chosen = chosen.strip();
        for (var node : inventory.nodes()) {
            var stack = Stack.of(inventory, node);
            stack.images(stack.services(), "local")
                    .forEach((service, image) -> all.put(service, Docker.repository(image)));
        }
        for (var node : nodes) {
            var stack = Stack.of(inventory, node);
            stack.images(stack.services(services), "local").forEach((service, image) -> {
                if (stack.released(service)) released.put(service, Docker.repository(image));
            });
        }
    }

    /** Throws a {@link Problem} if no chosen service follows the release. */
    void proveFollowing() {
        if (released.isEmpty()) throw Problem.usage("deploy " + chosen
                + ": none of these services follows the release, so --local does not apply")
                .expected("a service whose image has the tag of the release").found(chosen);
    }

    /**
     * An image for a repository.
     *
     * @param named whether its name says so, and not only that there is no other
     */
    record Match(GivenImage image, boolean named) {
        /**
         * Throws a {@link Problem} if it starts what another service starts, or if it has neither the name nor the
         * start of what runs now.
         *
         * @param running what the present containers start, by repository
         */
        void proveLike(String repository, Map<String, Set<String>> running, ArchivedImage built) {
            var here = running.getOrDefault(repository, Set.of());
            if (here.contains(built.starts())) return;
            running.forEach((other, starts) -> {
                if (starts.contains(built.starts())) throw Problem.failed(image.words() + " is not an image of "
                        + last(repository)).expected("one that starts what " + last(repository) + " starts")
                        .found("it starts the same as " + last(other) + ": "
                                + built.starts().replace(" | ", " ").strip())
                        .fix("give the image that is for it; nothing was changed");
            });
            if (!named) throw Problem.failed("it is not known whether " + image.words() + " is an image of "
                    + last(repository)).expected("the name " + last(repository)
                    + ", or a start like that of what runs now")
                    .found(image.names().isEmpty() ? "no name" : "another name, and another start")
                    .fix("docker tag " + image.words() + " " + last(repository) + ":dev; nothing was changed");
        }
    }

    /**
     * The image for each repository. One that is missing, one for another service and one too many are a
     * {@link Problem} of usage.
     *
     * @param each whether an image has to be of use
     */
    Map<String, Match> match(List<GivenImage> given, Predicate<GivenImage> each) {
        var matches = new LinkedHashMap<String, Match>();
        for (var repository : new LinkedHashSet<>(released.values())) {
            var exact = given.stream().filter(image -> names(image).contains(repository)).toList();
            var found = !exact.isEmpty() ? exact
                    : given.stream().filter(image -> ends(image).contains(last(repository))).toList();
            if (found.size() > 1) throw Problem.usage("two images for " + last(repository)).expected("one")
                    .found(found.stream().map(GivenImage::words).collect(Collectors.joining(", ")));
            if (!found.isEmpty()) matches.put(repository, new Match(found.get(0), true));
        }
        boolean one = given.size() == 1 && Set.copyOf(released.values()).size() == 1;
        if (matches.isEmpty() && one && other(given.get(0)).isEmpty())
            matches.put(released.values().iterator().next(), new Match(given.get(0), false));
        released.forEach((service, repository) -> {
            if (!matches.containsKey(repository)) throw missing(repository, given);
        });
        given.stream().filter(each).filter(image -> matches.values().stream()
                .noneMatch(match -> match.image().equals(image))).findFirst().ifPresent(image -> {
                    throw Problem.usage("deploy " + chosen + ": no service of these runs " + image.words())
                            .expected(repositories()).found(image.words());
                });
        return matches;
    }

    private Problem missing(String repository, List<GivenImage> given) {
        var others = given.stream().filter(image -> !other(image).isEmpty()).findFirst();
        if (others.isPresent() && others.stream().noneMatch(image -> ends(image).stream()
                .anyMatch(name -> released.values().stream().anyMatch(known -> last(known).equals(name)))))
            return Problem.usage(others.get().words() + " is an image for " + other(others.get()) + ", and deploy "
                    + chosen + " is for " + String.join(", ", released.keySet()))
                    .expected(repositories()).found(others.get().words())
                    .fix("give the image that is for these services; nothing was changed");
        return Problem.usage("deploy " + chosen + ": no image was given for " + String.join(", ", released.entrySet()
                .stream().filter(entry -> entry.getValue().equals(repository)).map(Map.Entry::getKey).toList()))
                .expected(last(repository) + ":TAG").found(given.stream().map(GivenImage::words)
                        .collect(Collectors.joining(", ")))
                .fix("add --local " + last(repository) + ":TAG, or deploy only services that run what is given");
    }

    /** The services of the inventory for which an image is by its name, and which are not among the chosen. */
    private String other(GivenImage image) {
        return all.entrySet().stream().filter(entry -> ends(image).contains(last(entry.getValue())))
                .filter(entry -> !released.containsValue(entry.getValue())).map(Map.Entry::getKey)
                .collect(Collectors.joining(", "));
    }

    private String repositories() {
        return released.values().stream().distinct().map(name -> last(name) + ":TAG")
                .collect(Collectors.joining(" and "));
    }

    private static List<String> names(GivenImage image) {
        return image.names().stream().map(Docker::repository).toList();
    }

    private static List<String> ends(GivenImage image) {
        return names(image).stream().map(LocalMatch::last).toList();
    }

    private static String last(String repository) {
        return repository.substring(repository.lastIndexOf('/') + 1);
    }
}
