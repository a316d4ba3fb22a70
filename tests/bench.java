///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//SOURCES ../scripts/Deploy.java
//SOURCES BenchOptions.java
//SOURCES bench/*.java
//FILES bench/look.yml=bench/look.yml
//FILES bench/stage.yml=bench/stage.yml
//FILES bench/deploy-workers.yml=bench/deploy-workers.yml
//SOURCES lab/lab.java
//DESCRIPTION Measure the procedures next to their manual alternatives

import bench.Ansible;
import bench.Backing;
import bench.Case;
import bench.Chart;
import bench.Deploying;
import bench.Downtime;
import bench.FanOut;
import bench.Gathering;
import bench.Here;
import bench.Jdks;
import bench.Looking;
import bench.SideBySide;
import bench.Staged;
import bench.Starting;
import bench.Transfer;
import bench.Verifying;
import bench.Verifying.Lists;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.cli.Cli;
import ktrdr.inventory.Inventory;
import ktrdr.report.Document;
import lab.Machine;
import lab.Practice;
import lab.State;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "bench",
        description = {"",
                "  backup, restore        a database of its own, by backup-db and restore-db --into, and by pg_dump | "
                        + "gzip and gunzip | psql over ssh",
            "  console-gather         five facts of every node over connections that are open: a line typed into the "
                    + "console, and ssh with ControlPersist",
            "  deploy-core            where all is as it should be, and the plan's docker compose up -d with what it "
                    + "looks at after; -newer with another release, pulled",
            "  deploy-local           an image that was just built, one layer of 5 MB of it new, to all workers nodes, "
                    + "and docker save | ssh docker load; -pulled beside a release that the registry has",
            "  deploy-workers         another release to all workers nodes, and the plan's commands with the same "
                    + "wait for health; -parallel, and both with -ansible",
            "  fan-out-3, -30, -99, -300   five facts of so many targets by `run`, and by ssh under xargs; "
                    + "fan-out-ansible-… beside a raw task of Ansible",
            "  gap                    how long the backend is away while it is replaced: by `deploy core all`, and by "
                    + "a bare `docker compose up -d backend` on the node",
            "  help                   how long `status --help` takes: by the front door's quick road, and by JBang",
            "  jdk-help, jdk-run, jdk-status   the same procedure on JDK 17 and on JDK 25, each with a cache and an "
                    + "archive of its own",
            "  stage                  the files of all nodes where they are there already, and by scp; stage-change "
                    + "with another release; both with -ansible",
            "  start                  the first run of each procedure after a clone and after edits, and its second; "
                    + "--pairs does not matter to it",
            "  status                 beside the plan's looks at machines, stacks and system",
            "  transfer               a large file of core as a backup's stream comes, and by ssh core cat",
            "  verify-quick, verify   whole runs of `verify --quick` and `verify`, and the plan's own curl, jq and "
                    + "ssh commands one after the other",
            "  verify-lists           the same, with both lists of the plan as they are written, each with its "
                    + "operation",
            "  verify-infra           beside the plan's five commands a node, one ssh each; verify-infra-ansible "
                    + "beside a playbook that does the same", "",
            "It is for the practice fleet, which is staged and deployed to many times. On another fleet it asks first.",
        ""},
        footer = {"", "Examples:", "  ./ktrdr bench -i .lab/inventory.yaml               all of them",
            "  ./ktrdr bench gap --pairs 5 -i .lab/inventory.yaml",
                "  ./ktrdr bench gap -o json -i .lab/inventory.yaml",
            "  ./ktrdr bench verify-quick verify verify-lists --pairs 9 -i .lab/inventory.yaml",
            "  ./ktrdr bench help verify-infra fan-out-99 --chart bench.svg -i .lab/inventory.yaml",
            "", "Exit codes: 0 measured; 1 it could not be; 2 wrong usage or inventory; 3 a node could not be "
                    + "reached."})
public class bench implements Callable<Exit> {
    /** A benchmark that measures this many pairs. */
    @FunctionalInterface
    interface Benchmark {
        SideBySide measure(Case what, int pairs);
    }

    @Mixin Cli.Common common;
    @Mixin BenchOptions asked;

    final Map<String, Benchmark> benchmarks = new TreeMap<>();

