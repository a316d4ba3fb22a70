package ktrdr.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.health.RootCauses;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import org.junit.jupiter.api.Test;

/** How problems that many nodes share are grouped in a report. */
class RepeatedTest {
    private static final String CORE = """
            domain: ktrdr.test
            resolve: inventory
            nodes:
              core: {id: A, role: core, host: backend, address: 10.0.0.10}
            """;
    private final Inventory inventory = Fixtures.inventory(CORE + IntStream.rangeClosed(1, 30)
            .mapToObj(i -> "  workers-" + i + ": {id: W" + i + ", role: workers, host: host-" + i + ", address: 10.0.1."
                    + i + "}\n").collect(Collectors.joining())
            + "images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend}\n");

    private Map<Node, Problem> of(List<Node> nodes, Function<Node, Problem> problem) {
        var problems = new LinkedHashMap<Node, Problem>();
        nodes.forEach(node -> problems.put(node, problem.apply(node)));
        return problems;
    }

    private static Problem refused(Node node) {
        return Problem.unreachable(node.name() + ": " + node.address().orElseThrow() + ":22 refuses the connection")
                .found("no ssh server at " + node.host())
                .fix("ssh root@" + node.host() + ".ktrdr.test");
    }

    @Test
    void what_thirty_nodes_have_alike_is_told_once_with_their_names() {
        var told = Repeated.once(of(inventory.workers(), RepeatedTest::refused));
        assertEquals(1, told.size());
        assertEquals("workers-1: 10.0.1.1:22 refuses the connection, and the same of 29 other nodes",
                told.get(0).sentence());
        assertEquals("ssh root@host-1.ktrdr.test", told.get(0).details().get("to do"));
        assertEquals(IntStream.rangeClosed(2, 30).mapToObj(i -> "workers-" + i).collect(Collectors.joining(", ")),
                told.get(0).details().get("the same"));
        assertEquals(Exit.UNREACHABLE, told.get(0).exit());
    }

    @Test
    void three_are_told_one_by_one() {
        assertEquals(3, Repeated.once(of(inventory.workers().subList(0, 3), RepeatedTest::refused)).size());
        assertEquals(1, Repeated.once(of(inventory.workers().subList(0, 4), RepeatedTest::refused)).size());
    }

    @Test
    void what_is_not_the_same_stands_alone_in_its_place() {
        var problems = of(inventory.workers(), RepeatedTest::refused);
        problems.put(inventory.node("workers-7"), Problem.locked("workers-7: somebody is at work there"));
        problems.put(inventory.node("workers-8"), refused(inventory.node("workers-8")).found("another thing"));
        assertEquals(List.of("workers-1: 10.0.1.1:22 refuses the connection, and the same of 27 other nodes",
                "workers-7: somebody is at work there",
                "workers-8: 10.0.1.8:22 refuses the connection"),
                Repeated.once(problems).stream().map(Problem::sentence).toList());
    }

    @Test
    void that_one_node_is_named_by_another_is_not_the_same() {
        var from = IntStream.rangeClosed(2, 6).mapToObj(i -> Problem.failed("workers-1 does not reach workers-" + i))
                .toList();
        assertEquals(5, Repeated.once(inventory.nodes(), from).size());
        var to = IntStream.rangeClosed(2, 6).mapToObj(i -> Problem.failed("workers-" + i + " does not reach workers-1"))
                .toList();
        assertEquals(List.of("workers-2 does not reach workers-1, and the same of 4 other nodes"),
                Repeated.once(inventory.nodes(), to).stream().map(Problem::sentence).toList());
    }

    @Test
    void a_problem_without_a_node_is_told_as_it_is() {
        var backend = Problem.failed("backend.health does not hold").found("no answer");
        assertEquals(List.of(backend, backend), Repeated.once(inventory.nodes(), List.of(backend, backend)));
    }

    @Test
    void the_same_failure_on_many_nodes_is_one_sentence() {
        var checks = inventory.workers().stream().flatMap(node -> List.of(
                new Check(CheckId.ofNode(node, "lock"), node.name(), false, "no lock of a dead run",
                        "one since yesterday", "jbang deploy@ktrdr workers " + node.id(), 0),
                new Check(CheckId.ofNode(node, "stack"), node.name(), true, "it is there", "it is", "", 0)).stream())
                .toList();
        assertEquals(List.of("workers-1.lock does not hold, and the same of 29 other nodes"),
                RootCauses.problems(inventory, checks).stream().map(Problem::sentence).toList());
    }
}
