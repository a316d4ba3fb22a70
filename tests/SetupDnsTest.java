import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.LocalCommand;
import ktrdr.Project;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * setup-dns: each server's own checker accepts its records, and --check works with a correct, a wrong and a silent DNS
 * server.
 */
@Tag("fleet")
class SetupDnsTest {
    private static final String DOMAIN = "ktrdr.home.mynerd.place";
    @TempDir Path folder;

    private static String records(String format) {
        var ran = ktrdr("setup-dns", "--format", format).run();
        assertEquals(0, ran.exit(), ran::toString);
        return ran.out();
    }

    /** Runs a script in the container with the DNS servers and their checkers. */
    private static String services(String script) {
        return World.services(script);
    }

    private static String file(String name, String content) {
        return "cat >/tmp/" + name + " <<'FILE'\n" + content + "FILE\n";
    }

    @Test
    void bind_takes_the_zone_fragment() {
        var zone = "$TTL 300\n@ IN SOA ns." + DOMAIN + ". admin." + DOMAIN + ". 1 300 300 300 300\n@ IN NS ns." + DOMAIN
                + ".\nns IN A 10.42.1.2\n" + records("bind");
        var said = services(file("zone", zone) + "named-checkzone -D " + DOMAIN + " /tmp/zone 2>&1");
        assertTrue(said.contains("OK")
                && said.matches("(?s).*postgres\\." + DOMAIN + "\\.\\s+300\\s+IN\\s+A\\s+10\\.42\\.1\\.10.*"), said);
    }

    @Test
    void unbound_takes_its_records_and_serves_them() {
        var said = services(
                file("unbound.conf",
                        records("unbound")
                                + "  interface: 127.0.0.1@5300\n  do-daemonize: no\n  chroot: \"\"\n  username: "
                                + "\"\"\n  pidfile: \"\"\n") + """
                                        unbound-checkconf /tmp/unbound.conf
                                        unbound -c /tmp/unbound.conf >/dev/null 2>&1 & server=$!
                                        trap 'kill $server' EXIT
                                        for i in $(seq 50); do dig +short +tries=1 +time=1 -p 5300 @127.0.0.1 \
                                        workers-c.ktrdr.home.mynerd.place 2>/dev/null | grep 10.42 && exit 0; sleep \
                                        0.2; done
                                        exit 1
                                        """);
        assertTrue(said.contains("no errors") && said.endsWith("10.42.1.12"), said);
    }

    @Test
    void dnsmasq_takes_its_records() {
        assertTrue(services(file("dnsmasq.conf", records("dnsmasq"))
                + "dnsmasq --test --conf-file=/tmp/dnsmasq.conf 2>&1").contains("syntax check OK"));
    }

    @Test
    void pi_holes_entries_are_lines_as_its_dnsmasq_reads_them() throws IOException {
        // Pi-hole is in no package, but its entries are hosts-file lines that its dnsmasq serves
        var lines = records("pihole").lines().filter(line -> line.startsWith("  \""))
                .map(line -> line.strip().replaceAll("^\"|\",$", "")).collect(Collectors.joining("\n", "", "\n"));
        var said = services(file("hosts", lines) + """
                dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --port=5301 \
                --listen-address=127.0.0.1 --bind-interfaces --addn-hosts=/tmp/hosts & server=$!
                trap 'kill $server' EXIT
                for i in $(seq 50); do dig +short +tries=1 +time=1 -p 5301 @127.0.0.1 grafana.ktrdr.home.mynerd.place \
                2>/dev/null | grep 10.42 && exit 0; sleep 0.2; done
                exit 1
                """);
        assertTrue(said.endsWith("10.42.1.10"), said);
    }

    @Test
    void etc_hosts_lines_resolve() {
        var own = "unshare -m sh -c 'mount --bind \"$1\" /etc/hosts; getent hosts prometheus." + DOMAIN + "' sh ";
        World.on("workers-b", "cat >/tmp/hosts <<'HOSTS'\n" + records("hosts").replace("10.42.1.10", "10.42.1.77")
                + "HOSTS\n");
        assertTrue(World.on("workers-b", own + "/tmp/hosts; rm /tmp/hosts").startsWith("10.42.1.77"));
    }

