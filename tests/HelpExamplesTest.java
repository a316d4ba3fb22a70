import static java.util.stream.Collectors.joining;
import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.Project;
import ktrdr.cli.Cli;
import lab.Aftermath;
import lab.Prompt;
import lab.Toolkit.Ran;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/**
 * Runs the examples of every --help exactly as written: commands that change something with --dry-run, read-only
 * commands unchanged.
 */
@Tag("fleet")
class HelpExamplesTest {
    private static final String TAG = "sha-1000001";
    private static final String BACKUPS = "/srv/ktrdr-shared/db-backups";
    /** An example in a line of help; text after two spaces describes it. */
    private static final Pattern EXAMPLE = Pattern.compile("^ {2}(\\S.*?)(?: {2,}.*)?$");
    private static final Pattern REDIRECTED = Pattern.compile(" >(\\S+)");

    private enum How {
        /** As written, or with --dry-run if the command has that option. */
        RUN,
        /** Runs until stopped: must print something, and ends at Ctrl-C. */
        UNTIL_CTRL_C,
        /** The arguments are only parsed. */
        PARSED
    }

    /**
     * Exceptions for some examples.
     *
     * @param begins the start of the examples, without jbang, ./ and @ktrdr
     * @param exits the accepted exit codes
     */
    private record Special(String begins, How how, List<Integer> exits, String why) {}

    /** The first match applies; an example without a match is run and must exit with 0. */
    private static final List<Special> SPECIAL = List.of(
            new Special("setup-nfs", How.RUN, List.of(1),
                    "no kernel of a container has NFS: setup-nfs is tested on virtual machines"),
            new Special("verify-infra B --sudoers", How.RUN, List.of(2),
                    "the practice fleet logs in as root, who needs no file; OperatorsTest prints one"),
            new Special("deploy all --local", How.PARSED, List.of(),
                    "an image that was just built; DeployLocalTest has one"),
            new Special("verify --failover", How.PARSED, List.of(),
                    "it stops a worker and waits for a minute; FailoverTest does that"),
            new Special("retire root@10.42.1.13", How.PARSED, List.of(),
                    "a host that has left a fleet; FirewallFleetTest has one"),
            new Special("operations resume", How.RUN, List.of(1),
                    "the operation of these examples was not cancelled; OperationsFleetTest resumes one"),
            new Special("status --watch --until", How.UNTIL_CTRL_C, List.of(0, 130),
                    "half an hour; the last refresh was good, or it had just begun one"),
            new Special("status --watch", How.UNTIL_CTRL_C, List.of(0, 130),
                    "the last refresh was good, or it had just begun one"),
            new Special("logs core backend -f", How.UNTIL_CTRL_C, List.of(130), "until Ctrl-C, as its help says"),
            new Special("logs all -f", How.UNTIL_CTRL_C, List.of(130), "until Ctrl-C, as its help says"),
            new Special("lab status", How.RUN, List.of(0), "it only looks"),
            new Special("lab", How.PARSED, List.of(),
                    "it makes and takes away the fleet that the tests stand on; LabTest"),
            new Special("quickstart", How.PARSED, List.of(), "the same, and minutes"),
            new Special("test", How.PARSED, List.of(), "these are the tests"),
            new Special("bench", How.PARSED, List.of(), "minutes, with a fleet of its own to itself"),
            new Special("pictures -i .lab/inventory.yaml --range", How.PARSED, List.of(),
                    "a browser; PicturesFleetTest"),
            new Special("pictures ktrdr-system", How.PARSED, List.of(), "a browser; PicturesFleetTest"),
            new Special("pictures --to", How.PARSED, List.of(), "a browser; PicturesFleetTest"));
    private static final Special PLAIN = new Special("", How.RUN, List.of(0), "");

    /**
     * Maps placeholders in examples to real values, in this order. A line break marks the start or end of an example.
     */
    private static final Map<String, Function<Real, String>> STANDS_FOR = new LinkedHashMap<>();

