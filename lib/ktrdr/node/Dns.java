package ktrdr.node;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Threads;
import ktrdr.inventory.Inventory;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/** The names of the fleet: records for common DNS servers, and how each place resolves them. */
public final class Dns {
    /** What a record is written for. */
    public enum Format {
        /** A fragment of the domain's zone file: RFC 1035, section 5. */
        bind,
        /** local-data of unbound.conf(5). */
        unbound,
        /** host-record of dnsmasq(8). */
        dnsmasq,
        /** hosts under [dns] of Pi-hole 6's pihole.toml. */
        pihole,
        /** /etc/hosts, hosts(5). */
        hosts
    }

    /**
     * What one place made of the names.
     *
     * @param place such as workers-b, "workers-b container" or "here"
     * @param node the node it is on, or "here"
     * @param addresses name to addresses in ascending order, none for a name that does not resolve
     * @param asked whether the place needs DNS at all: this machine does not with {@code resolve: inventory}
     */
    public record Answers(String place, String node, Map<String, List<String>> addresses, boolean asked) {}

    private Dns() {}

    /** The records of every name of the inventory, ready to use. A node without an address is a {@link Problem}. */
    public static List<String> records(Inventory inventory, Format format) {
        var names = new LinkedHashMap<String, String>();
        var missing = new ArrayList<String>();
        inventory.addresses().forEach((name, address) -> {
            if (address.isEmpty()) missing.add(name);
            else names.put(name, address.get());
        });
        if (!missing.isEmpty()) throw Problem.usage("names without an address have no record: "
                + String.join(", ", missing))
                .expected("`address` for every node").fix("add it to the node in " + inventory.source());
        names.forEach((name, address) -> {
            if (address.contains("%")) throw Problem.usage(name
                    + " has an address with a network interface, which a record cannot have").expected("an address "
                    + "without %")
                    .found(address).fix("correct it in " + inventory.source());
        });
        return switch (format) {
            case bind -> bind(inventory.domain(), names);
            case unbound -> unbound(inventory.domain(), names);
            case dnsmasq -> dnsmasq(names);
            case pihole -> pihole(names);
            case hosts -> hosts(names);
        };
    }

    private static List<String> bind(String domain, Map<String, String> names) {
        var lines = new ArrayList<>(List.of("; in the zone file of " + domain + "; raise its serial, then: rndc reload "
                + domain, "$ORIGIN " + domain + "."));
        names.forEach((name, address) -> lines.add(name.substring(0, name.length() - domain.length() - 1) + " IN "
                + type(address) + " " + address));
        return lines;
    }

    private static List<String> unbound(String domain, Map<String, String> names) {
        // transparent: other names of the domain are still asked for elsewhere
        var lines = new ArrayList<>(
                List.of("# in a separate file under /etc/unbound/unbound.conf.d, then: unbound-control reload",
                        "server:",
                "  local-zone: \"" + domain + ".\" transparent"));
        names.forEach((name, address) ->
                lines.add("  local-data: \"" + name + ". IN " + type(address) + " " + address + "\""));
        return lines;
    }

    private static List<String> dnsmasq(Map<String, String> names) {
        var lines = new ArrayList<>(
                List.of("# in a separate file under /etc/dnsmasq.d, then: systemctl restart dnsmasq"));
        names.forEach((name, address) -> lines.add("host-record=" + name + "," + address));
        return lines;
    }

    private static List<String> pihole(Map<String, String> names) {
        var lines = new ArrayList<>(
                List.of("# Pi-hole 6: add the entries to `hosts` under [dns] in /etc/pihole/pihole.toml, next to the "
                        + "existing ones.",
                "# Pi-hole 5: address and name, without quotes and comma, in /etc/pihole/custom.list, then: pihole "
                        + "restartdns", "[dns]", "hosts = ["));
        names.forEach((name, address) -> lines.add("  \"" + address + " " + name + "\","));
        lines.add("]");
        return lines;
    }

    private static List<String> hosts(Map<String, String> names) {
        var byAddress = new LinkedHashMap<String, List<String>>();
        names.forEach((name, address) -> byAddress.computeIfAbsent(address, first -> new ArrayList<>()).add(name));
        var lines = new ArrayList<>(
                List.of("# in /etc/hosts of this machine, of every node, and in `extra_hosts` of containers: a DNS "
                        + "server is less work"));
        byAddress.forEach((address, all) -> lines.add(address + " " + String.join(" ", all)));
        return lines;
    }

    private static String type(String address) {
        return address.contains(":") ? "AAAA" : "A";
    }

