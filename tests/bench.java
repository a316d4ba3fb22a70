///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//SOURCES ../scripts/Deploy.java
//SOURCES BenchOptions.java
//SOURCES bench/*.java
//SOURCES lab/Engine.java
//SOURCES lab/Hosts.java
//SOURCES lab/Images.java
//SOURCES lab/Machine.java
//SOURCES lab/Practice.java
//SOURCES lab/Services.java
//SOURCES lab/State.java
//DESCRIPTION Measure the procedures side by side with what a person would use instead

import bench.Backing;
import bench.Chart;
import bench.Downtime;
import bench.FanOut;
import bench.Gathering;
import bench.Looking;
import bench.SideBySide;
import bench.Verifying;
import bench.Verifying.Lists;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Function;
import ktrdr.Cli;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Inventory;
import ktrdr.Local;
import ktrdr.Problem;
import ktrdr.Table;
import lab.Machine;
import lab.Practice;
import lab.State;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "bench", description = {"", "  gap   how long the backend is away while it is replaced: by `deploy core all`, and by a bare `docker compose up -d backend` on the node",
            "  console-gather  five facts of every node over connections that are open: a line typed into the console, and ssh with ControlPersist",
            "  help  how long `status --help` takes: by the front door's quick road, and by JBang",
            "  backup, restore        a database of its own, by backup-db and restore-db --into, and by pg_dump | gzip and gunzip | psql over ssh",
            "  verify-quick, verify   how long `verify --quick` and `verify` take as processes of their own, and the plan's own curl, jq and ssh commands one after the other",
            "  verify-lists           the same, with both lists of the plan as they are written, each with its operation",
            "  verify-infra           how long `verify-infra` takes, and the plan's five commands a node, one ssh each; verify-infra-ansible beside a playbook that does the same",
            "  fan-out-3, -30, -99, -300   five facts of so many targets by `run`, and by ssh under xargs; fan-out-ansible-… beside a raw task of Ansible", "",
            "It is for the practice fleet: what gap measures is replaced many times. On another fleet it asks first.", ""},
        footer = {"", "Examples:", "  ./ktrdr bench -i .lab/inventory.yaml               all of them",
            "  ./ktrdr bench gap --pairs 5 -i .lab/inventory.yaml", "  ./ktrdr bench gap -o json -i .lab/inventory.yaml",
            "  ./ktrdr bench verify-quick verify verify-lists --pairs 9 -i .lab/inventory.yaml",
            "  ./ktrdr bench help verify-infra fan-out-99 --chart bench.svg -i .lab/inventory.yaml",
            "", "Exit codes: 0 measured; 1 it could not be; 2 wrong usage or inventory; 3 a node could not be reached."})
public class bench implements Callable<Exit> {
    /** Something that can be measured: so many pairs. */
    @FunctionalInterface
    interface Benchmark {
        SideBySide measure(int pairs);
    }

    @Mixin Cli.Common common;
    @Mixin BenchOptions asked;

    /** By name, in the order they are run. */
    private final Map<String, Benchmark> benchmarks = new TreeMap<>(Map.of("gap", this::gap, "help", this::help,
            "backup", pairs -> back(backing -> backing.backup(pairs)), "restore", pairs -> back(backing -> backing.restore(pairs)),
            "verify", pairs -> verify("verify", Lists.ONCE, pairs, "verify"), "verify-lists", pairs -> verify("verify-lists", Lists.AS_WRITTEN, pairs, "verify"),
            "verify-quick", pairs -> verify("verify-quick", Lists.READING, pairs, "verify", "--quick"), "verify-infra", pairs -> looking(Map.of("ssh", "openssh-client")).commands(pairs),
            "verify-infra-ansible", pairs -> looking(FanOut.PROGRAMS).playbook(pairs), "console-gather", this::gathering));
    private static final List<Integer> TARGETS = List.of(3, 30, 99, 300);

    {
        for (int targets : TARGETS) benchmarks.put("fan-out-" + targets, pairs -> fanOut(fan -> fan.openSsh(targets, pairs)));
        for (int targets : TARGETS) benchmarks.put("fan-out-ansible-" + targets, pairs -> fanOut(fan -> fan.ansible(targets, pairs)));
    }

    public static void main(String... args) {
        Cli.main(new bench(), args);
    }

