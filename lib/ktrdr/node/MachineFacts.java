package ktrdr.node;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import ktrdr.BuiltIn;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Units;
import ktrdr.ssh.Ssh;

/**
 * What a node is as a machine: gathered in one round trip, before the toolkit has put anything on it.
 *
 * @param facts as the node reported them
 * @param skew how far its clock is off this machine's at least, in seconds, positive when it is ahead; 0 within the
 *     time the question took
 */
public record MachineFacts(Facts facts, double skew) {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /**
     * What is asked of a node.
     *
     * @param names to resolve there and in a container
     * @param peers name to host of the other nodes, to be pinged
     * @param ports "host port" to be connected to from there
     * @param registry host and port
     * @param share the path of the share's folder there
     * @param gpu whether Docker's driver for GPUs is looked for
     * @param marks by what the containers of the fleet are known
     */
    public record Question(List<String> names, Map<String, String> peers, List<String> ports, String registry,
            String share, boolean gpu, Occupant.Marks marks) {
        /**
         * The same without what is about the network between nodes and the registry, which takes longest where it
         * fails.
         */
        public Question namesOnly() {
            return new Question(names, Map.of(), List.of(), "", share, false, marks);
        }
    }

    /** A container that runs, and what it publishes: port of the host to what it is. */
    public record Publisher(String name, String project) {}

    /** Runs {@link #script} on a node and reads what it says. */
    public static MachineFacts gather(Ssh ssh, Question question) {
        var answer = new StringBuilder();
        var clockSeen = new AtomicLong();
        long asked = System.currentTimeMillis();
        var result = ssh.run(script(question), line -> {
            if (line.startsWith("clock\t")) clockSeen.set(System.currentTimeMillis());
            answer.append(line).append('\n');
        }, PATIENCE);
        if (!result.ok()) throw Problem.failed(ssh.name() + ": gathering facts ended with exit code " + result.exit())
                .expected("exit code 0")
                .found(result);
        return of(answer.toString(), asked, clockSeen.get());
    }

    /** The answer of a script that says the {@link #CLOCK} between these two moments, in milliseconds since 1970. */
    public static MachineFacts of(String answer, long askedMillis, long heardMillis) {
        var facts = Facts.parse(answer);
        return new MachineFacts(facts, skew(facts.get("clock"), askedMillis, heardMillis));
    }

    /** Seconds by which a node's clock, in seconds since 1970, is outside of the time between asking and hearing. */
    public static double skew(String clock, long askedMillis, long heardMillis) {
        if (!clock.matches("\\d{1,12}(\\.\\d{1,9})?"))
            throw Problem.failed("a node returned an invalid time").expected("seconds since "
                    + "1970").found(Console.brief(clock, 100));
        double node = Double.parseDouble(clock);
        if (node < askedMillis / 1000.0) return node - askedMillis / 1000.0;
        return Math.max(0, node - heardMillis / 1000.0);
    }

    /**
     * The script: the container first and in the background, since it takes longest; quick questions in sequence, and
     * those that wait for a network in parallel.
     */
    public static String script(Question question) {
        return Facts.SAY + CLOCK + Sh.let("registry", question.registry()) + size() + engine() +
                (question.gpu() ? Gpu.SCRIPT : "") + ContainerProbe.script(Dns.script("inside", question.names()))
                + "[ -z \"$docker\" ] || container &\n" + MACHINE + question.marks().tools()
                + "[ -z \"$docker\" ] || {\n" + Occupant.LIST + "}\n" + Room.script() + LISTENERS + DOCKER
                + BuiltIn.lines("node/network.sh")
                + "pings() {\n" +
                calls("ping_one", question.peers().entrySet().stream()
                        .map(peer -> List.of(peer.getKey(), peer.getValue())).toList())
                + "connects() {\n" +
                calls("connect_one", question.ports().stream().map(port -> List.of(port.split(" "))).toList())
                + "resolve() {\n" + Dns.script("resolve", question.names()) + "}\n"
                + "mounts() {\n" + share(Mount.script(question.share())) + "}\n" + """
                mounts & pings & connects & registry & resolve &
                wait
                say end yes
                """;
    }

    /** Lines that say what is at the share's path, and what is free there. */
    public static String share(String mount) {
        return mount + Mount.missing()
                + "[ \"$mount_code\" != 0 ] || say \"disk $mount_path\" \"$(free \"$mount_path\")\"\n";
    }

    /** The body of a shell function that makes these calls side by side, and its end. */
    private static String calls(String function, List<List<String>> arguments) {
        return arguments.stream().map(words -> "  " + function + " " + Sh.words(words) + " &\n")
                .collect(Collectors.joining()) + "  wait\n}\n";
    }

    /** The first lines of a gathering script: the node's time. */
    public static final String CLOCK = """
            export LC_ALL=C
            say clock "$(date +%s.%N | sed 's/[^0-9.].*//')"
            """;

