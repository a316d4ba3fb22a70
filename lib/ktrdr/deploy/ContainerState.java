package ktrdr.deploy;

import java.util.List;
import java.util.Map;
import ktrdr.node.Docker;
import ktrdr.release.StackFacts;

/**
 * The containers of a node at one moment.
 *
 * @param digests of their images, by id
 */
record ContainerState(List<Docker.Container> containers, Map<String, List<String>> digests) {
    static final ContainerState NONE = new ContainerState(List.of(), Map.of());

    static ContainerState of(StackFacts facts) {
        return new ContainerState(facts.containers(), facts.digests());
    }

    /** What each service runs. */
    Map<String, Docker.Image> images() {
        return Docker.images(containers, digests);
    }
}