    @Test
    void json_has_the_lines_of_every_format() throws IOException {
        var ran = ktrdr("setup-dns", "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        var records = new ObjectMapper().readTree(ran.out()).path("records");
        assertEquals(List.of("bind", "unbound", "dnsmasq", "pihole", "hosts"),
                records.properties().stream().map(Map.Entry::getKey).toList());
    }

    private static Ran check(String... arguments) {
        var words = new ArrayList<>(List.of("setup-dns", "--check", "-o", "json"));
        words.addAll(List.of(arguments));
        return ktrdr(words.toArray(String[]::new)).run();
    }

    /** setup-dns --check on a machine that uses this DNS server as its resolver. */
    private Ran checkWhereThisMachineAsks(String server, String inventory) throws IOException {
        var resolver = Files.writeString(folder.resolve("resolv.conf"),
                "nameserver " + server + "\noptions timeout:1 attempts:2\n");
        var result = LocalCommand.command("unshare", "-m", "sh", "-c",
                "mount --bind \"$1\" \"$(readlink -f /etc/resolv.conf)\" && exec \"$2\" setup-dns --check -o json -i "
                        + "\"$3\"", "sh",
                resolver.toString(), Project.root().resolve("ktrdr").toString(), inventory).run();
        return new Ran(result.exit(), result.out(), result.err());
    }

    @Test
    void every_name_resolves_on_every_node_and_in_their_containers() {
        var ran = check();
        assertEquals(0, ran.exit(), ran::toString);
        for (var place : List.of("core.dns", "core.dns.container", "workers-b.dns", "workers-c.dns.container",
                "here.dns")) assertTrue(ran.out().contains("\"" + place + "\""), ran::toString);
    }

    @Test
    void this_machine_has_to_resolve_them_too_with_resolve_dns() throws IOException {
        var inventory = World.inventory(folder, "resolve: inventory", "resolve: dns").toString();
        var good = checkWhereThisMachineAsks("10.42.1.2", inventory);
        assertEquals(0, good.exit(), good::toString);
    }

    @Test
    void distinguishes_a_wrong_record_from_a_missing_one() {
        var conf = "/lab/dnsmasq.conf";
        services("cp " + conf + " /tmp/right.conf; sed -i 's/^host-record=workers-b.*/host-record=workers-b." + DOMAIN
                + ",10.42.1.99/; /^host-record=grafana/d' " + conf + "; pkill dnsmasq; sleep 0.1");
        try {
            World.awaitDns("10.42.1.99");
            var ran = check();
            assertEquals(1, ran.exit(), ran::toString);
            var found = ran.failing();
            var both = "grafana." + DOMAIN + " is missing; workers-b." + DOMAIN
                    + " is wrong: 10.42.1.99 instead of 10.42.1.11";
            assertEquals(Map.of("core.dns", both, "core.dns.container", both, "workers-b.dns", both,
                    "workers-b.dns.container", both, "workers-c.dns", both, "workers-c.dns.container", both), found);
        } finally {
            services("cp /tmp/right.conf " + conf + "; pkill dnsmasq || true");
            World.awaitDns("10.42.1.11");
        }
    }

    @Test
    void one_place_that_differs_is_the_one_that_is_named() {
        World.on("workers-c", "echo '10.42.1.55 backend." + DOMAIN + "' >>/etc/hosts");
        try {
            var ran = check();
            assertEquals(1, ran.exit(), ran::toString);
            assertEquals(Map.of("workers-c.dns", "backend." + DOMAIN + " is wrong: 10.42.1.55 instead of 10.42.1.10"),
                    ran.failing());
        } finally {
            World.on("workers-c",
                    "grep -v 10.42.1.55 /etc/hosts >/tmp/hosts; cat /tmp/hosts >/etc/hosts; rm /tmp/hosts");
        }
    }

    @Test
    void distinguishes_the_dns_of_containers_from_that_of_their_node() {
        World.on("workers-c",
                "cp /etc/docker/daemon.json /tmp/daemon.json; sed -i 's/10.42.1.2/10.42.1.66/' "
                        + "/etc/docker/daemon.json; systemctl restart docker");
        try {
            var ran = check();
            assertEquals(1, ran.exit(), ran::toString);
            assertEquals(List.of("workers-c.dns.container"), List.copyOf(ran.failing().keySet()));
        } finally {
            World.on("workers-c", "cp /tmp/daemon.json /etc/docker/daemon.json; systemctl restart docker");
        }
    }
}