    static {
        STANDS_FOR.put("ktrdr-20260101T020000Z-sha-3f2c9ab", Real::backup);
        STANDS_FOR.put("sha-3f2c9ab", real -> TAG);
        STANDS_FOR.put(" ID", real -> " " + real.operation());
        // a healthy fleet logs no error
        STANDS_FOR.put("ERROR|Traceback", real -> "INFO|LOG");
        STANDS_FOR.put("STRATEGY", real -> "practice");
        // the console reads commands from standard input
        STANDS_FOR.put("\njbang console@ktrdr\n", real -> "jbang console@ktrdr <check.jsh");
        // no test folder is a checkout of KTRDR at a released commit
        STANDS_FOR.put("deploy@ktrdr workers B C", real -> "deploy@ktrdr workers B C --tag " + TAG);
        STANDS_FOR.put("deploy@ktrdr core all --backup", real -> "deploy@ktrdr core all --backup --tag " + TAG);
        STANDS_FOR.put("deploy@ktrdr all --dry-run", real -> "deploy@ktrdr all --dry-run --tag " + TAG);
        STANDS_FOR.put("takeover@ktrdr --dry-run", real -> "takeover@ktrdr --dry-run --tag " + TAG);
        // eval and source print nothing; CompletionShellsTest covers them
        STANDS_FOR.put("eval \"$(./ktrdr completion bash)\"", real -> "./ktrdr completion bash");
        STANDS_FOR.put("source <(./ktrdr completion zsh)", real -> "./ktrdr completion zsh");
        STANDS_FOR.put("~/.local/share/bash-completion/completions/ktrdr", real -> "completion");
    }

    /** Real values of the fleet for placeholders. */
    private record Real(String backup, String operation) {}

    /** An example: its help text, the command line typed here, and picocli's parse result. */
    private record Example(String help, String typed, Special special, ParseResult parsed) {
        boolean changes() {
            var options = parsed.commandSpec().optionsMap();
            return options.containsKey("--dry-run") && Stream.of("--check", "--list")
                    .noneMatch(option -> options.containsKey(option) && parsed.hasMatchedOption(option));
        }

        /** Adds --dry-run if the command has it, and removes --yes. */
        String careful() {
            if (!changes() || parsed.hasMatchedOption("--dry-run")) return typed;
            return typed.replace(" --yes", "").replaceFirst("(?= [|>]|$)", " --dry-run");
        }
    }

    @TempDir static Path folder;
    private static Real real;
    private static List<Example> examples;

    @BeforeAll
    static void there_is_what_the_examples_name() throws IOException {
        Aftermath.deployed();
        if (ktrdr("rollback", "core", "--dry-run").run().exit() != 0)
            for (var tag : List.of("sha-2000002", TAG)) good(ktrdr("deploy", "core", "all", "--tag", tag).run());
        var backup = good(ktrdr("backup-db", "-o", "json").run()).json().path("backup").path("name").asText();
        assertTrue(backup.startsWith("ktrdr-"), backup);
        var started = good(ktrdr("operations", "start", "backtest", "practice", "AAPL", "1d", "--start-date",
                "2024-01-01", "--end-date", "2024-02-01", "--model-path", "models/practice", "--no-follow").run());
        real = new Real(backup, started.out().strip());
        good(ktrdr("backup-db", "--to", "ktrdr.dump.zst").in(folder).run());
        Files.writeString(folder.resolve("check.jsh"), "core.run(\"uptime\")\n");
        Files.writeString(folder.resolve("check.sh"), "uptime\n");
        Files.createSymbolicLink(folder.resolve(".lab"), World.folder());
        Prompt.at(folder);
        // concurrent JBang builds of one script conflict
        good(ktrdr("pictures", "--help").run());
        examples = commands().values().stream().flatMap(HelpExamplesTest::examples).toList();
    }

    @AfterAll
    static void its_backup_is_gone() {
        if (real != null) World.on("core", "rm -f " + BACKUPS + "/" + real.backup() + ".*");
    }

    private static Ran good(Ran ran) {
        assertEquals(0, ran.exit(), ran::toString);
        return ran;
    }

    /** Every procedure by its name. */
    private static Map<String, CommandLine> commands() {
        var commands = new LinkedHashMap<String, CommandLine>();
        for (var command : Completion.commands())
            if (command.getCommandSpec().userObject() instanceof Callable<?>) add(commands, command.getCommand());
        // completion has only the options of these commands, not their help
        Stream.of(new all(), new bench(), new pictures()).forEach(command -> add(commands, command));
        return commands;
    }

    private static void add(Map<String, CommandLine> commands, Callable<Exit> command) {
        var line = Cli.line(command);
        commands.put(line.getCommandName(), line);
    }

    private static Stream<Example> examples(CommandLine command) {
        return Stream.concat(lines(command).map(HelpExamplesTest::example),
                command.getSubcommands().values().stream().distinct().flatMap(HelpExamplesTest::examples));
    }

    private static Stream<String> lines(CommandLine command) {
        return Stream.of(command.getCommandSpec().usageMessage().footer()).map(EXAMPLE::matcher)
                .filter(line -> line.find()).map(line -> line.group(1));
    }

