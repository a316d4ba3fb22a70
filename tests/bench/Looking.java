package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Inventory;
import ktrdr.Local;
import ktrdr.Sh;

/** How long it takes to look at the machines: by {@code verify-infra} with all its checks, and by what a person would use, which looks at less and compares nothing. */
public final class Looking {
    private static final List<String> COMMANDS = List.of("hostname", "docker --version", "nproc; free -h", "df -h", "docker ps");
    private final Inventory inventory;
    private final Console console;
    private final SideBySide.Measurement ours;

    public Looking(Inventory inventory, Console console, Path toolkit) {
        this.inventory = inventory;
        this.console = console;
        this.ours = () -> SideBySide.time(console, "verify-infra", Local.command(toolkit.toString(), "verify-infra", "-i", inventory.source().toString()));
    }

    /** The plan's commands (5.1), one ssh each, one after the other. */
    public SideBySide commands(int pairs) {
        var script = inventory.nodes().stream().flatMap(node -> COMMANDS.stream().map(command -> "ssh " + Sh.words(Verifying.login(inventory, node)) + " " + Sh.quote(command) + "\n"))
                .collect(Collectors.joining("", "set -eu\n", ""));
        return measured("verify-infra", pairs, "the plan's five commands a node, one ssh each, one after the other", "commands",
                () -> SideBySide.time(console, "commands", Local.command("sh", "-s").input(script)));
    }

    /** A playbook that gathers Ansible's facts and runs the same commands. */
    public SideBySide playbook(int pairs) {
        try {
            var folder = Files.createTempDirectory("ktrdr-bench");
            var hosts = folder.resolve("hosts");
            Files.write(hosts, inventory.nodes().stream().map(node -> node.name() + " ansible_host=" + inventory.overrides().getOrDefault(inventory.fqdn(node), inventory.fqdn(node))
                    + node.ssh().user().map(user -> " ansible_user=" + user).orElse("") + node.ssh().identity().map(file -> " ansible_ssh_private_key_file=" + file).orElse("")
                    + " ansible_ssh_common_args='" + node.ssh().knownHosts().map(file -> "-o UserKnownHostsFile=" + file + " ").orElse("") + "-o HostKeyAlias=" + inventory.fqdn(node) + "'").toList());
            var book = Files.writeString(folder.resolve("look.yml"), "- hosts: all\n  tasks:\n" + COMMANDS.stream().map(command -> "    - shell: " + command + "\n").collect(Collectors.joining()));
            try {
                return measured("verify-infra-ansible", pairs, "an Ansible playbook that gathers facts and runs the plan's five commands", "Ansible",
                        () -> SideBySide.time(console, "Ansible", Local.command("ansible-playbook", "-i", hosts.toString(), book.toString())));
            } finally {
                Files.delete(hosts);
                Files.delete(book);
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** After a run of each that does not count. */
    private SideBySide measured(String name, int pairs, String words, String column, SideBySide.Measurement theirs) {
        ours.take();
        theirs.take();
        return SideBySide.measure(name, "a whole run of verify-infra, start of the process included, and " + words, pairs, "verify-infra", ours, column, theirs);
    }
}
