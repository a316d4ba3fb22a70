///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Prove that the system works: services, workers by node, Prometheus targets

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import ktrdr.Check;
import ktrdr.Checks;
import ktrdr.Cli;
import ktrdr.Docker;
import ktrdr.Exit;
import ktrdr.Fleet;
import ktrdr.Http;
import ktrdr.Inventory;
import ktrdr.Inventory.Node;
import ktrdr.Inventory.Role;
import ktrdr.Problem;
import ktrdr.Ssh;
import ktrdr.Stack;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "verify", header = "Prove that the system works: services, workers by node, Prometheus targets.",
        description = {"", "Containers on every node, the health of every service, a query to the database, each worker of the inventory by its "
                + "address, each Prometheus target. Nothing is changed.", ""},
        footer = {"", "Examples:",
            "  jbang verify@ktrdr --quick              a table of checks",
            "  jbang verify@ktrdr --quick --wait 60s   until all hold, for a minute at most",
            "  jbang verify@ktrdr --quick -o json      for machines: {\"ok\": …, \"checks\": [{\"id\", \"node\", \"ok\", \"expected\", \"found\", …}]}",
            "", "Exit codes: 0 all hold; 1 one does not; 3 a node could not be reached."})
public class Verify implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Option(names = "--quick", required = true, description = "The checks that take no longer than a few seconds (the only ones so far).") boolean quick;
    @Option(names = "--wait", paramLabel = "D", defaultValue = "0s", description = "Check again for so long while something does not hold yet.") Duration wait;

    public static void main(String... args) {
        Cli.main(new Verify(), args);
    }

    @Override
    public Exit call() throws InterruptedException {
        var inventory = common.inventory();
        long deadline = System.nanoTime() + wait.toNanos();
        try (var fleet = common.fleet(List.of()); var http = new Http(inventory.overrides(), Duration.ofSeconds(5));
                var step = common.console().step("fleet", "verify")) {
            var checks = new Checks(inventory, http);
            var found = check(inventory, fleet, checks);
            while (!Check.allOk(found.checks()) && System.nanoTime() < deadline) {
                step.now(found.checks().stream().filter(check -> !check.ok()).count() + " checks do not hold yet");
                Thread.sleep(1000);
                found = check(inventory, fleet, checks);
            }
            step.close();
            return common.checks(found.checks(), found.problems().values(), Map.of());
        }
    }

    private record Found(List<Check> checks, Map<Node, Problem> problems) {}

    private Found check(Inventory inventory, Fleet fleet, Checks checks) {
        var onNodes = fleet.each((node, ssh) -> onNode(Stack.of(inventory, node), ssh, checks));
        var all = new ArrayList<Check>();
        onNodes.values().values().forEach(all::addAll);
        onNodes.problems().forEach((node, problem) -> all.add(Check.unreached(node.name(), problem, "ssh " + inventory.fqdn(node))));
        all.addAll(checks.core(Stack.of(inventory, inventory.core()).services()));
        all.addAll(checks.workers(inventory.workers()));
        all.addAll(checks.targets());
        return new Found(all, onNodes.problems());
    }

    private static List<Check> onNode(Stack stack, Ssh ssh, Checks checks) {
        var containers = Docker.containers(ssh.must(Docker.containersOf(stack.project())));
        var found = Checks.containers(stack, stack.services(), containers);
        return stack.node().role() == Role.CORE ? Stream.concat(found.stream(), Stream.of(checks.database(ssh))).toList() : found;
    }
}
