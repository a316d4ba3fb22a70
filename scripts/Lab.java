///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//SOURCES ../tests/lab/lab.java
//DESCRIPTION The practice fleet: three real hosts, a registry and a DNS server on this machine

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.cli.Cli;
import ktrdr.report.Document;
import lab.Guests;
import lab.Practice;
import lab.State;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "lab", header = "The practice fleet: three real hosts, a registry and a DNS server on this machine.",
        description = {"",
                "Hosts with systemd, sshd and Docker inside, in containers of this machine's Docker engine or of one "
                        + "of its own. KTRDR is a stand-in, "
                + "PostgreSQL and Prometheus are real; a shared volume stands in for the NFS share. Beside them, for "
                + "setup-nfs, virtual machines "
                + "with a kernel that has NFS: --guests.", ""},
        footer = {"", "Examples:",
            "  ./ktrdr lab up             bring it up; a second time changes nothing",
            "  ./ktrdr lab status         hosts, images, what is a stand-in",
            "  ./ktrdr lab down           take it away; built images stay for the next time",
            "  ./ktrdr lab down --purge   the caches too",
            "  ./ktrdr lab add            two more hosts: node D, and one with a stand-in for a GPU, where nobody "
                    + "logs in as root",
            "  ./ktrdr lab add workers-d  one of them; it is named in .lab/inventory-more.yaml",
            "  ./ktrdr lab remove         the three hosts alone again",
            "  ./ktrdr lab up --guests    three virtual machines for setup-nfs, with an inventory of their own"})
public class Lab implements Callable<Exit> {
    enum What { up, down, status, add, remove }

    @Mixin Cli.Common common;
    @Parameters(index = "0", paramLabel = "up|down|status|add|remove", description = "What to do.") What what;
    @Parameters(index = "1..*", arity = "0..*", paramLabel = "workers-d|gpuworker",
            description = "With add and remove; both where none is named.")
    List<String> hosts = List.of();
    @Option(names = "--purge", description = "With down: drop downloads and built images too.") boolean purge;
    @Option(names = "--guests", description = "The virtual machines alone, instead of the hosts.") boolean guests;

    public static void main(String... args) {
        Cli.main(new Lab(), args);
    }

    /** The inventory of the lab that runs, or would run from here. */
    public static Path inventory() {
        return quietly().state().inventory();
    }

    /** Whether every part of it runs. */
    public static boolean running() {
        return quietly().status().stream().allMatch(row -> row.get("state").equals("running"));
    }

    private static Practice quietly() {
        return new Practice(new Console(Console.Color.never, false), state());
    }

    private static State state() {
        return State.find(System.getenv(), Path.of(""));
    }

    @Override
    public Exit call() {
        var practice = new Practice(common.console(), state());
        if (!hosts.isEmpty() && what != What.add && what != What.remove) throw Problem.usage("lab " + what
                + " takes no host").found(String.join(" ", hosts)).fix("./ktrdr lab --help");
        return switch (what) {
            case up -> guests ? upGuests() : up(practice);
            case down -> down(practice);
            case status -> status(practice);
            case add -> add(practice);
            case remove -> remove(practice);
        };
    }

    private Exit up(Practice practice) {
        var state = practice.up();
        common.report(Document.of("lab", Exit.OK).with("inventory", state.inventory().toString())
                .with("hosts", practice.status()));
        common.console().note("export KTRDR_INVENTORY=" + state.inventory());
        return Exit.OK;
    }

    private Exit add(Practice practice) {
        var state = practice.add(hosts);
        common.report(Document.of("lab", Exit.OK).with("inventory", state.more().toString())
                .with("hosts", practice.status()));
        common.console().note("export KTRDR_INVENTORY=" + state.more());
        return Exit.OK;
    }

    private Exit remove(Practice practice) {
        practice.remove(hosts);
        return common.report(Document.of("lab", Exit.OK).with("hosts", practice.status()));
    }

    private Exit upGuests() {
        var guests = new Guests(common.console(), state());
        guests.up();
        common.report(Document.of("lab", Exit.OK).with("inventory", guests.inventory().toString())
                .with("guests", guests.status()));
        common.console().note("export KTRDR_INVENTORY=" + guests.inventory());
        return Exit.OK;
    }

    private Exit down(Practice practice) {
        var machines = new Guests(common.console(), state());
        try (var step = common.console().step("lab", "down")) {
            machines.down();
            var remains = new ArrayList<>(machines.remains());
            if (!guests) practice.down(purge);
            if (!guests) remains.addAll(practice.remains());
            if (!remains.isEmpty()) throw Problem.failed("something of the practice fleet is still there")
                    .found(String.join(", ", remains)).fix("./ktrdr lab down once more");
            step.done(purge ? "gone, caches too" : "gone; built images are kept");
        }
        return Exit.OK;
    }

    private Exit status(Practice practice) {
        var rows = practice.status();
        var hosts = Table.of("name", "address", "state", "since", "what");
        rows.forEach(row -> hosts.row(row.values().toArray()));
        var images = Table.of("image", "what it is");
        Practice.images().forEach(image -> images.row(image.get("image"), image.get("what")));
        images.row("/mnt/ktrdr-shared", "a shared volume, stand-in for the NFS share");
        var machines = new Guests(common.console(), state());
        var guests = Table.of("guest", "address", "state", "what");
        if (machines.running()) machines.status().forEach(row -> guests.row(row.values().toArray()));
        common.report(Document.of("lab", Exit.OK).with("hosts", rows).with("images", Practice.images())
                .with("guests", machines.status()), hosts, images, guests);
        return rows.stream().allMatch(row -> row.get("state").equals("running")) ? Exit.OK : Exit.FAILED;
    }
}
