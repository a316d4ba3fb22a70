package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.release.Stack;

/**
 * Ansible with a separate inventory, made from the toolkit's, and the playbooks in this folder. All else is default,
 * including persistent connections.
 */
public final class Ansible implements AutoCloseable {
    /** The required programs, and the Debian package of each. */
    public static final Map<String, String> PROGRAMS = Map.of("ansible", "ansible-core", "ssh", "openssh-client");
    private final Inventory inventory;
    private final Path folder;
    private final Path hosts;

    /** A host without Python, which Ansible's modules require, is a {@link Problem}. */
    Ansible(Inventory inventory) {
        this.inventory = inventory;
        this.folder = Folders.make();
        try {
            hosts = Files.writeString(folder.resolve("hosts.json"),
                    Json.line(Map.of("all", Map.of("hosts", hosts(inventory.nodes()), "children",
                    Map.of("workers",
                            Map.of("hosts", inventory.workers().stream()
                                    .collect(Collectors.toMap(Inventory.Node::name, node -> Map.of()))))))));
            var python = LocalCommand.command("ansible", "all", "-i", hosts.toString(), "-m", "raw", "-a",
                    "command -v python3").run();
            if (!python.ok()) throw Problem.failed("Ansible's modules cannot run on every host")
                    .expected("python3 there").found(python.out().lines().filter(line -> line.contains("FAILED")
                    || line.contains("UNREACHABLE")).collect(Collectors.joining(", ")))
                    .fix("Debian's python3 on each; a practice fleet of an older checkout has it after `lab down` and "
                            + "`lab up`");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private Map<String, Object> hosts(List<Inventory.Node> nodes) {
        var all = new LinkedHashMap<String, Object>();
        for (var node : nodes) {
            var stack = Stack.of(inventory, node);
            var host = new LinkedHashMap<String, Object>();
            host.put("ansible_host", inventory.overrides().getOrDefault(inventory.fqdn(node), inventory.fqdn(node)));
            node.ssh().user().ifPresent(user -> host.put("ansible_user", user));
            node.ssh().port().ifPresent(port -> host.put("ansible_port", port));
            node.ssh().identity().ifPresent(file -> host.put("ansible_ssh_private_key_file", file.toString()));
            host.put("ansible_ssh_common_args",
                    node.ssh().knownHosts().map(file -> "-o UserKnownHostsFile=" + file + " ").orElse("")
                            + "-o HostKeyAlias=" + inventory.fqdn(node));
            host.put("directory", node.directory());
            host.put("compose", stack.compose());
            host.put("services", String.join(" ", stack.services()));
            all.put(node.name(), host);
        }
        return all;
    }

    /** A run of one playbook, such as look.yml, with extra variables. */
    LocalCommand.Command playbook(String name, Map<String, ?> variables) {
        try (var book = Ansible.class.getResourceAsStream("/bench/" + name)) {
            if (book == null) throw Problem.failed("bench/" + name + " is not in the toolkit");
            var file = folder.resolve(name);
            if (!Files.exists(file)) Files.copy(book, file);
            return LocalCommand.command("ansible-playbook", "-i", hosts.toString(), "-e", Json.line(variables),
                    file.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        Folders.delete(folder);
    }
}
