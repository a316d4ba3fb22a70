package ktrdr.release;

import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import ktrdr.BuiltIn;
import ktrdr.Sh;
import ktrdr.inventory.FirewallSettings;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Role;
import ktrdr.release.Templates.NodeFile;

/**
 * Who may connect to the ports of a node that no user needs, the database's and the workers': the fleet, and the
 * addresses that the inventory allows. A set of packet filter rules in a chain of its own, applied by
 * {@code firewall.sh} on the node with each deployment and before Docker starts. A deployment writes and removes its
 * files like all others.
 */
public final class Firewall {
    static final String FOLDER = "firewall/";
    static final String SCRIPT = FOLDER + "firewall.sh";
    public static final String RULES_V4 = FOLDER + "rules.v4";
    public static final String RULES_V6 = FOLDER + "rules.v6";
    static final String UNIT = FOLDER + "ktrdr-firewall.service";

    private Firewall() {}

    /**
     * The values of the templates: {@code v4} and {@code v6} the allowed addresses and networks, {@code ports} those
     * that are closed to others.
     */
    static Map<String, Object> values(Inventory inventory, Node node) {
        return Map.of("v4", admitted(inventory, false), "v6", admitted(inventory, true), "ports",
                List.copyOf(ports(inventory, node)));
    }

    /** Nodes in the order of the inventory, then the other allowed addresses. */
    private static List<String> admitted(Inventory inventory, boolean v6) {
        var allowed = inventory.firewall().map(FirewallSettings::allow).orElse(List.of());
        return Stream.concat(inventory.nodes().stream().flatMap(node -> node.address().stream()), allowed.stream())
                .filter(text -> text.contains(":") == v6).distinct().toList();
    }

    /** All that the machine may ever have: another number of workers changes no rule. */
    public static TreeSet<Integer> ports(Inventory inventory, Node node) {
        var ports = new TreeSet<Integer>();
        for (var each : inventory.lookup().machine(node)) {
            if (each.role() != Role.WORKERS) ports.addAll(Stack.of(inventory, each).ports(Part.DATABASE));
            inventory.workersOf(each.full()).forEach(worker -> ports.add(worker.port()));
        }
        return ports;
    }

    /** The files of an earlier release with the current rules: going back to it changes no access. */
    public static List<NodeFile> current(List<NodeFile> before, List<NodeFile> now) {
        return Stream.concat(before.stream().filter(file -> !file.path().startsWith(FOLDER)),
                now.stream().filter(file -> file.path().startsWith(FOLDER))).toList();
    }

    /**
     * Shell lines, run in the stack's directory once these files are there, that apply the rules or remove them. They
     * report failures in a line {@code told firewall}, then run the line {@code otherwise}. They need {@code tell} of
     * {@link FileChangesScript}.
     */
    public static String script(List<NodeFile> files, Stack stack, String otherwise) {
        boolean wanted = files.stream().anyMatch(file -> file.path().equals(SCRIPT));
        var act = "firewall_said=$(firewall 2>&1) || { tell firewall \"$(printf %s \"$firewall_said\" | tail -n 1)\"; "
                + otherwise + "; }\n";
        return wanted ? UP + act : RoleFiles.owned(stack.node(), "ktrdr-firewall.service", down() + act);
    }

    /** A shell function {@code firewall} that removes the rules, wherever their files are. */
    public static String down() {
        return Sh.let("firewall", BuiltIn.text(SCRIPT)) + DOWN;
    }

    private static final String UP = """
            firewall() {
              [ -d /run/systemd/system ] || { echo 'firewall in the inventory needs systemd'; return 1; }
              [ "$(id -u)" = 0 ] || { echo 'firewall in the inventory needs root'; return 1; }
              command -v iptables-restore >/dev/null || { echo 'firewall in the inventory needs iptables: apt-get \
            install iptables'; return 1; }
              if ! cmp -s firewall/ktrdr-firewall.service /etc/systemd/system/ktrdr-firewall.service; then
                install -m 644 firewall/ktrdr-firewall.service /etc/systemd/system && systemctl daemon-reload || \
            return 1
              fi
              systemctl is-enabled -q ktrdr-firewall.service 2>/dev/null || systemctl enable -q \
            ktrdr-firewall.service || return 1
              sh firewall/firewall.sh up && sh firewall/firewall.sh check && systemctl start ktrdr-firewall.service
            }
            """;

    /** Does nothing if neither is there. */
    private static final String DOWN = """
            firewall() {
              [ -f /etc/systemd/system/ktrdr-firewall.service ] || iptables -S KTRDR-FLEET >/dev/null 2>&1 || return 0
              [ "$(id -u)" = 0 ] || { echo 'removing the rules of the firewall needs root'; return 1; }
              if [ -f /etc/systemd/system/ktrdr-firewall.service ]; then
                systemctl disable -q --now ktrdr-firewall.service 2>/dev/null || :
                rm -f /etc/systemd/system/ktrdr-firewall.service && systemctl daemon-reload || return 1
                systemctl reset-failed ktrdr-firewall.service 2>/dev/null || :
              fi
              printf '%s\\n' "$firewall" | sh -s down
              rmdir firewall 2>/dev/null || :
            }
            """;
}
