import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two nodes have each other's address in the inventory: every procedure reports that, and none changes anything. */
@Tag("fleet")
class SwappedAddressesTest {
    private static final String CORE = "10.42.1.10";
    private static final String B = "10.42.1.11";
    private static final String C = "10.42.1.12";
    @TempDir Path folder;
    /** The fleet, which no test changes but those that end with {@link #backAgain}; they forget it. */
    private static String before = "";

    @BeforeAll
    static void a_release_runs_everywhere() {
        Aftermath.deployed();
    }

    @BeforeEach
    void remember() {
        if (before.isEmpty()) before = World.everything();
    }

    private static void nothingWasChanged() {
        var expected = before;
        before = "";
        var now = World.everything();
        assertEquals(expected, now);
        before = now;
    }

    private static void backAgain() {
        before = "";
        var ran = ktrdr("deploy", "workers", "C", "--tag", "sha-1000001", "--wait", "2m").run();
        assertEquals(0, ran.exit(), ran::toString);
    }

    /**
     * The lab's inventory with two addresses swapped. The host keys are listed by address alone, so that ssh accepts
     * them.
     */
    private Path swapped(String text, String other, String... more) throws IOException {
        var names = List.of("backend", CORE, "workers-b", B, "workers-c", C);
        var known = Files.readAllLines(World.folder().resolve("known_hosts")).stream().map(line -> {
            int at = names.indexOf(line.replaceFirst("[. ].*", ""));
            return names.get(at + 1) + line.substring(line.indexOf(' '));
        }).collect(Collectors.joining("\n", "", "\n"));
        var all = new ArrayList<>(List.of("address: " + text + ",", "address: 0,", "address: " + other + ",",
                "address: " + text + ",", "address: 0,", "address: " + other + ",",
                "known_hosts: known_hosts", "known_hosts: " + Files.writeString(folder.resolve("known"), known)));
        all.addAll(List.of(more));
        return World.inventory(folder, all.toArray(String[]::new));
    }

    private Ran run(Path inventory, String words) {
        var all = new ArrayList<>(List.of(words.split(" ")));
        all.addAll(List.of("-i", inventory.toString()));
        return ktrdr(all.toArray(String[]::new)).run();
    }

    private static final String B_IS_C = "workers-b: the host that answers at " + C + " is workers-c, not workers-b";

    @ParameterizedTest
    @ValueSource(strings = {"deploy workers B --tag sha-1000001", "deploy all --tag sha-1000001",
            "deploy workers B --tag sha-2000002 --dry-run", "stage workers B --tag sha-2000002", "stage all --check",
        "rollback workers B --yes", "rollback workers B --list", "scale B 1 --yes", "restart workers B",
            "retire B --yes", "retire B --dry-run", "setup-nfs B", "setup-nfs --check",
            "rotate-secret db_password --yes", "takeover B --yes --tag sha-1000001"})
    void two_workers_nodes_with_folders_of_the_same_name(String words) throws IOException {
        var inventory = swapped(B, C, "/opt/ktrdr-workers-b", "/opt/ktrdr-workers", "/opt/ktrdr-workers-c",
                "/opt/ktrdr-workers");
        refused(1, run(inventory, words), B_IS_C, "correct the `address` of workers-b and workers-c in",
                "containers of ktrdr-workers that were started for workers-c");
        nothingWasChanged();
        assertEquals("", World.on("workers-c", "ls -d /opt/ktrdr-workers 2>/dev/null || :"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"deploy workers B --tag sha-1000001", "stage workers B --tag sha-1000001",
            "rollback workers B --yes", "scale B 1 --yes", "retire B --yes"})
    void two_workers_nodes_each_with_a_folder_of_its_own(String words) throws IOException {
        refused(1, run(swapped(B, C), words), B_IS_C);
        nothingWasChanged();
    }

    @ParameterizedTest
    @ValueSource(strings = {"deploy core all --tag sha-1000001", "deploy workers B --tag sha-1000001",
            "stage all --tag sha-1000001", "rollback all --yes", "retire B --yes --core", "setup-nfs"})
    void core_and_a_workers_node(String words) throws IOException {
        var ran = run(swapped(CORE, B), words);
        assertEquals(1, ran.exit(), ran::toString);
        assertTrue(ran.err().contains("core: the host that answers at " + B + " is workers-b, not core")
                || ran.err().contains("workers-b: the host that answers at " + CORE + " is core, not workers-b"),
                ran::toString);
        nothingWasChanged();
    }

    @ParameterizedTest
    @ValueSource(strings = {"status", "verify --quick", "verify-infra"})
    void who_only_looks_says_it_once_for_each(String words) throws IOException {
        var workers = run(swapped(B, C), words);
        refused(1, workers, "workers-b.host does not hold",
                "the host that answers at " + C + " is workers-c, not workers-b", "workers-c.host does not hold");
        var core = run(swapped(CORE, B), words);
        refused(1, core, "core.host does not hold", "the host that answers at " + B + " is workers-b, not core",
                "workers-b.host does not hold");
    }

    @Test
    void hosts_that_are_known_by_name_are_told_by_their_keys() throws IOException {
        var inventory = World.inventory(folder, "address: " + B + ",", "address: 0,", "address: " + C + ",",
                "address: " + B + ",", "address: 0,", "address: " + C + ",");
        for (var words : List.of("deploy workers B --tag sha-1000001", "verify --quick", "status"))
            refused(3, run(inventory, words), B_IS_C + ", by the key that it shows", "which is that of workers-c");
        nothingWasChanged();
    }

    @Test
    void a_fresh_host_that_calls_itself_as_another_node() throws IOException {
        var name = World.on("workers-c", "uname -n").strip();
        World.on("workers-c",
                "docker ps -aq --filter label=com.docker.compose.project=ktrdr-workers | xargs docker rm -f "
                        + ">/dev/null; hostname workers-c");
        try {
            refused(1, run(swapped(B, C), "deploy workers B --tag sha-1000001"), B_IS_C,
                    "a host that calls itself workers-c", "hostnamectl set-hostname workers-b");
        } finally {
            World.on("workers-c", "hostname " + name);
            backAgain();
        }
    }

    @Test
    void the_way_on_that_is_named_makes_it_the_other_node() throws IOException {
        // as if only B's address had been reassigned: C has another one from now on
        var inventory = swapped(B, C);
        World.on("workers-c", "docker compose -p ktrdr-workers down 2>/dev/null");
        try {
            assertEquals(0, run(inventory, "deploy workers B --tag sha-1000001 --dry-run").exit());
        } finally {
            backAgain();
        }
    }
}
