package ktrdr.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.node.NodeContainer;
import ktrdr.node.NodeFiles;
import ktrdr.release.History;
import ktrdr.release.OwnContainers;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.release.StackFactsBuilder;
import ktrdr.status.StatusFixtures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Conflicts with a node's stack are found, and nothing is deployed over them. */
class InstallationTest {
    private static final Inventory FLEET = Fixtures.inventory();
    @TempDir Path folder;

    private static StackFacts facts(String takeover, NodeContainer... beside) {
        return StackFactsBuilder.node().beside(List.of(beside)).takeover(takeover).build();
    }

    private static String wrong(String node, StackFacts facts) {
        return Installation.untouchable(FLEET, Stack.of(FLEET, FLEET.node(node)), facts)
                .map(problem -> problem.sentence() + " " + problem.details()).orElse("");
    }

    @Test
    void a_name_or_a_port_of_ours_in_another_project_is_in_the_way() {
        assertTrue(wrong("B", facts("", new NodeContainer("training-worker-1", "ktrdr-workers-b", Set.of())))
                .contains("training-worker-1 of the project ktrdr-workers-b"));
        assertTrue(wrong("B", facts("", new NodeContainer("anything", "", Set.of(5003))))
                .contains("jbang takeover@ktrdr B"));
        assertTrue(wrong("core", facts("", new NodeContainer("api", "theirs", Set.of(8000))))
                .contains("jbang takeover@ktrdr core"));
    }

    @Test
    void takeover_includes_the_gpu_worker_of_an_old_installation() {
        var fleet = Fixtures.inventory(Fixtures.INVENTORY.replace("workers: {backtest: 0, training: 1}", "gpu: true"));
        var theirs = facts("", new NodeContainer("training-worker-gpu", "ktrdr-gpuworker", Set.of(5005)));
        assertEquals(List.of("training-worker-gpu"), Installation.foreign(fleet, Stack.of(fleet, fleet.node("G")),
                theirs).stream().map(NodeContainer::name).toList());
        assertTrue(Installation.inTheWay(fleet, Stack.of(fleet, fleet.node("G")), theirs).orElseThrow().details()
                .get("to do").startsWith("jbang takeover@ktrdr G"));
        // not planned for this node, so the name alone is a conflict
        assertTrue(wrong("B", facts("", new NodeContainer("training-worker-gpu", "", Set.of())))
                .contains("training-worker-gpu"));
    }

    private static NodeContainer from(String folder, String name, String project) {
        return new NodeContainer(name, project, Set.of(), folder);
    }

    @Test
    void containers_of_the_project_from_another_folder_are_reported() {
        var wrong = wrong("B", facts("", from("/srv/b", "training-worker-1", "ktrdr-workers"),
                from("", "backtest-worker-1", "ktrdr-workers")));
        assertTrue(wrong.contains("were started from another folder")
                && wrong.contains("training-worker-1, started from /srv/b") && wrong.contains("mv -T '/srv/b' ")
                && wrong.contains("Nothing was changed") && !wrong.contains("backtest-worker-1"), wrong);
        assertTrue(wrong("B", facts("", from("/srv/b", "a-name-of-its-own", "ktrdr-workers")))
                .contains("a-name-of-its-own, started from /srv/b"));
        assertTrue(wrong("core", facts("", from("/srv/core", "ktrdr-db", "ktrdr-core")))
                .contains("ktrdr-db, started from /srv/core"));
        // containers of another project, or unknown ones in core's project
        assertEquals("", wrong("core", facts("", from("/srv/mcp", "ktrdr-mcp", "ktrdr-core"),
                from("/srv/web", "web", "shop"), from("/srv/old", "ktrdr-db-before-takeover", "ktrdr-core"))));
    }