    {
        benchmarks.putAll(Map.of("gap", this::gap, "help", this::help, "start", this::start, "backup",
                (what, pairs) -> back(backing -> backing.backup(pairs)),
                "restore", (what, pairs) -> back(backing -> backing.restore(pairs)),
                "verify", (what, pairs) -> verify(what, Lists.ONCE, pairs, "verify"), "verify-lists",
                (what, pairs) -> verify(what, Lists.AS_WRITTEN, pairs, "verify"),
                "verify-quick", (what, pairs) -> verify(what, Lists.READING, pairs, "verify", "--quick"), "transfer",
                this::transfer));
        benchmarks.putAll(Map.of("console-gather", this::gathering, "verify-infra",
                (what, pairs) -> looking().machines(what, pairs), "verify-infra-ansible",
                (what, pairs) -> looking().playbook(what, pairs),
                "status", (what, pairs) -> looking().status(what, pairs)));
        benchmarks.putAll(Map.of("stage", (what, pairs) -> stage(staged -> staged.same(what, pairs)),
                "stage-change", (what, pairs) -> stage(staged -> staged.change(what, pairs)),
                "stage-ansible", (what, pairs) -> stage(staged -> staged.sameByAnsible(what, pairs)),
                "stage-change-ansible", (what, pairs) -> stage(staged -> staged.changeByAnsible(what, pairs))));
        benchmarks.putAll(Map.of("deploy-core", (what, pairs) -> deploy(deploying -> deploying.same(what, pairs)),
                "deploy-core-newer", (what, pairs) -> deploy(deploying -> deploying.newer(what, pairs)),
                "deploy-local", (what, pairs) -> deploy(deploying -> deploying.local(what, pairs)),
                "deploy-local-pulled", (what, pairs) -> deploy(deploying -> deploying.localOrPulled(what, pairs)),
                "deploy-workers", (what, pairs) -> deploy(deploying -> deploying.workers(what, pairs)),
                "deploy-workers-parallel",
                (what, pairs) -> deploy(deploying -> deploying.workers(what, pairs, "--parallel")),
                "deploy-workers-ansible",
                (what, pairs) -> deploy(deploying -> deploying.workersByAnsible(what, pairs, "1")),
                "deploy-workers-parallel-ansible",
                (what, pairs) -> deploy(deploying -> deploying.workersByAnsible(what, pairs, "100%", "--parallel"))));
        benchmarks.putAll(Map.of("jdk-help", (what, pairs) -> jdks(jdks -> jdks.help(what, pairs)), "jdk-run",
                (what, pairs) -> jdks(jdks -> jdks.run(what, pairs)),
                "jdk-status", (what, pairs) -> jdks(jdks -> jdks.status(what, pairs))));
        for (int targets : Case.TARGETS) {
            benchmarks.put("fan-out-" + targets, (what, pairs) -> fanOut(fan -> fan.openSsh(targets, pairs)));
            benchmarks.put("fan-out-ansible-" + targets, (what, pairs) -> fanOut(fan -> fan.ansible(targets, pairs)));
        }
    }

    public static void main(String... args) {
        Cli.main(new bench(), args);
    }

    @Override
    public Exit call() {
        for (var name : asked.names)
            if (!benchmarks.containsKey(name)) throw Problem.usage("there is no benchmark " + name)
                    .expected("one of " + String.join(", ", benchmarks.keySet()));
        if (asked.pairs < 1) throw Problem.usage("--pairs is 1 or more").found(String.valueOf(asked.pairs));
        if (asked.tags.size() != 2 || asked.tags.get(0).equals(asked.tags.get(1)))
            throw Problem.usage("--tags is two releases with a comma between").found(String.join(",", asked.tags));
        var cases = Case.ALL.stream().filter(eachCase -> asked.names.isEmpty() || asked.names.contains(eachCase.name()))
                .toList();
        if (cases.stream().anyMatch(eachCase -> eachCase.name().matches("(deploy|stage|fan-out|gap).*")))
            confirm(common.inventory());
        var here = Here.facts();
        var measured = cases.stream().map(eachCase -> benchmarks.get(eachCase.name()).measure(eachCase, asked.pairs))
                .toList();
        common.report(Document.of("benchmarks", Exit.OK).with("machine", here)
                .with("benchmarks", measured.stream().map(SideBySide::document).toList()),
                Stream.concat(measured.stream().map(SideBySide::table),
                        Stream.of(SideBySide.summary(measured), SideBySide.remarks(measured), Here.table(here)))
                        .toArray(Table[]::new));
        measured.forEach(sideBySide -> common.console()
                .note(sideBySide.what().name() + ": " + sideBySide.what().what()));
        if (asked.chart != null) draw(measured);
        return Exit.OK;
    }

    private void draw(List<SideBySide> measured) {
        try {
            Files.writeString(asked.chart,
                    Chart.svg(measured, Runtime.getRuntime().availableProcessors() + " processors, JDK "
                            + Runtime.version().feature()));
        } catch (IOException e) {
            throw Problem.failed("the chart could not be written to " + asked.chart).found(e.toString())
                    .fix("name a file in a folder that is there").because(e);
        }
    }

    private SideBySide gap(Case what, int pairs) {
        var inventory = common.inventory();
        try (var fleet = common.fleet(List.of(inventory.core().name()));
                var http = new Http(inventory.overrides(), Duration.ofSeconds(2))) {
            return new Downtime(fleet, http, common.console(), asked.tags,
                    tag -> Cli.run(new Deploy(), "core", "all", "--tag", tag, "-i",
                            inventory.source().toString()))
                    .measure(pairs);
        }
    }