    @Override
    public Exit call() {
        for (var name : asked.names)
            if (!benchmarks.containsKey(name)) throw Problem.usage("there is no benchmark " + name).expected("one of " + String.join(", ", benchmarks.keySet()));
        if (asked.pairs < 1) throw Problem.usage("--pairs is 1 or more").found(String.valueOf(asked.pairs));
        if (asked.tags.size() != 2 || asked.tags.get(0).equals(asked.tags.get(1))) throw Problem.usage("--tags is two releases with a comma between").found(String.join(",", asked.tags));
        if (asked.names.isEmpty() || asked.names.contains("gap")) confirm(common.inventory(), "its backend would be replaced " + 2 * asked.pairs + " times");
        var measured = new ArrayList<SideBySide>();
        benchmarks.forEach((name, benchmark) -> {
            if (asked.names.isEmpty() || asked.names.contains(name)) measured.add(benchmark.measure(asked.pairs));
        });
        common.report(Map.of("benchmarks", measured.stream().map(SideBySide::document).toList()), measured.stream().map(SideBySide::table).toArray(Table[]::new));
        measured.forEach(one -> common.console().note(one.name() + ": " + one.what()));
        if (asked.chart != null) draw(measured);
        return Exit.OK;
    }

    private void draw(List<SideBySide> measured) {
        try {
            Files.writeString(asked.chart, Chart.svg(measured, Runtime.getRuntime().availableProcessors() + " processors, JDK " + Runtime.version().feature()));
        } catch (IOException e) {
            throw Problem.failed("the chart could not be written to " + asked.chart).found(e.toString()).fix("name a file in a folder that is there").because(e);
        }
    }

    private SideBySide gap(int pairs) {
        var inventory = common.inventory();
        try (var fleet = common.fleet(List.of(inventory.core().name())); var http = new Http(inventory.overrides(), Duration.ofSeconds(2))) {
            return new Downtime(fleet, http, common.console(), asked.tags,
                    tag -> Cli.run(new Deploy(), "core", "all", "--tag", tag, "-i", inventory.source().toString())).measure(pairs);
        }
    }

    private SideBySide help(int pairs) {
        SideBySide.Measurement quick = () -> SideBySide.time(common.console(), "ktrdr", Local.command(toolkit().toString(), "status", "--help"));
        SideBySide.Measurement jbang = () -> SideBySide.time(common.console(), "jbang", Local.command(toolkit().toString(), "status", "--help").env("KTRDR_START", "jbang"));
        quick.take();
        jbang.take();
        return SideBySide.measure("help", "a whole run of status --help, started by the front door itself and through JBang", pairs, "ktrdr", quick, "jbang", jbang);
    }

    private SideBySide back(Function<Backing, SideBySide> measure) {
        Machine.ensure(common.console(), Map.of("ssh", "openssh-client"), "what a person would use needs it");
        var inventory = common.inventory();
        try (var fleet = common.fleet(List.of(inventory.core().name())); var backing = new Backing(inventory, fleet.ssh(inventory.core()), common.console(), toolkit(), asked.rows)) {
            return measure.apply(backing);
        }
    }

    private Looking looking(Map<String, String> programs) {
        Machine.ensure(common.console(), programs, "what a person would use needs it");
        return new Looking(common.inventory(), common.console(), toolkit());
    }

    private SideBySide gathering(int pairs) {
        Machine.ensure(common.console(), Map.of("ssh", "openssh-client"), "what a person would use needs it");
        try (var gathering = new Gathering(common.inventory(), common.console(), toolkit())) {
            return gathering.measure(pairs);
        }
    }

    private SideBySide fanOut(Function<FanOut, SideBySide> measure) {
        Machine.ensure(common.console(), FanOut.PROGRAMS, "what a person would use needs it");
        var inventory = common.inventory();
        confirm(inventory, "each of its machines would get a hundred addresses of a network of their own for a while");
        try (var fleet = common.fleet(List.of()); var fan = new FanOut(inventory, fleet.nodes().stream().map(fleet::ssh).toList(), common.console(), toolkit())) {
            return measure.apply(fan);
        }
    }

    private SideBySide verify(String name, Lists lists, int pairs, String... words) {
        Machine.ensure(common.console(), Verifying.PROGRAMS, "the plan's commands need it");
        return new Verifying(common.inventory(), common.console(), toolkit(), List.of(words), lists).measure(name, pairs);
    }

    /** The front door beside the catalog, here or above. */
    private static Path toolkit() {
        for (var at = Path.of("").toAbsolutePath(); at != null; at = at.getParent())
            if (Files.exists(at.resolve("jbang-catalog.json")) && Files.isExecutable(at.resolve("ktrdr"))) return at.resolve("ktrdr");
        throw Problem.usage("what is measured is run as ./ktrdr runs it").expected("to be run inside the toolkit's folder");
    }

    /** A fleet that people work with is not replaced again and again without a word. */
    private void confirm(Inventory inventory, String what) {
        if (practice(inventory.source())) return;
        var change = new Cli.Changing();
        change.yes = asked.yes;
        change.confirm(common.console(), inventory.source() + " is not the practice fleet, and " + what + ". Go on?");
    }

    private static boolean practice(Path inventory) {
        var lab = new Practice(new Console(Console.Color.never, false), State.find(System.getenv(), Path.of("").toAbsolutePath())).state().inventory();
        try {
            return Files.exists(lab) && Files.isSameFile(lab, inventory);
        } catch (IOException e) {
            return false;
        }
    }
}