    @Test
    void names_a_containers_folder_only_if_it_exists_and_differs() throws IOException {
        var ours = Files.createDirectories(folder.resolve("ours"));
        var other = Files.createDirectories(folder.resolve("other one"));
        var link = Files.createSymbolicLink(folder.resolve("link"), ours);
        var said = List.of("a|p||" + ours, "b|p|0.0.0.0:80->80/tcp|" + other, "c|p||" + link, "d|p||/gone/since",
                "e|||").stream().collect(Collectors.joining("\n"));
        Fixtures.program(folder.resolve("docker"), "#!/bin/sh\ncat <<'E'\n" + said + "\nE\n");
        for (var directory : List.of(ours, link)) {
            var answer = LocalCommand.command("sh", "-s")
                    .input("PATH=" + folder + ":$PATH\n" + Facts.SAY + Sh.let("directory", directory.toString())
                            + NodeContainer.SCRIPT + "say end yes\n").must().out();
            assertEquals(List.of("", other.toString(), "", "", ""),
                    NodeContainer.parse(Facts.parse(answer)).stream().map(NodeContainer::folder).toList());
        }
    }

    @Test
    void what_is_ours_or_only_beside_it_is_not() {
        assertEquals("", wrong("B", facts("", new NodeContainer("training-worker-1", "ktrdr-workers", Set.of(5005)),
                new NodeContainer("web", "shop", Set.of(80, 443)),
                new NodeContainer("node-exporter", "theirs", Set.of(9100)),
                new NodeContainer("training-worker-1-before-takeover", "", Set.of()))));
        assertEquals("", wrong("core", facts("done", new NodeContainer("ktrdr-mcp", "ktrdr-core", Set.of()))));
    }

    @Test
    void refuses_to_replace_foreign_files_that_containers_run_from() {
        var stack = Stack.of(FLEET, FLEET.node("core"));
        var there = StatusFixtures.containers(FLEET.node("core"));
        var theirs = new NodeFiles(Map.of("docker-compose.core.yml", new NodeFiles.FileState("hash", "644", "0:0", 1,
                Optional.empty())), Map.of(), Map.of(), Map.of(), Map.of(), List.of());
        var ours = new NodeFiles(theirs.files(), Map.of(), Map.of(), Map.of("docker-compose.core.yml", "hash"),
                Map.of(), List.of());
        assertTrue(Installation.unmade(FLEET, stack, running(there, theirs)).orElseThrow().sentence()
                .contains("core: containers run in the Compose project ktrdr-core from files"));
        assertEquals(List.of(),
                Stream.of(running(there, ours), running(List.of(), theirs), running(there, NodeFiles.NONE))
                        .flatMap(facts -> Installation.unmade(FLEET, stack, facts).stream()).toList(),
                "ours; nothing runs; an empty folder");
    }

    private static StackFacts running(List<Docker.Container> containers, NodeFiles files) {
        return StackFactsBuilder.node().files(files).containers(containers).build();
    }

    @Test
    void a_takeover_that_was_cut_stands_in_the_way_of_everything() {
        assertTrue(wrong("core", facts("open")).contains("jbang takeover@ktrdr core --back"));
    }

    @Test
    void foreign_services_in_cores_project_are_not_its_containers() {
        var lines = Stream.of("mcp", "alertmanager", "db").map(service -> """
                {"Id":"1","Name":"/ktrdr-%s","Config":{"Labels":{"com.docker.compose.project":"ktrdr-core","com.docker\
                .compose.service":"%s"}}}""".formatted(service, service));
        var there = Docker.containers(String.join("\n", lines.toList()));
        var core = new OwnContainers(Stack.of(FLEET, FLEET.core()), History.NONE);
        assertEquals(List.of("alertmanager", "db"), core.of(there).stream()
                .map(Docker.Container::service).toList());
        assertEquals(List.of("mcp"), core.strays(there).stream().map(Docker.Container::service).toList());
    }

    @Test
    void ports_are_read_as_the_engine_lists_them() {
        var facts = Facts.parse(
                "beside\tweb|shop|0.0.0.0:8000-8002->8000-8002/tcp, [::]:443->8443/tcp, "
                        + "9000/tcp\nbeside\tdb||\nend\tyes\n");
        assertEquals(List.of(new NodeContainer("web", "shop", Set.of(443, 8000, 8001, 8002)),
                new NodeContainer("db", "", Set.of())), NodeContainer.parse(facts));
    }
}
