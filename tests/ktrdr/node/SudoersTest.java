package ktrdr.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import org.junit.jupiter.api.Test;

/** The sudo rules for the deploying login and the read-only login. */
class SudoersTest {
    private static Inventory inventory(String gpu, String rest) {
        return Fixtures.inventory(Fixtures.INVENTORY.replace("workers: {backtest: 0, training: 1}",
                "workers: {backtest: 0, training: 1}, ssh: {" + gpu + "}") + "ssh: {user: root}\n" + rest);
    }

    @Test
    void sudoers_allows_the_script_shell_and_names_the_nodes() {
        var lines = Sudoers.file(inventory("user: karl, sudo: true", "").nodes()).lines()
                .filter(line -> !line.startsWith("#")).toList();
        assertEquals(List.of("Defaults:karl !requiretty",
                "karl ALL=(root) NOPASSWD: /usr/bin/sh -s, /usr/bin/sh -c *, /bin/sh -s, /bin/sh -c *"), lines);
        assertTrue(Sudoers.file(inventory("user: karl", "").nodes())
                .startsWith("# For /etc/sudoers.d/ktrdr on gpu: owner root"));
    }

    @Test
    void where_nobody_needs_it_or_nobody_is_named_there_is_none() {
        var inventory = inventory("user: karl, sudo: true", "");
        assertTrue(assertThrows(Problem.class, () -> Sudoers.file(List.of(inventory.core()))).sentence()
                .startsWith("no node needs sudo"));
        assertEquals("core: the inventory names no login user",
                assertThrows(Problem.class, () -> Sudoers.file(Fixtures.inventory().nodes())).sentence());
    }

    @Test
    void read_only_commands_use_sudo_only_where_docker_needs_it() {
        var looking = inventory("user: karl, sudo: true", "").looking();
        assertEquals(Inventory.Sudo.WHERE_NEEDED, looking.node("gpu").ssh().sudo());
        assertEquals(Optional.of("karl"), looking.node("gpu").ssh().user());
        assertEquals(Inventory.Sudo.NEVER, looking.core().ssh().sudo());
    }

    @Test
    void read_only_commands_log_in_as_the_operator_without_sudo() {
        var inventory = inventory("user: karl, sudo: true, identity: /k", "operators: {user: watcher, identity: /w}\n");
        assertEquals(List.of("root", "root", "karl"),
                inventory.nodes().stream().map(node -> node.ssh().user().orElse("")).toList());
        for (var node : inventory.looking().nodes())
            assertEquals("watcher NEVER /w", node.ssh().user().orElse("") + " " + node.ssh().sudo() + " "
                    + node.ssh().identity().map(Path::toString).orElse(""));
        assertEquals(Optional.of(Path.of("/k")), inventory("user: karl, identity: /k", "operators: {user: watcher}\n")
                .looking().node("gpu").ssh().identity());
    }
}
