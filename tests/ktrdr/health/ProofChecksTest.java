package ktrdr.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import ktrdr.Facts;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.HttpPeer;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A service is proven as its Compose file asks for it, over the network as its users reach it. */
class ProofChecksTest {
    @TempDir Path folder;
    private Inventory fleet;

    /** The check of a service mcp whose port 80 is published at that one of this machine. */
    private Check check(int port, String proof) throws IOException {
        var stack = stack(port, proof);
        try (var http = new Http(fleet.overrides(), Duration.ofSeconds(5))) {
            var checks = new ProofChecks(fleet, http).checks(stack, List.of("mcp"));
            assertEquals(1, checks.size());
            return checks.get(0);
        }
    }

    private Stack stack(int port, String proof) throws IOException {
        var core = Files.createDirectories(Files.createTempDirectory(folder, "own").resolve("core"));
        Files.writeString(core.resolve("docker-compose.core.yml"), """
                name: ktrdr-core
                services:
                  mcp: {image: mcp, container_name: ktrdr-mcp, ports: ["%d:80"], x-ktrdr: {proof: %s}}
                """.formatted(port, proof));
        fleet = Fixtures.inventory(Fixtures.INVENTORY.replace("10.0.0.10", "127.0.0.1")
                + "templates: " + core.getParent() + "\n");
        return Stack.of(fleet, fleet.core());
    }

    private String asked(int status, String body, String proof) throws IOException {
        try (var peer = HttpPeer.saying(HttpPeer.whole(status, body.getBytes(StandardCharsets.UTF_8)))) {
            var check = check(peer.port(), proof);
            assertEquals("core.mcp.proof", check.id());
            return (check.ok() ? "ok " : "bad ") + check.found();
        }
    }

    @Test
    void an_answer_over_http_has_a_good_status_and_the_field() throws IOException {
        assertEquals("ok 200", asked(200, "anything", "{http: /health}"));
        assertEquals("bad 503 down", asked(503, "down", "{http: /health}"));
        assertEquals("ok status: ok", asked(200, "{\"status\": \"ok\"}", "{http: /health, field: status, is: ok}"));
        assertEquals("ok data.rows: 3", asked(200, "{\"data\": {\"rows\": 3}}", "{http: /health, field: data.rows}"));
        assertEquals("bad {\"status\": \"starting\"}",
                asked(200, "{\"status\": \"starting\"}", "{http: /health, field: status, is: ok}"));
        assertTrue(asked(200, "{}", "{http: /health, field: status}").startsWith("bad {}"));
        assertTrue(asked(200, "no JSON", "{http: /health, field: status}").startsWith("bad "));
    }

    @Test
    void a_command_ends_well_and_prints_what_is_expected() throws IOException {
        Fixtures.program(folder.resolve("docker"), "case $1 in\n  exec) shift 2; exec \"$@\" ;;\nesac\n");
        assertEquals("true: done", ran("{command: [echo, done]}"));
        assertEquals("true: it's", ran("{command: [sh, -c, \"printf \\\"it's\\\"\"], is: \"it's\"}"));
        assertEquals("false: 3", ran("{command: [echo, 3], is: 4}"));
        assertEquals("false: exit code 7 no", ran("{command: [sh, -c, \"echo no >&2; exit 7\"]}"));
        Fixtures.program(folder.resolve("psql"), "printf '%s|' \"$@\"\n");
        assertEquals("true: -w|-U||-d||-Atqc|select 1|", ran("{sql: select 1, is: -w|-U||-d||-Atqc|select 1|}"));
    }

    private String ran(String proof) throws IOException {
        var stack = stack(1, proof);
        var said = LocalCommand.command("sh", "-s").input("PATH=" + folder + ":$PATH\n" + Sh.whole(Facts.SAY
                + ProofChecks.question(stack, List.of("mcp")) + "say end yes\n")).must().out();
        var check = ProofChecks.answered(stack, List.of("mcp"), Facts.parse(said)).get(0);
        return check.ok() + ": " + check.found();
    }

    @Test
    void a_port_takes_a_connection_or_does_not() throws IOException {
        int port;
        try (var peer = HttpPeer.saying("")) {
            port = peer.port();
            assertEquals("it is taken", check(port, "{tcp: 80}").found());
        }
        var refused = check(port, "{tcp: 80}");
        assertTrue(!refused.ok() && refused.found().contains("refused"), refused::toString);
        assertEquals("on core: docker logs ktrdr-mcp", refused.fix());
    }
}
