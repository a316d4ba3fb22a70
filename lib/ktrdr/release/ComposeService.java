package ktrdr.release;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import ktrdr.inventory.Part;

/**
 * A service of a Compose file, in the parts that decide something here.
 *
 * @param container the name of its container
 * @param image reference with its values filled in; {@code released} whether it follows the release tag
 * @param once how long it may take, if it runs to its end before the others are replaced; empty for a service that
 *     stays
 * @param profiles of which one has to be on; none if it always runs
 * @param after services that it depends on
 * @param ports inside the container to the port that they are published at
 * @param worker the type by which it registers with the backend, at the one port that it publishes; empty if it is none
 * @param scale its number among those of its type that the inventory counts, or gpu; empty if it always runs
 * @param proof that is asked for beyond Docker's health check
 * @param reads the configuration that it reads from files of the toolkit
 * @param busy the command that says whether it is at work, for which its stop waits; empty if it may be stopped at once
 * @param environment of its container by name, each value as the file has it; empty where it has none
 * @param part of which the toolkit knows more; empty for any other service
 */
public record ComposeService(String name, String container, String image, boolean released, Optional<Duration> once,
        Set<String> profiles, List<String> after, Map<Integer, Integer> ports, Optional<ServiceProof> proof,
        Optional<String> worker, Optional<String> scale, Optional<ServiceReads> reads, Optional<ServiceProof> busy,
        Map<String, String> environment, Optional<Part> part) {

    /** The same, with what another service of its name says where this one says nothing. */
    ComposeService or(ComposeService other) {
        return new ComposeService(name, container, image, released, once, profiles, after, ports, proof,
                worker.or(other::worker), scale.or(other::scale), reads.or(other::reads), busy, environment,
                part.or(other::part));
    }

    /** Whether it runs with these profiles on. */
    boolean active(Set<String> chosen) {
        return profiles.isEmpty() || profiles.stream().anyMatch(chosen::contains);
    }
}
