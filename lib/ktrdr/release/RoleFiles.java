package ktrdr.release;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Role;

/** What the files of a role are called, in its folder of templates and on a node, and what a machine has once. */
final class RoleFiles {
    /** As Compose looks for it, in this order (its reference, "docker compose", option -f). */
    private static final List<String> COMPOSE =
            List.of("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml");

    private RoleFiles() {}

    /** The Compose file; a role of one's own without one is a {@link Problem}. */
    static String compose(Inventory inventory, Role role) {
        if (!role.own()) return "docker-compose." + role.name() + ".yml";
        var folder = inventory.templates().map(templates -> templates.resolve(role.name()));
        return COMPOSE.stream().filter(name -> folder.filter(at -> Files.isRegularFile(at.resolve(name))).isPresent())
                .findFirst().orElseThrow(() -> Problem.usage("the role " + role.name() + " has no Compose file")
                        .expected(folder.map(Path::toString).orElse("`templates: FOLDER` in the inventory, and there "
                                + role.name()) + "/" + COMPOSE.get(0))
                        .fix("a role is core, workers, or the name of a folder with a Compose file"));
    }

    /** What the file may be called that Compose reads on top of it, in this order (its reference, "Merge"). */
    static List<String> overrides(String compose) {
        var stem = compose.substring(0, compose.lastIndexOf('.'));
        var stems = COMPOSE.contains(compose) ? List.of("compose", "docker-compose") : List.of(stem);
        return stems.stream().flatMap(one -> Stream.of(".yml", ".yaml").map(end -> one + ".override" + end)).toList();
    }

    /**
     * Shell lines that take away what is there once a machine: those of a stack of one's own do nothing where the unit
     * is of another stack.
     */
    static String owned(Node node, String unit, String lines) {
        return !node.role().own() ? lines : "if grep -qsF " + Sh.quote(" " + node.directory() + "/")
                + " /etc/systemd/system/" + unit + "; then\n" + lines + "fi\n";
    }

    /** The env file. */
    static String env(Role role) {
        return role.own() ? ".env" : ".env." + role.name();
    }
}
