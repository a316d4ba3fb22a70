package ktrdr;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Secrets;
import ktrdr.node.Mount;
import ktrdr.node.NodeFiles;
import ktrdr.node.Occupant;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import ktrdr.report.CheckId;

/** A test inventory in a temporary file, with the planned topology. */
public final class Fixtures {
    public static final String INVENTORY = """
            domain: ktrdr.test
            resolve: inventory
            nodes:
              core: {id: A, role: core, host: backend, address: 10.0.0.10, disk_free: 2GB, aliases: [grafana]}
              workers-b: {id: B, role: workers, host: workers-b, address: 10.0.0.11, disk_free: 2GB, scale: 2}
              gpu: {id: G, role: workers, host: gpu-1, address: 10.0.0.12, disk_free: 2GB, workers: {backtest: 0, \
            training: 1}}
            images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend}
            """;

    private Fixtures() {}

    /** The share as mounted on core: the exported folder. */
    public static final Mount SHARE = Mount.parse("/srv/ktrdr-shared\t0\t\t");

    public static Inventory inventory() {
        return inventory(INVENTORY);
    }

    public static Inventory inventory(String yaml) {
        var file = file(yaml);
        var inventory = Inventory.read(file);
        Documents.holdInventory(file);
        return inventory;
    }

    /** Parses a check id: of one of these nodes, of a target, otherwise of the fleet. */
    public static CheckId id(String text, String... nodes) {
        var target = text.startsWith("target.");
        var rest = target ? text.substring(7) : text;
        var node = Stream.of(nodes).filter(name -> rest.startsWith(name + ".")).findFirst().orElse("");
        var parts = (node.isEmpty() ? rest : rest.substring(node.length() + 1)).split("\\.", 2);
        if (target) return CheckId.ofTarget(node, String.join(".", parts));
        return parts.length == 1 && !node.isEmpty() ? CheckId.ofNode(node, parts[0])
                : new CheckId("", node, parts[0], parts.length == 1 ? "" : parts[1]);
    }

    /** The files of a node as staged for a release, with some changed afterwards (path to new content). */
    public static NodeFiles staged(Inventory inventory, String node, String tag, Map<String, String> changed) {
        var files = new HashMap<String, NodeFiles.FileState>();
        var manifest = new HashMap<String, String>();
        for (var file : new Templates(inventory).render(inventory.node(node), tag)) {
            var now = new Templates.NodeFile(file.path(), changed.getOrDefault(file.path(), file.content()), "644");
            files.put(file.path(), new NodeFiles.FileState(now.sha256(), "644", "0:0", now.content().length(),
                    Optional.of(now.content())));
            manifest.put(file.path(), file.sha256());
        }
        return new NodeFiles(files, Map.of(), Map.of(), manifest, Map.of(), List.of());
    }

    /** The stack of its core. */
    public static Stack core() {
        var inventory = inventory();
        return Stack.of(inventory, inventory.core());
    }

    /** By what the containers of {@link #INVENTORY} are known. */
    public static final Occupant.Marks MARKS = new Occupant.Marks("ktrdr-core", List.of("ktrdr-db", "ktrdr-backend"),
            Map.of("ktrdr-workers", ".env.workers"));

    /** Secrets from the environment, each with a distinct value. */
    public static Secrets secrets() {
        var environment = new HashMap<String, String>();
        for (var field : Secrets.Field.KNOWN)
            environment.put("KTRDR_SECRET_" + field.name().toUpperCase(), "value-of-" + field + "-".repeat(32));
        return Secrets.fetch(inventory(INVENTORY + "secrets: {provider: env}\n"), Set.copyOf(Secrets.Field.KNOWN),
                environment, new Console(Console.Color.never, false));
    }

    /** Writes a shell script that replaces a system program, for a PATH that starts with its folder. */
    public static void program(Path place, String script) throws IOException {
        Files.createDirectories(place.getParent());
        // written by another process: a process that another test forks would inherit the open file, and exec fails
        // while a file is open for writing
        LocalCommand.command("sh", "-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh", place.toString())
                .input("#!/bin/sh\n" + script + "\n").must();
    }

    public static Path file(String text) {
        try {
            var file = Files.createTempFile("inventory", ".yaml");
            file.toFile().deleteOnExit();
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
