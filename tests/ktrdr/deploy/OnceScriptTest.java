package ktrdr.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import ktrdr.Fixtures;
import ktrdr.Recorded;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFactsBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Services that run once are made alone, in order, and run before the others. */
class OnceScriptTest {
    @TempDir Path folder;

    private OnceScript script() throws IOException {
        var core = Files.createDirectories(folder.resolve("own/core"));
        Files.writeString(core.resolve("docker-compose.core.yml"), """
                name: ktrdr-core
                services:
                  web: {image: web, depends_on: [migrate]}
                  migrate: {image: web, depends_on: [db], x-ktrdr: {once: 90s}}
                  db: {image: db, container_name: ktrdr-db}
                """);
        var fleet = Fixtures.inventory(Fixtures.INVENTORY + "templates: " + core.getParent() + "\n");
        var stack = Stack.of(fleet, fleet.core());
        return new OnceScript(NodePlan.plan(stack, Revision.of(fleet, stack, "sha-1"), stack.services(),
                StackFactsBuilder.node().build()));
    }

    @Test
    void it_is_as_it_was_recorded() throws IOException {
        assertEquals(List.of("migrate"), script().services());
        Recorded.same(OnceScriptTest.class, "once.sh", script().text(false));
    }

    @Test
    void a_return_to_an_earlier_release_runs_nothing_again() throws IOException {
        assertEquals("with_secrets docker compose --env-file .env.core -f docker-compose.core.yml up -d --no-start "
                + "--no-deps 'migrate' >&2 || exit 22\n", script().text(true));
    }
}
