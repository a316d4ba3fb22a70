import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** verify --report of an unreachable fleet: nothing listens on its ports on this machine. */
class VerifyPageTest {
    @TempDir Path folder;
    private Path inventory;

    @BeforeEach
    void a_fleet() throws IOException {
        inventory = Files.writeString(folder.resolve("fleet.yaml"), """
                domain: ktrdr.test
                resolve: inventory
                ssh: {user: root, port: 1, connect_timeout: 2s}
                nodes:
                  core: {id: A, role: core, host: backend, address: 127.0.0.1, disk_free: 2GB}
                  workers-b: {id: B, role: workers, host: workers-b, address: 127.0.0.2, disk_free: 2GB, scale: 1}
                images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend}
                services: {backend: {port: 2}, grafana: {port: 3}, prometheus: {port: 4}, jaeger: {port: 5, otlp: 6}, \
                db: {port: 7}}
                """);
    }

    private List<String> written() throws IOException {
        try (var all = Files.list(folder)) {
            return all.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void it_is_written_whatever_was_found() throws IOException {
        var ran = ktrdr("verify", "--quick", "--report", "page.html").env("KTRDR_INVENTORY", inventory.toString())
                .in(folder).run();
        assertEquals(3, ran.exit(), ran::toString);
        assertEquals(List.of("fleet.yaml", "page.html"), written());
        var page = Files.readString(folder.resolve("page.html"));
        assertTrue(page.contains("checks do not hold</h1>") && page.contains("workers-b.ssh")
                && page.contains(">not reached<") && page.contains("inventory fleet.yaml"), page);
    }

    @Test
    void refuses_an_unwritable_report_path_before_asking_any_node() throws IOException {
        var ran = refused(2, ktrdr("verify", "--quick", "--report", "none/page.html").env("KTRDR_INVENTORY",
                inventory.toString()).in(folder).run(), "none/page.html cannot be written", "no folder");
        assertEquals("", ran.out());
        assertTrue(!ran.err().contains(".ssh"), ran::toString);
        assertEquals(List.of("fleet.yaml"), written());
    }
}