    private static Example example(String help) {
        var line = "\n" + help + "\n";
        for (var entry : STANDS_FOR.entrySet()) line = line.replace(entry.getKey(), entry.getValue().apply(real));
        var typed = line.strip();
        var words = Prompt.at(folder).words(typed);
        assertFalse(words.isEmpty(), () -> "no procedure is run by the example: " + help);
        var begins = String.join(" ", words);
        var special = SPECIAL.stream().filter(eachSpecial -> (begins + " ").startsWith(eachSpecial.begins() + " "))
                .findFirst().orElse(PLAIN);
        try {
            return new Example(help, typed, special,
                    innermost(commands().get(words.get(0))
                            .parseArgs(words.subList(1, words.size()).toArray(String[]::new))));
        } catch (CommandLine.ParameterException wrong) {
            throw new AssertionError("the example is no right usage: " + help, wrong);
        }
    }

    private static ParseResult innermost(ParseResult parsed) {
        return parsed.hasSubcommand() ? innermost(parsed.subcommand()) : parsed;
    }

    @Test
    void every_procedure_of_the_catalog_has_examples() throws IOException {
        var catalog = new TreeSet<String>();
        new ObjectMapper().readTree(Files.readString(Project.root().resolve("jbang-catalog.json"))).path("aliases")
                .fieldNames().forEachRemaining(catalog::add);
        catalog.removeAll(List.of("lib", "ktrdr"));
        assertEquals(catalog, new TreeSet<>(commands().keySet()));
        commands().forEach((name, command) -> assertTrue(examples(command).findAny().isPresent(),
                () -> name + " --help has no example"));
    }

    @Test
    void each_entry_of_the_table_is_for_an_example_that_is_there() {
        for (var special : SPECIAL)
            assertTrue(examples.stream().anyMatch(example -> example.special() == special), special::toString);
        for (var words : STANDS_FOR.keySet())
            assertTrue(examples.stream().anyMatch(example -> ("\n" + example.help() + "\n").contains(words)), words);
    }

    @Test
    void dry_run_examples_change_nothing() {
        var before = everything();
        run(example -> example.special().how() == How.RUN && example.changes());
        assertEquals(before, everything());
    }

    @Test
    void what_only_looks_ends_well() {
        run(example -> example.special().how() == How.RUN && !example.changes());
    }

    @Test
    void what_goes_on_by_itself_ends_at_ctrl_c() {
        each(examples.stream().filter(example -> example.special().how() == How.UNTIL_CTRL_C).toList(), example -> {
            try (var run = Prompt.at(folder).start(example.typed())) {
                run.await(ran -> said(example, ran).length() > 0);
                run.signal("INT");
                return run.end();
            }
        });
    }

    /**
     * Everything that a dry run could change: containers, files, images, histories, backups, databases, units and
     * mounts. Excludes the folders of services that systemd starts on demand.
     */
    private static String everything() {
        return World.everything() + World.on("core", "ls -l --time-style=full-iso " + BACKUPS)
                + World.sql("select datname from pg_database order by 1")
                + Stream.of("core", "workers-b", "workers-c")
                        .map(host -> World.on(host,
                                "sha256sum /etc/fstab /etc/exports 2>&1 || :; ls /etc/systemd/system; find /tmp "
                                        + "-maxdepth 1 ! -name 'systemd-private-*' ! -name 'runc-process*' | sort"))
                        .collect(joining("\n"));
    }

    private static void run(Predicate<Example> which) {
        each(examples.stream().filter(which).toList(), example -> Prompt.at(folder).run(example.careful()));
    }

    /** Runs three at a time, since they mostly wait for the network. Reports all failures together. */
    private static void each(List<Example> examples, Function<Example, Ran> how) {
        assertFalse(examples.isEmpty());
        var pool = Executors.newFixedThreadPool(3);
        try {
            var wrong = new ArrayList<String>();
            for (Future<String> result
                    : pool.invokeAll(examples.stream()
                            .map(example -> (Callable<String>) () -> wrong(example, how.apply(example)))
                            .toList())) wrong.add(result.get());
            assertEquals("", wrong.stream().filter(words -> !words.isEmpty()).collect(joining("\n\n")));
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError(e);
        } finally {
            pool.shutdownNow();
        }
    }

    private static String wrong(Example example, Ran ran) {
        if (!example.special().exits().contains(ran.exit())) return example.help() + "\n  typed as " + example.careful()
                + "\n  expected " + example.special().exits() + ", found " + ran;
        return said(example, ran).isEmpty() ? example.help() + "\n  says nothing" : "";
    }

    /** The output, printed or in a file, without the line that names the inventory. */
    private static String said(Example example, Ran ran) {
        var file = REDIRECTED.matcher(example.typed());
        try {
            if (file.find()) return Files.readString(folder.resolve(file.group(1)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return (ran.out() + ran.err()).lines().filter(line -> !line.startsWith("inventory ")).collect(joining("\n"));
    }
}
