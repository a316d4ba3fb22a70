///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Open a Java prompt with the fleet and the library at hand

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.cli.Cli;
import ktrdr.shell.JavaShell;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(name = "console", header = "Open a Java prompt with the fleet and the library at hand.",
        description = {"",
            "JShell with the library imported: nodes, backend, operations, Prometheus and database have short names. "
                    + "help() lists them, with examples. A node is connected on first use. From a file or standard "
                    + "input, the value of each expression is printed, and the first error ends the run.",
            ""},
        footer = {"", "Examples:",
            "  jbang console@ktrdr                               a prompt, with Tab and history",
            "  jbang console@ktrdr check.jsh                     a file",
            "  echo 'fleet.run(\"uptime\")' | jbang console@ktrdr  standard input",
            "  echo 'db.query(\"select 1\")' | jbang console@ktrdr -o json  each value as a line of JSON",
            "",
            "Exit codes: 0 no error; 1 something failed; 2 wrong usage or inventory, or invalid Java; 3 a node or "
                    + "the backend could not be reached."})
public class Console implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Parameters(index = "0", arity = "0..1", paramLabel = "FILE",
            description = "Java to run, such as check.jsh; else a prompt, or standard input.") Path file;

    public static void main(String... args) {
        Cli.main(new Console(), args);
    }

    @Override
    public Exit call() {
        var shell = new JavaShell(common.inventory(), common.console());
        if (file == null && common.console().interactive()) {
            common.console().note("help() lists all names; /exit ends");
            return shell.interactive();
        }
        try (var source = file == null
                ? new BufferedReader(new InputStreamReader(common.invocation().in(), StandardCharsets.UTF_8))
                : Files.newBufferedReader(file)) {
            return shell.run(file == null ? "standard input" : file.toString(), source, common.json());
        } catch (IOException e) {
            throw Problem.usage(file + " cannot be read").found(e.toString()).because(e);
        }
    }
}
