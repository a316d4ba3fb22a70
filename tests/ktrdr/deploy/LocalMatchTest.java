package ktrdr.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.image.ArchivedImage;
import ktrdr.image.GivenImage;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import org.junit.jupiter.api.Test;

/** Which service an image of this machine is for: by its name, else by what it starts; in doubt it is refused. */
class LocalMatchTest {
    private static final String BACKEND = "registry.test:5000/ktrdr-backend";
    private static final String WORKER = "registry.test:5000/ktrdr-worker";
    private final Inventory one = Fixtures.inventory(Fixtures.INVENTORY);
    private final Inventory two = Fixtures.inventory(Fixtures.INVENTORY.replace("backend: registry",
            "worker: " + WORKER + ", backend: registry"));

    private static LocalMatch chosen(Inventory inventory, String words, List<Node> nodes, String... services) {
        return new LocalMatch(inventory, words, nodes, List.of(services));
    }

    private LocalMatch core(Inventory inventory, String... services) {
        return chosen(inventory, "core", List.of(inventory.core()), services);
    }

    private static ArchivedImage built(String command) {
        var config = "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Cmd\":[\"" + command + "\"]}}";
        return new ArchivedImage("linux/amd64", config.getBytes(StandardCharsets.UTF_8), new byte[0], "", List.of());
    }

    private static GivenImage image(String... names) {
        return new GivenImage(List.of(names), "image.tar", List.of(built(String.join(" ", names))));
    }

    private static Map<String, LocalMatch.Match> match(LocalMatch chosen, GivenImage... given) {
        return chosen.match(List.of(given), image -> true);
    }

    private static String refused(LocalMatch chosen, GivenImage... given) {
        var problem = assertThrows(Problem.class, () -> match(chosen, given));
        assertEquals(Exit.USAGE, problem.exit());
        return problem.sentence();
    }

    @Test
    void the_end_of_its_name_says_what_it_is_for() {
        for (var name : List.of("ktrdr-backend:dev", "ghcr.io/someone/ktrdr-backend:main", BACKEND + ":sha-1"))
            assertTrue(match(core(one), image(name)).get(BACKEND).named(), name);
        var all = chosen(two, "all", two.nodes());
        var matches = match(all, image("ktrdr-worker:dev"), image("ktrdr-backend:dev"));
        assertEquals(Set.of(BACKEND, WORKER), matches.keySet());
        assertEquals("ktrdr-worker:dev", matches.get(WORKER).image().words());
    }

    @Test
    void the_image_of_another_service_is_refused_by_its_name() {
        var sentence = refused(core(two, "backend"), image("ktrdr-worker:dev"));
        assertTrue(sentence.contains("ktrdr-worker:dev is an image for") && sentence.contains("backtest-worker-1"),
                sentence);
        assertTrue(refused(core(one, "backend"), image("grafana:11")).contains("is an image for grafana"));
    }

    @Test
    void every_service_that_follows_the_release_needs_one() {
        var sentence = refused(chosen(two, "all", two.nodes()), image("ktrdr-backend:dev"));
        assertTrue(sentence.contains("no image was given for backtest-worker-1"), sentence);
        assertTrue(refused(core(one), image("ktrdr-backend:a"), image("ktrdr-backend:b")).contains("two images"));
        assertTrue(refused(core(one), image("ktrdr-backend:a"), image("other:b")).contains("no service of these"));
        var none = core(one, "grafana");
        assertTrue(assertThrows(Problem.class, none::proveFollowing).sentence().contains("--local does not apply"));
    }

    @Test
    void an_archive_may_hold_more_than_is_needed() {
        var matches = core(one).match(List.of(image("ktrdr-backend:a"), image("postgres:15")), image -> false);
        assertEquals(Set.of(BACKEND), matches.keySet());
    }

    private static void like(LocalMatch.Match match, String command, Map<String, Set<String>> running) {
        match.proveLike(BACKEND, running, built(command));
    }

    @Test
    void what_it_starts_is_compared_with_what_runs() {
        var named = match(core(one), image("ktrdr-backend:dev")).get(BACKEND);
        var unnamed = match(core(one), image("mine:dev")).get(BACKEND);
        assertFalse(unnamed.named());
        assertTrue(match(core(one), image()).containsKey(BACKEND));
        var running = Map.of(BACKEND, Set.of(built("api").starts()), WORKER, Set.of(built("worker").starts()));
        Stream.of(named, unnamed).forEach(match -> like(match, "api", running));
        like(named, "a new start", running);
        like(named, "worker", Map.of());
        for (var match : List.of(named, unnamed)) {
            var problem = assertThrows(Problem.class, () -> like(match, "worker", running));
            assertTrue(problem.sentence().contains("is not an image of ktrdr-backend"), problem.sentence());
        }
        for (var there : List.of(running, Map.<String, Set<String>>of()))
            assertTrue(assertThrows(Problem.class, () -> like(unnamed, "a new start", there)).sentence()
                    .contains("it is not known whether"));
        // core and workers of one image start the same
        like(named, "api", Map.of(BACKEND, Set.of(built("api").starts()), WORKER, Set.of(built("api").starts())));
    }
}
