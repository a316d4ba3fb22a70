package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.ssh.Ssh;

/**
 * The same five facts of many targets: by {@code ./ktrdr run}, parallel OpenSSH and one raw task of Ansible, with fresh
 * connections and equal parallelism. The targets are the fleet's hosts under many addresses, so their work uses this
 * machine's processors too.
 */
public final class FanOut implements AutoCloseable {
    /** The required programs, and the Debian package of each. */
    public static final Map<String, String> PROGRAMS = Map.of("ssh", "openssh-client", "ip", "iproute2", "xargs",
            "findutils", "time", "time", "ansible", "ansible-core");
    /** The facts to gather from each target. */
    static final String FACTS =
            "hostname; docker --version; grep -c ^processor /proc/cpuinfo; grep MemTotal /proc/meminfo; df -h /; "
                    + "docker ps --format '{{.Names}} {{.Status}}'";
    /** The same for Ansible, which interprets double braces. */
    private static final String RAW = "{% raw %}" + FACTS + "{% endraw %}";
    static final int AT_ONCE = Fleet.FORKS;
    /** Otherwise unused addresses: host i of n gets those whose number is congruent to i modulo n. */
    private static final String NETWORK = "10.43";
    private static final int MOST = 300;

    private final Inventory inventory;
    private final Console console;
    private final Path toolkit;
    private final Path folder;
    private final Path knownHosts;
    private final List<Ssh> hosts;
    private final Peak peak;

    /** Adds the extra addresses to every host, until {@link #close}. */
    public FanOut(Inventory inventory, List<Ssh> hosts, Console console, Path toolkit) {
        this.inventory = inventory;
        this.hosts = hosts;
        this.console = console;
        this.toolkit = toolkit;
        try {
            folder = Files.createTempDirectory("ktrdr-fan-out");
            var known = inventory.core().ssh().knownHosts()
                    .orElseThrow(() ->
                            Problem.usage("the benchmark finds no `known_hosts` of core in " + inventory.source()));
            knownHosts = folder.resolve("known_hosts");
            peak = new Peak(folder.resolve("peak"));
            Files.writeString(knownHosts, Files.readAllLines(known).stream()
                    .map(line -> "*" + line.replaceFirst("^\\S+", "") + "\n").distinct().collect(Collectors.joining()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        // on this machine: a route over the bridge of the hosts
        var to = LocalCommand.command("ip", "-o", "route", "get", inventory.core().address().orElseThrow()).must()
                .out();
        LocalCommand.command("ip", "route", "replace", NETWORK + ".0.0/16", "dev",
                to.replaceFirst("(?s).* dev (\\S+).*", "$1"), "src", to.replaceFirst("(?s).* src (\\S+).*", "$1"))
                .must();
        addresses("add");
    }

    private static String address(int target) {
        return NETWORK + "." + target / 200 + "." + (target % 200 + 1);
    }

    private void addresses(String what) {
        for (int i = 0; i < hosts.size(); i++) {
            var batch = new StringBuilder();
            for (int target = i; target < MOST; target += hosts.size())
                batch.append("address ").append(what).append(' ').append(address(target)).append("/32 dev eth0\n");
            hosts.get(i).run("ip -force -batch - <<'BATCH' 2>/dev/null\n" + batch + "BATCH\n");
        }
    }

    /** This many targets, by run and by xargs with ssh. */
    public SideBySide openSsh(int targets, int pairs) {
        var ours = ours(targets);
        var theirs = LocalCommand.command("sh", "-c", "printf '%s\\n' " + Sh.words(all(targets)) + " | xargs -P "
                + AT_ONCE + " -I {} ssh -n -o BatchMode=yes -o UserKnownHostsFile="
                + Sh.quote(knownHosts.toString()) + " -i " + Sh.quote(identity()) + " root@{} " + Sh.quote(FACTS) + " >"
                + Sh.quote(folder.resolve("theirs").toString()));
        return measured(Case.of("fan-out-" + targets), pairs, ours, theirs);
    }

    /** This many targets, by run and by a raw task of Ansible. */
    public SideBySide ansible(int targets, int pairs) {
        try {
            var hosts = Files.write(folder.resolve("hosts-" + targets), all(targets));
            var theirs = LocalCommand.command("sh", "-c", "exec ansible all -i " + Sh.quote(hosts.toString())
                    + " -m raw -a \"$0\" -f " + AT_ONCE + " -u root --private-key " + Sh.quote(identity()) + " >"
                    + Sh.quote(folder.resolve("theirs").toString()), RAW).env("ANSIBLE_SSH_ARGS",
                    "-o ControlMaster=no -o UserKnownHostsFile=" + knownHosts);
            return measured(Case.of("fan-out-ansible-" + targets), pairs, ours(targets), theirs);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private SideBySide measured(Case what, int pairs, LocalCommand.Command ours, LocalCommand.Command theirs) {
        return SideBySide.warm(what, pairs, () -> SideBySide.time(console, what.ours(), ours),
                () -> SideBySide.time(console, what.theirs(), theirs))
                .remark("ktrdr's process had at most " + peak.mebibytes() + " MiB");
    }

    private LocalCommand.Command ours(int targets) {
        try {
            var ssh = "ssh: {user: root, identity: " + identity() + ", known_hosts: " + knownHosts
                    + ", connect_timeout: 30s}\n";
            var nodes = new StringBuilder("domain: fan.test\nresolve: inventory\n" + ssh + "nodes:\n");
            for (int i = 0; i < targets; i++)
                nodes.append(i == 0 ? "  t0: {role: core, host: t0, address: "
                        : "  t" + i + ": {role: workers, scale: 1, host: t" + i + ", address: ").append(address(i))
                        .append("}\n");
            var file = Files.writeString(folder.resolve("inventory-" + targets + ".yaml"),
                    nodes + "images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend}\n");
            var words = new ArrayList<>(
                    List.of("sh", "-c", "exec \"$0\" \"$@\" >" + Sh.quote(folder.resolve("ours").toString())));
            words.addAll(peak.words());
            words.addAll(List.of(toolkit.toString(), "run", FACTS, "--forks", String.valueOf(AT_ONCE), "-i",
                    file.toString()));
            return LocalCommand.command(words);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String identity() {
        return inventory.core().ssh().identity()
                .orElseThrow(() -> Problem.usage("the benchmark finds no `identity` of core in " + inventory.source()))
                .toString();
    }

    private static List<String> all(int targets) {
        var all = new ArrayList<String>();
        for (int i = 0; i < targets; i++) all.add(address(i));
        return all;
    }

    /** Removes the addresses. */
    @Override
    public void close() {
        addresses("del");
        LocalCommand.command("ip", "route", "del", NETWORK + ".0.0/16").run();
        Folders.delete(folder);
    }
}