    private static final String MACHINE = """
            say user "$(id -un)"
            [ -z "${SUDO_USER:-}" ] || say login "$SUDO_USER"
            if [ "$(id -u)" = 0 ] || sudo -n sh -s </dev/null 2>/dev/null; then say root yes; fi
            (. /etc/os-release && say os "$PRETTY_NAME" && say family "$ID ${ID_LIKE:-}")
            say kernel "$(uname -r)"
            say virtual "$(systemd-detect-virt 2>/dev/null || true)"
            """;

    /** The shell function {@code free}: bytes free on the file system of a path. */
    public static final String FREE = """
            free() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { printf "%.0f", $4 * 1024 }'; }
            """;

    /** What the machine has. */
    public static String size() {
        return FREE + BuiltIn.lines("node/size.sh");
    }

    /**
     * How much of it is in use: memory without the cache that the kernel would give back, in the limit's own terms
     * where there is one.
     */
    public static String use() {
        return BuiltIn.lines("node/use.sh");
    }

    private static final String LISTENERS = """
            command -v ss >/dev/null 2>&1 || say missing ss
            ss -Hltnp 2>/dev/null | awk '{ port = $4; sub(/.*:/, "", port); who = $0; if (!sub(/.*users:\\(\\("/, "", \
            who)) who = ""; sub(/".*/, "", who); print port, who }' | sort -u |
              while read -r port who; do say "listen $port" "$who"; done
            """;

    /**
     * Whether the Docker Engine answers, the disk that it has, what it stores by, and the version of Compose;
     * {@code docker} and {@code compose} are the versions afterwards, or empty, and {@code stopped} is how many
     * containers do not run. One question for all: each start of docker's client is a twentieth of a second of the
     * node. Wants {@link #FREE}.
     */
    public static String engine() {
        return BuiltIn.lines("node/engine.sh");
    }

    /**
     * Shell lines that say a fact {@code firewall} on a node that has such rules, or has lost them, which has
     * {@code firewall.sh} look at itself: "in place", or what is not as it should be. They need {@code say}.
     */
    public static final String FIREWALL = """
            firewall=$(sed -n 's|^ExecStart=/bin/sh \\(.*\\) up$|\\1|p' /etc/systemd/system/ktrdr-firewall.service \
            2>/dev/null || :)
            if [ -n "$firewall" ]; then
              if wrong=$(sh "$firewall" check 2>&1); then say firewall 'in place'; else say firewall "$(printf %s \
            "${wrong:-not in place}" | tr '\\n' ';')"; fi
            fi
            """;

    private static final String DOCKER = PublishedPorts.SCRIPT + FIREWALL + """
            [ -z "$docker" ] || published
            # a client that says nothing without an Engine
            [ -n "$compose" ] || say compose "$(docker compose version --short 2>/dev/null || true)"
            say boot "$(systemctl is-enabled docker 2>/dev/null || true)"
            """;

    /** In words: "3.2 s ahead of this machine". */
    public String skewWords() {
        if (skew == 0) return "the same time";
        return Units.duration(Duration.ofMillis((long) Math.abs(skew * 1000))) + (skew > 0 ? " ahead of" : " behind")
                + " this machine";
    }

    /** CPUs that may be used, a started one counted whole; -1 where it was not said. */
    public long cpus() {
        return facts.number("cpus");
    }

    /** Bytes; -1 where it was not said. */
    public long memory() {
        return facts.number("memory");
    }

    /** Bytes in use, without what the kernel would give back; -1 where it was not said. */
    public long memoryUsed() {
        return facts.number("memory-used");
    }

    /** In words: "1.9 GB of 16 GB". */
    public String memoryWords() {
        return Units.size(Math.max(0, memoryUsed())) + " of " + Units.size(Math.max(0, memory()));
    }

    /**
     * Processes that run or wait to, averaged over a minute, for each CPU. In a container it may be that of the machine
     * it is on.
     */
    public double load() {
        var load = facts.get("load");
        return load.matches("\\d{1,6}(\\.\\d+)?") ? Double.parseDouble(load) / Math.max(1, cpus()) : 0;
    }

    /** How long the machine has been up. */
    public Duration uptime() {
        return Duration.ofSeconds(Math.max(0, facts.number("uptime")));
    }

    /** What is where the share belongs. */
    public Mount share() {
        return Mount.parse(facts.get("mount"));
    }

    /** Bytes free on the file system of a path; -1 if there is no such path. */
    public long free(String path) {
        return facts.number("disk " + path);
    }

    /** Whether something on the node listens on a TCP port. */
    public boolean listens(int port) {
        return facts.under("listen").containsKey(String.valueOf(port));
    }

    /**
     * The running containers by the port of the host that each publishes; a container on the host's own network names
     * its port in a label.
     */
    public Map<Integer, Publisher> publishers() {
        return PublishedPorts.parse(facts);
    }
}