    /**
     * A script that says a fact "{@code <fact> <name>}" with the addresses that programs get for each name, /etc/hosts
     * included. It needs no program but getent, and prints whole lines, so that it may run in parallel with others.
     */
    static String script(String fact, List<String> names) {
        return "for name in " + Sh.words(names) + "; do\n" + Sh.let("fact", fact) + """
                  addresses='' last=''
                  # an address stands before each of its kinds of socket
                  for word in $(getent ahosts "$name"); do
                    case $word in STREAM | DGRAM | RAW) addresses="$addresses$last " ;; esac
                    last=$word
                  done
                  printf '%s %s\\t%s\\n' "$fact" "$name" "$addresses"
                done
                """;
    }

    /** The facts of {@link #script}. */
    public static Map<String, List<String>> addresses(Facts facts, String fact) {
        var addresses = new LinkedHashMap<String, List<String>>();
        facts.under(fact).forEach((name, words) -> addresses.put(name, words.isBlank() ? List.of()
                : Arrays.stream(words.strip().split("\\s+")).distinct().sorted().toList()));
        return addresses;
    }

    /** What this machine makes of the names, by its own resolver, asked in the background. */
    public static CompletableFuture<Answers> here(Inventory inventory) {
        return CompletableFuture.supplyAsync(() -> resolved(inventory), Threads.each("names"));
    }

    private static Answers resolved(Inventory inventory) {
        var addresses = new LinkedHashMap<String, List<String>>();
        for (var name : inventory.addresses().keySet()) addresses.put(name, resolve(name));
        return new Answers("here", "here", addresses, inventory.resolve() == Inventory.Resolve.DNS);
    }

    private static List<String> resolve(String name) {
        try {
            return Arrays.stream(InetAddress.getAllByName(name)).map(InetAddress::getHostAddress).distinct().sorted()
                    .toList();
        } catch (UnknownHostException e) {
            return List.of();
        }
    }

    /**
     * A check for each place: every name there, with the inventory's address and no other. Names that the inventory
     * gives no address have to be the same everywhere. It distinguishes wrong, missing and different answers. Pure.
     */
    public static List<Check> checks(Inventory inventory, List<Answers> places) {
        return places.stream().map(place -> check(inventory, place, places)).toList();
    }

    private static Check check(Inventory inventory, Answers place, List<Answers> places) {
        var wrong = new ArrayList<String>();
        var unasked = new ArrayList<String>();
        inventory.addresses().forEach((name, address) -> {
            var found = place.addresses().getOrDefault(name, List.of());
            if (found.isEmpty() && !place.asked()) unasked.add(name);
            else mistake(name, address, found, places).ifPresent(wrong::add);
        });
        var expected = "every name of the inventory resolves to its address";
        int count = inventory.addresses().size();
        var good = unasked.isEmpty() ? count + " names, each with its address"
                : unasked.size() + " of " + count
                        + " names are not in this machine's DNS, which is not asked (resolve: inventory)";
        return new Check(id(place), place.node(), wrong.isEmpty(), expected,
                wrong.isEmpty() ? good : String.join("; ", wrong), fix(place), 0);
    }

    private static Optional<String> mistake(String name, Optional<String> address, List<String> found,
            List<Answers> places) {
        if (found.isEmpty()) return Optional.of(name + " is missing");
        if (address.isPresent()) {
            var same = found.stream().allMatch(text -> sameAddress(text, address.get()));
            return same ? Optional.empty()
                    : Optional.of(name + " is wrong: " + String.join(", ", found) + " instead of "
                            + address.get());
        }
        var all = places.stream().map(place -> place.addresses().getOrDefault(name, List.of()))
                .filter(texts -> !texts.isEmpty())
                .map(texts -> String.join(", ", texts)).collect(Collectors.toCollection(TreeSet::new));
        return all.size() < 2 ? Optional.empty()
                : Optional.of(name + " resolves differently: " + String.join(" / ", all));
    }

    /** Equal as addresses: an IPv6 address has many spellings. Literals only, so nothing is looked up. */
    private static boolean sameAddress(String text, String other) {
        if (text.equals(other)) return true;
        try {
            return text.contains(":") && other.contains(":") && InetAddress.getByName(text)
                    .equals(InetAddress.getByName(other));
        } catch (UnknownHostException e) {
            return false;
        }
    }

    private static CheckId id(Answers place) {
        boolean outside = place.node().equals("here") || place.place().equals(place.node());
        return outside ? CheckId.ofNode(place.node(), "dns") : CheckId.ofNode(place.node(), "dns", "container");
    }

    private static String fix(Answers place) {
        if (id(place).is("container"))
            return "\"dns\" in /etc/docker/daemon.json on " + place.node()
                    + " names the DNS server that containers ask; then systemctl restart docker";
        return "jbang setup-dns@ktrdr prints the records; " + (place.node().equals("here") ? "this machine"
                : place.node()) + " has to ask the server that has them";
    }
}
