package lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * The folder {@code .lab}: what a person needs to use the fleet.
 *
 * @param folder with id_ed25519, known_hosts and inventory.yaml
 */
public record Place(Path folder) {
    /** Of the lab that is there, else where a new one would have its folder. */
    public static Place of(Optional<Engine> engine) {
        var remembered = engine.map(one -> one.ask("network", "inspect", "--format", "{{index .Labels \"" + Layout.LABEL + "\"}}", Layout.NETWORK)).orElse("");
        return remembered.isBlank() ? choose(System.getenv(), Path.of("").toAbsolutePath()) : new Place(Path.of(remembered));
    }

    /** In $KTRDR_LAB, else beside the project's catalog here or above, else here. */
    static Place choose(Map<String, String> environment, Path here) {
        var named = environment.getOrDefault("KTRDR_LAB", "");
        if (!named.isBlank()) return new Place(here.resolve(named).resolve(".lab").normalize());
        for (var at = here; at != null; at = at.getParent()) if (Files.exists(at.resolve("jbang-catalog.json"))) return new Place(at.resolve(".lab"));
        return new Place(here.resolve(".lab"));
    }

    public Path inventory() {
        return folder.resolve("inventory.yaml");
    }

    Path identity() {
        return folder.resolve("id_ed25519");
    }

    Path knownHosts() {
        return folder.resolve("known_hosts");
    }

    /** Keys of hosts and registry, which people have no use for. */
    Path keys() {
        return folder.resolve("keys");
    }
}
