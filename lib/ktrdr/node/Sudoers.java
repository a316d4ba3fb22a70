package ktrdr.node;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import ktrdr.Problem;
import ktrdr.inventory.Inventory.Node;

/** What sudo has to permit on a node where the toolkit does not log in as root, as a file of sudoers(5). */
public final class Sudoers {
    /**
     * The shell that runs scripts, and the shell that reads a file from its standard input; it is in /bin if that is a
     * folder of its own.
     */
    private static final String COMMANDS = "/usr/bin/sh -s, /usr/bin/sh -c *, /bin/sh -s, /bin/sh -c *";

    private Sudoers() {}

    /**
     * The file for these nodes. It is a {@link Problem} if none of them has a user other than root, or if the inventory
     * does not name a user.
     */
    public static String file(List<Node> nodes) {
        var text = new StringBuilder();
        users(nodes).forEach((user, of) -> text.append("""
                # For /etc/sudoers.d/ktrdr on %1$s: owner root, mode 0440. Check it first: visudo -cf FILE
                # Every procedure is a script for a root shell, so a login as %2$s is effectively root, and no sudoers \
                file can restrict that. This one excludes
                # other commands and other users. status, logs and verify --quick do not need it if %2$s is in the \
                group docker.
                Defaults:%2$s !requiretty
                %2$s ALL=(root) NOPASSWD: %3$s
                """.formatted(String.join(", ", of), user, COMMANDS)));
        return text.toString();
    }

    private static Map<String, Set<String>> users(List<Node> nodes) {
        var users = new LinkedHashMap<String, Set<String>>();
        for (var node : nodes) {
            var user = node.ssh().user()
                    .orElseThrow(() -> Problem.usage(node.name() + ": the inventory names no login user")
                            .expected("ssh.user, for all nodes or for this one")
                    .fix("`ssh: {user: karl, sudo: true}` in the inventory"));
            if (!user.equals("root")) users.computeIfAbsent(user, missing -> new LinkedHashSet<>()).add(node.name());
        }
        if (users.isEmpty()) throw Problem.usage("no node needs sudo: the inventory logs in as root")
                .expected("a node with a user who is not root").fix("`ssh: {user: karl, sudo: true}` in the inventory");
        return users;
    }
}
