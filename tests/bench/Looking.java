package bench;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.release.Stack;

/**
 * Duration of fleet checks: by {@code verify-infra} and {@code status}, and by the manual alternative, which checks
 * less and compares nothing.
 */
public final class Looking {
    private static final List<String> COMMANDS = List.of("hostname", "docker --version", "nproc; free -h", "df -h",
            "docker ps");
    private final Inventory inventory;
    private final Console console;
    private final String toolkit;

    /** @param toolkit the path of {@code ./ktrdr} */
    public Looking(Inventory inventory, Console console, String toolkit) {
        this.inventory = inventory;
        this.console = console;
        this.toolkit = toolkit;
    }

    /** The plan's commands (5.1), one ssh each, in sequence. */
    public SideBySide machines(Case what, int pairs) {
        var script = inventory.nodes().stream()
                .flatMap(node -> COMMANDS.stream().map(command -> ByHand.on(inventory, node, command)))
                .collect(Collectors.joining("", "set -eu\n", ""));
        return measured(what, pairs, LocalCommand.command("sh", "-s").input(script));
    }

    /** A playbook that gathers Ansible's facts and runs the same commands. */
    public SideBySide playbook(Case what, int pairs) {
        try (var ansible = new Ansible(inventory)) {
            return measured(what, pairs, ansible.playbook("look.yml", Map.of()));
        }
    }

    /**
     * The plan's checks of machines (5.1), stacks (5.7) and the system (its final verification), and the backup folder.
     */
    public SideBySide status(Case what, int pairs) {
        return measured(what, pairs, LocalCommand.command("sh", "-s").input(statusScript(inventory)));
    }

    /** The plan's equivalent of {@code status}, for sh on this machine. */
    public static String statusScript(Inventory inventory) {
        var script = new StringBuilder("set -eu\n" + ByHand.asking(inventory));
        for (var node : inventory.nodes())
            script.append(ByHand.on(inventory, node, "df -h"))
                    .append(ByHand.on(inventory, node,
                            "docker compose -p " + Stack.of(inventory, node).project() + " ps"));
        return script + ByHand.on(inventory, inventory.core(), "ls -l " + Sh.quote(inventory.backup().directory()))
                + """
                        ask "$backend/api/v1/health"
                        ask "$grafana/api/health"
                        ask "$jaeger/api/services" | jq -e .
                        ask "$backend/api/v1/workers" | jq -e length
                        ask "$prometheus/api/v1/targets" | jq -e '[.data.activeTargets[] | select(.health=="up")] | \
                        length'
                        """;
    }

    private SideBySide measured(Case what, int pairs, LocalCommand.Command theirs) {
        return SideBySide.warm(what, pairs,
                () -> SideBySide.time(console, what.ours(),
                        LocalCommand.command(toolkit, what.ours(), "-i", inventory.source().toString())),
                () -> SideBySide.time(console, what.theirs(), theirs));
    }
}