    private SideBySide help(Case what, int pairs) {
        return SideBySide.warm(what, pairs,
                () -> SideBySide.time(common.console(), what.ours(),
                        LocalCommand.command(toolkit().toString(), "status", "--help")),
                () -> SideBySide.time(common.console(), what.theirs(),
                        LocalCommand.command(toolkit().toString(), "status", "--help").env("KTRDR_START", "jbang")));
    }

    private SideBySide start(Case what, int pairs) {
        try (var starting = new Starting(toolkit(), common.console())) {
            return starting.measure(what);
        }
    }

    private SideBySide back(Function<Backing, SideBySide> measure) {
        ensure(Map.of("ssh", "openssh-client"));
        var inventory = common.inventory();
        try (var fleet = common.fleet(List.of(inventory.core().name()));
                var backing = new Backing(inventory, fleet.ssh(inventory.core()), common.console(), toolkit(),
                        asked.rows)) {
            return measure.apply(backing);
        }
    }

    private SideBySide transfer(Case what, int pairs) {
        ensure(Map.of("ssh", "openssh-client", "time", "time"));
        var inventory = common.inventory();
        try (var fleet = common.fleet(List.of(inventory.core().name()));
                var transfer = new Transfer(inventory, fleet.ssh(inventory.core()), common.console(), toolkit())) {
            return transfer.measure(what, pairs);
        }
    }

    private Looking looking() {
        ensure(Ansible.PROGRAMS);
        ensure(Verifying.PROGRAMS);
        return new Looking(common.inventory(), common.console(), toolkit().toString());
    }

    private SideBySide jdks(Function<Jdks, SideBySide> measure) {
        ensure(Jdks.PROGRAMS);
        try (var jdks = new Jdks(common.inventory(), common.console(), toolkit())) {
            return measure.apply(jdks);
        }
    }

    private SideBySide stage(Function<Staged, SideBySide> measure) {
        ensure(Ansible.PROGRAMS);
        try (var fleet = common.fleet(List.of());
                var staged = new Staged(fleet, common.console(), toolkit(), asked.tags)) {
            return measure.apply(staged);
        }
    }

    private SideBySide deploy(Function<Deploying, SideBySide> measure) {
        ensure(Ansible.PROGRAMS);
        ensure(Verifying.PROGRAMS);
        try (var fleet = common.fleet(List.of());
                var deploying = new Deploying(fleet, common.console(), toolkit(), asked.tags)) {
            return measure.apply(deploying);
        }
    }

    private void ensure(Map<String, String> programs) {
        Machine.ensure(common.console(), programs, "a manual alternative needs it");
    }

    private SideBySide gathering(Case what, int pairs) {
        ensure(Map.of("ssh", "openssh-client"));
        try (var gathering = new Gathering(common.inventory(), common.console(), toolkit())) {
            return gathering.measure(what, pairs);
        }
    }

    private SideBySide fanOut(Function<FanOut, SideBySide> measure) {
        ensure(FanOut.PROGRAMS);
        var inventory = common.inventory();
        try (var fleet = common.fleet(List.of());
                var fan = new FanOut(inventory, fleet.nodes().stream().map(fleet::ssh).toList(), common.console(),
                        toolkit())) {
            return measure.apply(fan);
        }
    }

    private SideBySide verify(Case what, Lists lists, int pairs, String... words) {
        ensure(Verifying.PROGRAMS);
        return new Verifying(common.inventory(), common.console(), toolkit(), List.of(words), lists)
                .measure(what, pairs);
    }

    /** The folder with the front door and the catalog, here or above. */
    private static Path toolkit() {
        for (var at = Path.of("").toAbsolutePath(); at != null; at = at.getParent())
            if (Files.exists(at.resolve("jbang-catalog.json")) && Files.isExecutable(at.resolve("ktrdr")))
                return at.resolve("ktrdr");
        throw Problem.usage("what is measured is run as ./ktrdr runs it")
                .expected("to be run inside the toolkit's folder");
    }

    /** Asks for confirmation, since the releases of a fleet in use are replaced again and again. */
    private void confirm(Inventory inventory) {
        if (practice(inventory.source())) return;
        var change = new Cli.Changing();
        change.yes = asked.yes;
        change.confirm(common.console(), inventory.source() + " is not the practice fleet. Its "
                + "releases would be replaced again and again, also by other means than deploy, and for fan-out its "
                + "machines get more addresses for a while. Go on?");
    }

    private static boolean practice(Path inventory) {
        var lab = new Practice(new Console(Console.Color.never, false),
                State.find(System.getenv(), Path.of("").toAbsolutePath())).state().inventory();
        try {
            return Files.exists(lab) && Files.isSameFile(lab, inventory);
        } catch (IOException e) {
            return false;
        }
    }
}
