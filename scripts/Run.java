///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Run a shell script on nodes, in parallel, and show the output

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import ktrdr.CommandResult;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.cli.Cli;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.report.Document;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "run", header = "Run a shell script on nodes, in parallel, and show the output.",
        description = {"",
            "For questions that no procedure answers. The script runs under `set -eu` in the node's sh, as root if "
                    + "the inventory has sudo. It is stopped at the timeout, at Ctrl-C, and when the connection is "
                    + "lost. It takes no lock and leaves no entry in the history: to change a node, use the "
                    + "procedure for it.",
            ""},
        footer = {"", "Examples:",
            "  jbang run@ktrdr 'df -h /'                on every node",
            "  jbang run@ktrdr 'docker ps | wc -l' B C  on two nodes",
            "  jbang run@ktrdr - B <check.sh            a script from standard input, whose secrets do not show in "
                    + "process lists",
            "  jbang run@ktrdr uptime -o json           for machines: \"nodes\": [{\"node\", \"ok\", \"exit\", "
                    + "\"stdout\", \"stderr\"}]",
            "",
            "Exit codes: 0 the script succeeded on every node; 1 it failed on a node; 2 wrong usage or inventory; 3 "
                    + "a node could not be reached; 130 interrupted."})
public class Run implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Parameters(index = "0", paramLabel = "SCRIPT",
            description = "The script for sh; - reads it from standard input.") String script;
    @Parameters(index = "1..*", paramLabel = "NODE",
            description = "Nodes by id, name or host (default: all).") List<String> names = List.of();
    @Option(names = "--timeout", paramLabel = "DURATION", defaultValue = "10m",
            description = "Stop the script after this time (default: ${DEFAULT-VALUE}).") Duration timeout;

    public static void main(String... args) {
        Cli.main(new Run(), args);
    }

    private boolean isNode(String name) {
        try {
            return common.inventory().node(name) != null;
        } catch (Problem none) {
            return false;
        }
    }

    @Override
    public Exit call() throws IOException {
        var text = script.equals("-") ? new String(common.invocation().in().readAllBytes(), StandardCharsets.UTF_8)
                : script;
        if (text.isBlank()) throw Problem.usage("there is no script to run")
                .expected("a line for sh, as in jbang run@ktrdr uptime")
                .found(script.equals("-") ? "nothing on standard input" : "an empty one");
        if (names.stream().anyMatch(name -> !isNode(name)) && isNode(script)) throw Problem.usage(
                "run: the script comes before the nodes").expected("jbang run@ktrdr SCRIPT [NODE…]")
                .found(script + ", which is a node, in the place of the script")
                .fix("jbang run@ktrdr " + Sh.words(names) + " " + script);
        try (var fleet = common.fleet(names).once(); var step = common.console().step("fleet", "run")) {
            var ended = new ConcurrentHashMap<Node, CommandResult>();
            var said = fleet.each((node, ssh) -> {
                ended.put(node, ssh.run(text, timeout));
                return ssh.must(ended.get(node));
            });
            step.done(said.values().size() + " of " + fleet.nodes().size() + " nodes ended well");
            var nodes = said.all().stream().map(Fleet.NodeResult::node)
                    .map(node -> document(node, Optional.ofNullable(ended.get(node)))).toList();
            return common.report(Document.of("run", said.exit()).with("nodes", nodes).errors(said.problems()),
                    said.table("said"));
        }
    }

    /** Null where the script came to no end. */
    private static Map<String, Object> document(Node node, Optional<CommandResult> ended) {
        return Document.fields("node", node.name(), "ok", ended.filter(CommandResult::ok).isPresent(), "exit",
                ended.map(CommandResult::exit).orElse(null), "stdout", ended.map(CommandResult::out).orElse(null),
                "stderr", ended.map(CommandResult::err).orElse(null));
    }
}
