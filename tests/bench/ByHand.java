package bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;

/** The manual alternative: arguments of ssh, scp and curl for an inventory, and lines for sh on this machine. */
final class ByHand {
    /** The programs that the plan's commands need, and the Debian package of each. */
    static final Map<String, String> PROGRAMS = Map.of("curl", "curl", "jq", "jq", "ssh", "openssh-client");

    private ByHand() {}

    /** The options of ssh and scp for a node. */
    private static List<String> options(Inventory inventory, Inventory.Node node) {
        var ssh = node.ssh();
        var name = inventory.fqdn(node);
        var words = new ArrayList<>(List.of("-o", "BatchMode=yes"));
        ssh.identity().ifPresent(file -> words.addAll(List.of("-i", file.toString())));
        ssh.knownHosts().ifPresent(file -> words.addAll(List.of("-o", "UserKnownHostsFile=" + file)));
        ssh.port().ifPresent(port -> words.addAll(List.of("-o", "Port=" + port)));
        ssh.jump().ifPresent(jump -> words.addAll(List.of("-J", jump)));
        var address = inventory.overrides().get(name);
        if (address != null) words.addAll(List.of("-o", "HostName=" + address, "-o", "HostKeyAlias=" + name));
        return words;
    }

    private static String destination(Inventory inventory, Inventory.Node node) {
        return node.ssh().user().map(user -> user + "@" + inventory.fqdn(node)).orElse(inventory.fqdn(node));
    }

    /** The arguments of ssh for a node. */
    static List<String> login(Inventory inventory, Inventory.Node node) {
        var words = options(inventory, node);
        words.add(destination(inventory, node));
        return words;
    }

    /** A line: a command on a node, in its own ssh. */
    static String on(Inventory inventory, Inventory.Node node, String command) {
        return "ssh -n " + Sh.words(login(inventory, node)) + " " + Sh.quote(command) + "\n";
    }

    /** Lines: a script for the standard input of a shell on a node, which keeps it out of process lists. */
    static String script(Inventory inventory, Inventory.Node node, String script) {
        return "ssh " + Sh.words(login(inventory, node)) + " sh -s <<'THERE'\n" + Sh.whole(script) + "THERE\n";
    }

    /** A line: copies the content of a local folder into one of a node. */
    static String copy(Inventory inventory, Inventory.Node node, String folder, String directory) {
        return "scp -q -r -p " + Sh.words(options(inventory, node)) + " " + Sh.quote(folder + "/.") + " "
                + Sh.quote(destination(inventory, node) + ":" + directory + "/") + "\n";
    }

    /** Lines: {@code ask}, which is curl, and a variable with the address of each published service. */
    static String asking(Inventory inventory) {
        var urls = new LinkedHashMap<String, String>();
        for (var service : List.of("backend", "grafana", "prometheus", "jaeger"))
            urls.put(service, inventory.url(Part.of(service).orElseThrow()));
        var lines = new StringBuilder();
        urls.forEach((service, url) -> lines.append(Sh.let(service, url)));
        return lines + "ask() { curl -sS --fail --max-time 10 " + Sh.words(resolve(inventory, urls.values()))
                + " \"$@\"; }\n";
    }

    /** Names to addresses, to bypass DNS. */
    private static List<String> resolve(Inventory inventory, Iterable<String> urls) {
        var options = new ArrayList<String>();
        for (var url : urls) {
            var place = url.replaceFirst("^http://", "");
            var address = inventory.overrides().get(place.replaceFirst(":.*", ""));
            if (address != null) options.addAll(List.of("--resolve", place + ":" + address));
        }
        return options;
    }
}
