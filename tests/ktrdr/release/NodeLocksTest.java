package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.SshPeer;
import ktrdr.Started;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The locks of two nodes: two folders of one server with a real shell. */
class NodeLocksTest {
    private static final LockScripts.Owner KARL = LockScripts.Owner.now("karl@laptop", "deploy all sha-1");
    private static final LockScripts.Owner ANNA = LockScripts.Owner.now("anna@desk", "deploy all sha-2");
    private static final Console CONSOLE = new Console(Console.Color.never, false);
    @TempDir Path folder;
    @Started("0.0.0.0") private SshPeer peer;
    private Fleet fleet;
    private Node core;
    private Node workers;

    @BeforeEach
    void start() throws IOException {
        var inventory = Fixtures.inventory(
                ("domain: ktrdr.test\nresolve: inventory\nssh: {user: root, port: %d, known_hosts: %s, identity: "
                        + "%s}\nnodes:\n"
                + "  core: {role: core, host: backend, address: 127.0.0.1, directory: %s}\n  w: {role: workers, host: "
                + "w, address: 127.0.1.1, directory: %s, scale: 1}\n"
                + "images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend}\n")
                .formatted(peer.port(), peer.home.resolve(".ssh/known_hosts"),
                peer.home.resolve(".ssh/id_ecdsa"), directory("core"), directory("w")));
        var key = peer.known(peer.hostKey.getPublic()).replaceFirst("^\\S+", "");
        peer.knownHosts("*" + key + "[*]:*" + key);
        fleet = new Fleet(inventory, inventory.nodes(), CONSOLE);
        core = inventory.core();
        workers = inventory.node("w");
    }

    @AfterEach
    void stop() throws IOException {
        fleet.close();
        LocalCommand.command("sh", "-c", "rm -f /run/lock/ktrdr-core.* /run/lock/ktrdr-workers.*").must();
    }

    private Path directory(String name) {
        return folder.resolve(name);
    }

    private boolean held(String name) {
        return Files.exists(directory(name).resolve(".ktrdr/lock"));
    }

    /** A script that appends one line per run. */
    private String look(Node node) {
        return "echo x >>" + Sh.quote(folder.resolve("looks-" + node.name()).toString())
                + "\nprintf 'end\\tyes\\nend\\tyes\\n'\n";
    }

    private int looks(Node node) throws IOException {
        var file = folder.resolve("looks-" + node.name());
        return Files.exists(file) ? Files.readAllLines(file).size() : 0;
    }

    private NodeLocks take(LockScripts.Owner owner) {
        return NodeLocks.take(fleet, owner, Duration.ZERO, CONSOLE, this::look);
    }

    @Test
    void reuses_the_look_taken_with_the_lock_once_and_nothing_else() throws IOException {
        try (var locks = take(KARL)) {
            for (var node : fleet.nodes()) assertEquals("end\tyes\nend\tyes\n", locks.looked(node));
            assertEquals(1, looks(core));
            assertEquals("other\n", fleet.ssh(core).must("echo other"));
            // only once: the node may have changed since
            locks.looked(core);
            assertEquals(2, looks(core));
            assertTrue(held("core") && held("w"));
        }
        assertFalse(held("core") || held("w"));
    }

    @Test
    void a_failed_look_reports_its_scripts_error_and_keeps_the_lock() {
        try (var locks = NodeLocks.take(fleet, KARL, Duration.ZERO, CONSOLE,
                node -> "echo no such thing >&2; exit 9")) {
            var problem = assertThrows(Problem.class, () -> locks.looked(core));
            assertEquals("no such thing", problem.details().get("found"));
            assertTrue(held("core"));
        }
    }

    @Test
    void holds_all_locks_or_none_and_skips_a_locked_node() throws IOException {
        try (var others = NodeLocks.take(fleet.only(workers::equals), ANNA, Duration.ZERO, CONSOLE, node -> "")) {
            assertEquals(Exit.LOCKED, assertThrows(Problem.class, () -> take(KARL)).exit());
            assertFalse(held("core"));
            assertEquals(0, looks(workers));
            assertTrue(others.held() && held("w"));
        }
    }

    @Test
    void the_last_work_on_a_node_gives_its_lock_back_and_no_other() {
        try (var locks = take(KARL)) {
            assertEquals("at work\n", locks.last(core, "echo at work").out());
            assertFalse(held("core"));
            assertTrue(held("w"));
            assertEquals(3, locks.last(workers, "exit 3").exit());
            assertFalse(held("w"));
        }
    }

    @Test
    void runs_the_final_work_once_under_the_lock_before_releasing_it() {
        var heard = new ArrayList<String>();
        try (var locks = take(KARL)) {
            for (var node : fleet.nodes())
                locks.atEnd(node, "[ -d \"$directory/.ktrdr/lock\" ] && echo " + node.name(), result -> {
                    synchronized (heard) {
                        heard.add(result.out().strip());
                    }
                });
            locks.settle(core);
            locks.settle(core);
            assertEquals(List.of("core"), heard);
            assertTrue(held("core") && held("w"));
        }
        assertEquals(List.of("core", "w"), heard);
        assertFalse(held("core") || held("w"));
    }

    @Test
    void what_is_left_for_the_end_is_not_done_where_the_lock_was_lost() {
        var heard = new ArrayList<Integer>();
        try (var locks = take(KARL)) {
            var place = new LockScripts.Place(directory("core").toString(), "ktrdr-core");
            locks.atEnd(core, "touch " + Sh.quote(folder.resolve("done").toString()),
                    result -> heard.add(result.exit()));
            LocalCommand.command("sh", "-s")
                    .input(Sh.whole(LockScripts.release(place, KARL) + LockScripts.take(place, ANNA, LockScripts.LIFE)))
                    .must();
        }
        assertEquals(List.of(ScriptExit.LOCK_LOST.code), heard);
        assertFalse(Files.exists(folder.resolve("done")));
        assertTrue(held("core"));
    }
}
