///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//SOURCES ../tests/lab/lab.java
//DESCRIPTION Run the practice fleet on this machine

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

@Command(name = "lab", header = "Run the practice fleet on this machine.",
        description = {"",
            "Three hosts with systemd, sshd and Docker, a registry and a DNS server, in containers of this machine's "
                    + "Docker engine or of its own. PostgreSQL and Prometheus are real; stand-ins replace KTRDR, and "
                    + "a shared volume the NFS share. --guests starts virtual machines, whose kernel has NFS, for "
                    + "setup-nfs.",
            ""},
        footer = {"", "Examples:",
            "  ./ktrdr lab up             start it; a second run changes nothing",
            "  ./ktrdr lab status         hosts, images, and what is a stand-in",
            "  ./ktrdr lab down           remove it; built images stay for the next time",
            "  ./ktrdr lab down --purge   remove the caches too",
            "  ./ktrdr lab add            two more hosts: node D, and one with a stand-in for a GPU and no root login",
            "  ./ktrdr lab add workers-d  one of them; .lab/inventory-more.yaml describes it",
            "  ./ktrdr lab remove         only the three hosts again",
            "  ./ktrdr lab up --guests    three virtual machines for setup-nfs, with their own inventory"})
public class Lab implements Callable<Exit> {
    enum What { up, down, status, add, remove }

    @Mixin Cli.Common common;
    @Parameters(index = "0", paramLabel = "up|down|status|add|remove", description = "What to do.") What what;
    @Parameters(index = "1..*", arity = "0..*", paramLabel = "workers-d|gpuworker",
            description = "With add and remove (default: both).")
    List<String> hosts = List.of();
    @Option(names = "--purge", description = "With down: also remove downloads and built images.") boolean purge;
    @Option(names = "--guests", description = "Only the virtual machines, instead of the hosts.") boolean guests;

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
            if (!remains.isEmpty()) throw Problem.failed("parts of the practice fleet remain")
                    .found(String.join(", ", remains)).fix("./ktrdr lab down again");
            step.done(purge ? "removed, with caches" : "removed; built images are kept");
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
