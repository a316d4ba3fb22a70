package ktrdr.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import ktrdr.CommandResult;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.deploy.ComposeChanges.Action;
import ktrdr.node.Docker;
import ktrdr.node.Registry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComposeChangesTest {
    /**
     * A running container of the practice fleet, as {@link Docker#containersOf} prints it, without health and network.
     */
    private static final String BACKEND = """
            {"Id":"06fd3b","Name":"/ktrdr-backend","Image":"sha256:33e141ae650f8b21fc7e1aa48f21f3bc1b680aa88c5978180b0\
            0b20a6aef6075","RestartCount":0,\
            "State":{"Status":"running","ExitCode":0,"StartedAt":"2026-11-24T21:41:00.1Z"},\
            "Config":{"Image":"registry.ktrdr.home.mynerd.place:5000/ktrdr-backend:sha-1000001","Labels":{\
            "com.docker.compose.config-hash":"d1eb9574929f5bd5365ff9e1cee23f017379c2bf21f861f870f4f506fd22a390","com.d\
            ocker.compose.container-number":"1",\
            "com.docker.compose.image":"sha256:33e141ae650f8b21fc7e1aa48f21f3bc1b680aa88c5978180b00b20a6aef6075","com\
            .docker.compose.oneoff":"False",\
            "com.docker.compose.project":"ktrdr-core","com.docker.compose.service":"backend","com.docker.compose.versi\
            on":"2.26.1"}}}""";
    private static final String HASH = "d1eb9574929f5bd5365ff9e1cee23f017379c2bf21f861f870f4f506fd22a390";
    private static final String ID = "sha256:33e141ae650f8b21fc7e1aa48f21f3bc1b680aa88c5978180b00b20a6aef6075";
    @TempDir Path folder;

    private static Action backend(String state, Map<String, String> hashes, Map<String, List<String>> images) {
        var containers = Docker.containers(BACKEND.replace("\"Status\":\"running\"", "\"Status\":\"" + state + "\""));
        return ComposeChanges.of(List.of("backend"), hashes, containers, images).get("backend");
    }

    @Test
    void a_container_made_from_the_same_configuration_and_image_stays() {
        assertEquals(Action.SAME, backend("running", Map.of("backend", HASH), Map.of("backend", List.of(ID))));
        assertEquals(Action.SAME, backend("running", Map.of("backend", HASH), Map.of()));
        for (var state : List.of("exited", "created", "restarting", "paused"))
            assertEquals(Action.START, backend(state, Map.of("backend", HASH), Map.of()), state);
    }

    /** The cause may be outside Compose's comparison, such as a proxy in Docker's config.json or a lost DNS server. */
    @Test
    void recreates_an_unhealthy_container_without_any_change() {
        for (var health : Map.of("unhealthy", Action.RECREATE, "starting", Action.SAME, "healthy", Action.SAME)
                .entrySet()) {
            var containers = Docker.containers(BACKEND.replace("\"Status\":\"running\"",
                    "\"Status\":\"running\",\"Health\":{\"Status\":\"" + health.getKey() + "\"}"));
            assertEquals(health.getValue(),
                    ComposeChanges.of(List.of("backend"), Map.of("backend", HASH), containers,
                    Map.of("backend", List.of(ID))).get("backend"), health.getKey());
        }
    }

    @Test
    void a_changed_configuration_or_image_recreates_the_container() {
        assertEquals(Action.RECREATE,
                backend("running", Map.of("backend", HASH.replace('d', 'e')), Map.of("backend", List.of(ID))));
        assertEquals(Action.RECREATE,
                backend("running", Map.of("backend", HASH),
                        Map.of("backend", List.of("sha256:other", "sha256:another"))));
        assertEquals(Action.RECREATE, backend("exited", Map.of("backend", HASH.replace('d', 'e')), Map.of()));
    }

    @Test
    void pulling_an_identical_image_changes_nothing_in_either_store() {
        for (var image : List.of(new Registry.Manifest("a", "sha256:manifest", ID, List.of()),
                new Registry.Manifest("a", ID, "sha256:config", List.of())))
            assertEquals(Action.SAME, backend("running", Map.of("backend", HASH), Map.of("backend", image.ids())));
    }

    @Test
    void creates_a_missing_service_and_recreates_one_without_a_hash() {
        var actions = ComposeChanges.of(List.of("db", "backend"), Map.of("db", HASH), Docker.containers(BACKEND),
                Map.of());
        assertEquals(Map.of("db", Action.CREATE, "backend", Action.RECREATE), actions);
        assertEquals(List.of("db", "backend"), List.copyOf(actions.keySet()));
    }

    /** Runs the script with a fake docker. */
    private CommandResult ask(String docker) throws IOException {
        Fixtures.program(folder.resolve("docker"), docker);
        var script = "PATH=" + Sh.quote(folder.toString())
                + ":$PATH\nwith_secrets() { (export SECRET=\"it's\"; exec \"$@\"); }\n"
                + ComposeChanges.script(folder.resolve("not there").toString(), "A='1'\n",
                        List.of("name: $x \"`date`\"\n"),
                        "say more yes\n");
        return LocalCommand.command("sh", "-s").input(Sh.whole(script)).run();
    }

    @Test
    void compose_gets_the_new_files_and_secrets_and_leaves_no_trace() throws IOException {
        var asked = ask("""
                printf '%s\\n' "$@" >"${0%/*}/arguments"
                cat "$5" "$7" >"${0%/*}/files"
                [ "$SECRET" = "it's" ] && [ "$3" = "${0%/*}/not there" ] || exit 1
                printf 'db 11\\nbackend 22\\n'
                """);
        assertEquals(Map.of("db", "11", "backend", "22"), ComposeChanges.hashes(Facts.parse(asked.out())));
        assertEquals("yes", Facts.parse(asked.out()).get("more"));
        assertEquals("A='1'\nname: $x \"`date`\"\n", Files.readString(folder.resolve("files")));
        var arguments = Files.readAllLines(folder.resolve("arguments"));
        assertEquals(List.of("config", "--hash", "*"), arguments.subList(arguments.size() - 3, arguments.size()));
        assertFalse(Files.exists(Path.of(arguments.get(4))));
        assertFalse(Files.exists(folder.resolve("not there")));
    }

    @Test
    void files_that_compose_refuses_are_no_answer() throws IOException {
        var refused = ask("echo 'required variable X is missing' >&2; exit 15\n");
        assertEquals(21, refused.exit());
        assertTrue(refused.err().contains("required variable X"));
    }

    @Test
    void the_script_is_clean_shell() {
        assumeTrue(LocalCommand.command("sh", "-c", "command -v shellcheck").run().ok(), "shellcheck is not installed");
        var said = LocalCommand.command("shellcheck", "-S", "warning", "-")
                .input("#!/bin/sh\nset -eu\nwith_secrets() { \"$@\"; }\n"
                        + ComposeChanges.script("/opt/a b", "A=1\n", List.of("b\n"), "")).run();
        assertTrue(said.ok(), said::out);
    }
}
