package ktrdr.health;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import ktrdr.Console;
import ktrdr.Units;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.MachineFacts;
import ktrdr.report.Check;

/**
 * The "Infrastructure verification record": nodes, addresses, hardware, versions, and each check with its outcome, as
 * Markdown.
 */
public final class MachineRecord {
    private MachineRecord() {}

    /** The record's lines. What nodes say is shown as text: it can neither end a cell nor be read as markup. */
    public static List<String> markdown(Inventory inventory, Map<Node, MachineFacts> facts, List<Check> checks,
            Instant when, String from) {
        var lines = new ArrayList<>(List.of("# Infrastructure verification record", "",
                "- date: " + when.truncatedTo(ChronoUnit.SECONDS), "- from: " + text(from),
                "- inventory: " + text(inventory.source().toString()),
                "- outcome: " + Check.summary(checks), "", "## Nodes", "",
                "| node | id | name | address | CPUs | memory | system | kernel | Docker | Compose |",
                "|---|---|---|---|---|---|---|---|---|---|"));
        for (var node : inventory.nodes()) lines.add(row(nodeCells(inventory, node, facts.get(node))));
        lines.addAll(List.of("", "## Checks", "", "| node | check | outcome | expected | found |",
                "|---|---|---|---|---|"));
        for (var check : checks) lines.add(
                row(List.of(check.node(), check.id(), check.ok() ? "ok" : "FAILED", check.expected(),
                        check.found())));
        return lines;
    }

    private static List<String> nodeCells(Inventory inventory, Node node, MachineFacts host) {
        var cells = new ArrayList<>(List.of(node.name(), node.id(), inventory.fqdn(node), node.address().orElse("-")));
        if (host == null) cells.addAll(List.of("not reached", "-", "-", "-", "-", "-"));
        else for (var cell : List.of(String.valueOf(host.cpus()), Units.size(host.memory()), host.facts().get("os"),
                host.facts().get("kernel"),
                host.facts().get("docker"), host.facts().get("compose"))) cells.add(cell.isEmpty() ? "-" : cell);
        return cells;
    }

    private static String row(List<String> cells) {
        return "| " + String.join(" | ", cells.stream().map(MachineRecord::text).toList()) + " |";
    }

    /**
     * Any text as Markdown that shows it: one line, {@link Console#harmless}, each character that could be markup
     * escaped (CommonMark, "Backslash escapes").
     */
    static String text(String any) {
        return Console.harmless(any.replaceAll("[\\s\\u2028\\u2029]+", " "))
                .replaceAll("([\\\\`*_{}\\[\\]<>#|!&~$])", "\\\\$1").strip();
    }
}
