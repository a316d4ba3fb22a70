package runbook;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import ktrdr.release.LockScripts;
import lab.Faults;
import lab.Faults.Fault;
import lab.World;

/**
 * The fault or precondition on the practice fleet for each section of the runbook, by its heading. Closing it repairs
 * what the section does not.
 */
public final class Symptoms {
    private Symptoms() {}

    /**
     * @param folder keeps files until the fault is closed
     * @param secrets the file that the inventory names as its provider of secrets
     */
    public static Map<String, Supplier<Fault>> on(Path folder, Path secrets) {
        var symptoms = new LinkedHashMap<String, Supplier<Fault>>();
        addPreparations(symptoms, secrets);
        addStopped(symptoms);
        addShare(symptoms);
        addDashboard(symptoms);
        addNodes(symptoms, folder);
        return symptoms;
    }

    /** Preconditions of sections without a fault. */
    private static void addPreparations(Map<String, Supplier<Fault>> symptoms, Path secrets) {
        symptoms.put("the daily checklist", () -> {
            World.sql("CREATE TABLE IF NOT EXISTS bars AS SELECT i AS id, 'AAPL' AS symbol, i * 1.5 AS close FROM "
                    + "generate_series(1, 1000) i");
            return nothing();
        });
        symptoms.put("rotate a secret", () -> {
            World.secretsWith(secrets, "jwt_secret", "another-secret-of-more-than-32-characters");
            return nothing();
        });
    }

    private static void addStopped(Map<String, Supplier<Fault>> symptoms) {
        symptoms.put("workers not registering", () -> stopped("workers-b", "backtest-worker-1"));
        symptoms.put("database connections failing", () -> stopped("core", "ktrdr-db"));
        symptoms.put("a target down", () -> {
            stopped("workers-b", "ktrdr-node-exporter");
            await("curl -s 'http://localhost:9090/api/v1/query?query=up==0' | grep -q '\"node\":\"workers-b\"'");
            return nothing();
        });
    }

    private static void addShare(Map<String, Supplier<Fault>> symptoms) {
        symptoms.put("NFS mount failing", () -> {
            World.unmountShare("workers-b");
            return () -> World.mountShare("workers-b");
        });
        symptoms.put("permission denied on the share", () -> {
            World.on("core", "chown root:root /srv/ktrdr-shared/results; chmod 755 /srv/ktrdr-shared/results");
            return nothing();
        });
    }

    private static void addDashboard(Map<String, Supplier<Fault>> symptoms) {
        symptoms.put("an empty dashboard", () -> {
            World.on("core", "rm /opt/ktrdr-core/monitoring/grafana/dashboards/operations.json; docker restart -t 1 "
                    + "ktrdr-grafana >/dev/null");
            await("docker inspect --format '{{.State.Health.Status}}' ktrdr-grafana | grep -qx healthy");
            return nothing();
        });
    }

    private static void addNodes(Map<String, Supplier<Fault>> symptoms, Path folder) {
        symptoms.put("locked", () -> {
            World.on("workers-b", LockScripts.take(new LockScripts.Place("/opt/ktrdr-workers-b", "ktrdr-workers"),
                    LockScripts.Owner.now("karl@laptop", "deploy workers B sha-2000002"), Duration.ofSeconds(30)));
            return nothing();
        });
        symptoms.put("disk full", () -> {
            World.forget("workers-b", "sha-2000002");
            return Faults.fullDocker("workers-b");
        });
        symptoms.put("host key changed", () -> otherKey(folder.resolve("known_hosts.kept")));
        symptoms.put("a worker node is lost", () -> {
            World.bare("workers-b");
            return nothing();
        });
    }

    private static Fault stopped(String host, String container) {
        World.on(host, "docker stop -t 1 " + container + " >/dev/null");
        return nothing();
    }

    /** Waits on core until this condition holds. */
    private static void await(String condition) {
        World.on("core", "for i in $(seq 200); do ! " + condition + " || exit 0; sleep 0.2; done; exit 1");
    }

    private static Fault nothing() {
        return () -> { };
    }

    /** Replaces the key of workers-b in known_hosts by that of workers-c. */
    private static Fault otherKey(Path kept) {
        var known = World.folder().resolve("known_hosts");
        try {
            Files.copy(known, kept);
            var lines = Files.readAllLines(known);
            var other = lines.stream().filter(line -> line.startsWith("workers-c")).findFirst().orElseThrow()
                    .replaceFirst("^workers-c", "workers-b");
            Files.write(known, lines.stream().map(line -> line.startsWith("workers-b") ? other : line).toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return () -> {
            try {
                Files.move(kept, known, StandardCopyOption.REPLACE_EXISTING);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
    }
}
