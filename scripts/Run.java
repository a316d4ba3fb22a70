///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Run a shell script on nodes, side by side, and show what each one says

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

@Command(name = "run", header = "Run a shell script on nodes, side by side, and show what each one says.",
        description = {"",
                "For a look that no procedure has. The script runs under `set -eu` by the node's sh, as root where "
                        + "the inventory has sudo, and ends with this run: at its timeout, at "
                + "Ctrl-C, and with a connection that is lost. No lock is taken and nothing is noted, so what changes "
                + "a node is better left to the procedure that knows how.", ""},
        footer = {"", "Examples:",
            "  jbang run@ktrdr 'df -h /'                       on every node",
            "  jbang run@ktrdr 'docker ps | wc -l' B C         on two nodes",
            "  jbang run@ktrdr - B <check.sh                   a script from standard input: no secret of it is in "
                    + "anybody's list of processes",
            "  jbang run@ktrdr uptime -o json                  for machines: \"nodes\": [{\"node\", \"ok\", \"exit\", "
                    + "\"stdout\", \"stderr\"}]",
            "", "Exit codes: 0 the script ended well everywhere; 1 somewhere it did not; 2 wrong usage or inventory; "
                    + "3 a node could not be reached; 130 interrupted."})
public class Run implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Parameters(index = "0", paramLabel = "SCRIPT",
            description = "What sh is to run; - reads it from standard input.") String script;
    @Parameters(index = "1..*", paramLabel = "NODE",
            description = "Nodes by id, name or host; all of them without one.") List<String> names = List.of();
    @Option(names = "--timeout", paramLabel = "DURATION", defaultValue = "10m",
            description = "End it where it takes longer (default: ${DEFAULT-VALUE}).") Duration timeout;

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
