package ktrdr.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import ktrdr.Exit;
import ktrdr.Table;
import ktrdr.release.Stack;
import ktrdr.release.Templates;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/**
 * A run that loads what procedures load and does what they all do, from which lib/start.sh has the JVM make its archive
 * of classes. It reaches no network.
 */
@Command(name = "training", header = "Load what procedures load.", footer = {"", "Examples:"})
final class Training implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Parameters(paramLabel = "NODE", description = "Nodes by id, name or host.") List<String> nodes;

    /** The arguments: an inventory, and how the names of jars begin of which every class is to be loaded. */
    public static void main(String... args) throws IOException {
        for (var jar : System.getProperty("java.class.path").split(File.pathSeparator)) {
            var name = Path.of(jar).getFileName().toString();
            if (Arrays.stream(args).skip(1).anyMatch(name::startsWith)) load(Path.of(jar));
        }
        Cli.run(new Training(), "--help");
        Cli.run(new Training(), "-i", args[0]);
        Cli.run(new Training(), "-i", args[0], "-o", "json");
    }

    private static void load(Path jar) throws IOException {
        try (var file = new JarFile(jar.toFile())) {
            var names = file.stream().map(JarEntry::getName)
                    .filter(name -> name.endsWith(".class") && !name.contains("-"));
            for (var entry : names.toList())
                load(entry.substring(0, entry.length() - ".class".length()).replace('/', '.'));
        }
    }

    private static void load(String name) {
        try {
            Class.forName(name, false, Training.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError e) {
            // it needs a jar that is not here, and so no procedure needs it
        }
    }

    @Override
    public Exit call() {
        var inventory = common.inventory();
        var templates = new Templates(inventory);
        var table = Table.of("node", "services", "files");
        for (var node : inventory.nodes())
            table.row(node.name(), String.join(" ", Stack.of(inventory, node).services()),
                    String.valueOf(templates.render(node, "sha-1000001").size()));
        return common.rows(table);
    }
}
