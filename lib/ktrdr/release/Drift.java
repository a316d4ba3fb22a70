package ktrdr.release;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ktrdr.node.Docker;
import ktrdr.node.NodeFiles;

/**
 * How a node differs from its last good release through changes by others. Pure.
 *
 * @param files in words, such as ".env.core was changed"
 * @param services in words, such as "backend runs another image"
 * @param staged whether the toolkit's files are of a configuration that was staged and not deployed yet
 */
public record Drift(List<String> files, List<String> services, boolean staged) {
    public static final Drift NONE = new Drift(List.of(), List.of(), false);

    /**
     * Compares the files with those that the toolkit wrote, and the containers with the history's current entry; a node
     * without history has nothing to differ from.
     *
     * @param strays containers of the stack's project whose service is not one of the stack
     */
    public static Drift of(Stack stack, History history, NodeFiles files, List<Docker.Container> containers,
            List<Docker.Container> strays) {
        var current = history.current();
        if (current.isEmpty()) return new Drift(files(files), List.of(), false);
        var changed = new ArrayList<>(files(files));
        if (files.manifest().isEmpty())
            changed.add(NodeFiles.MANIFEST + ", the list of the toolkit's files, is missing");
        boolean staged = !files.manifest().isEmpty() && !KeptFiles.hash(files.manifest())
                .equals(current.get().configuration());
        var services = new ArrayList<>(services(stack, history, current.get(), containers));
        strays.forEach(container -> services.add(container.service()
                + " is not part of the stack: the container " + container.name()));
        return new Drift(List.copyOf(changed), List.copyOf(services), staged);
    }

    /**
     * The files that are not as the toolkit last wrote them, each with what became of it: "docker-compose.core.yml was
     * changed".
     */
    public static List<String> files(NodeFiles there) {
        var changed = new ArrayList<String>();
        there.manifest().forEach((path, hash) -> {
            var found = there.files().get(path);
            if (there.links().keySet().stream().anyMatch(link -> path.equals(link) || path.startsWith(link + "/")))
                changed.add(path + " is behind a symbolic link");
            else if (there.odd().containsKey(path)) changed.add(path + " is a " + there.odd().get(path));
            else if (found == null) changed.add(path + " is missing");
            else if (!found.sha256().equals(hash)) changed.add(path + " was changed");
        });
        return changed;
    }

    private static List<String> services(Stack stack, History history, History.Entry entry,
            List<Docker.Container> containers) {
        var differing = new ArrayList<String>();
        var wanted = new LinkedHashMap<String, Docker.Image>();
        entry.images().forEach((service, image) -> {
            if (!new OwnContainers(stack, history).deploys(service)) return;
            var proven = history.proven(service).filter(eachImage -> eachImage.id().equals(image.id()))
                    .orElse(image);
            wanted.put(service,
                    new Docker.Image(image.reference(), image.id(), image.digest(), proven.hash(),
                            proven.folder()));
        });
        var found = new Likeness(stack, wanted)
                .differing(containers.stream().map(Docker.Container::service).distinct()
                .toList(), containers, Map.of());
        wanted.keySet().stream().filter(service -> Docker.service(containers, service).isEmpty())
                .forEach(service -> differing.add(service + " is missing"));
        found.values().forEach(differing::addAll);
        containers.stream().map(Docker.Container::service).filter(service -> !wanted.containsKey(service))
                .distinct()
                .forEach(service -> differing.add(service + " is not part of the stack"));
        return differing;
    }

    /** Whether nothing differs. */
    public boolean none() {
        return files.isEmpty() && services.isEmpty();
    }

    /** In two words, for a table: "none", "1 file, 2 services". */
    public String words() {
        if (none()) return staged ? "staged" : "none";
        var words = new ArrayList<String>();
        if (!files.isEmpty()) words.add(files.size() + (files.size() == 1 ? " file" : " files"));
        if (!services.isEmpty()) words.add(services.size() + (services.size() == 1 ? " service" : " services"));
        return String.join(", ", words);
    }
}
