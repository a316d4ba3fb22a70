import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.Project;
import org.junit.jupiter.api.Test;

/** The shape of the house: who may know whom, and that everything is where it is looked for. */
class FloorsTest {
    /** From the ground up; a class refers to classes of its own floor or of those before it. */
    private static final List<Set<String>> FLOORS = List.of(
            Set.of("Document", "Exit", "Invocation", "Problem", "Result", "Sh", "Sha256", "Units", "Nearest", "Repeated", "Uncaught", "Utf8", "Yaml", "HostKeyPin", "Inventory", "InventoryReader", "InventorySecrets", "InventorySection", "InventoryWorkers", "NodeNames",
                    "Console", "Json", "Jwt", "Table", "Terminal", "Local", "OutputFile", "StandardOutput", "Threads"),
            Set.of("Ssh", "SshAgent", "SshAlgorithms", "SshConfig", "SshConnect", "SshLogin", "SshLookup", "SshOpening", "SshRoute", "SshRun", "SshWire", "HostKeys",
                    "Http", "Secrets"),
            Set.of("Fleet", "Host"),
            Set.of("Alert", "BackupRecord", "BackupSchedule", "Check", "ContainerProbe", "Convergence", "DatabaseData", "Dns", "Docker", "Facts", "Gpu", "History", "HostFacts", "LastWords", "Lock", "LogCursor", "LogMask", "LogMerge", "LogNode",
                    "LogScript", "Mount", "Mounted", "NfsFacts", "NfsFiles", "NodeFacts", "NodeFiles", "NodeStatus", "Occupant", "Published", "Registry", "Room", "ScramVerifier", "SecretKeeper", "Sudoers", "Usage"),
            Set.of("Alerting", "ApiUse", "Backend", "BackendDrain", "BackupFile", "BackupFolder", "BackupReport", "BackupTimer",
                    "Backups", "Causes", "Checkpoint", "Checks", "DatabaseNames", "Deployment", "Drift", "Excess", "Exchange", "Exporter", "Failover",
                    "Firewall", "FleetStatus", "Following", "Gap", "Gate", "GrafanaChecks", "GrafanaPassword", "HealthLog",
                    "Aside", "Likeness", "Infra", "InfraRecord", "Installation", "Jaeger", "JavaShell", "LocalBackup", "Locks", "LogChoice", "LogReader", "Metrics",
                    "Migration", "NfsObstacles", "NfsPlan", "NfsProof", "NfsSetup", "NodeJournal", "NodeRollout",
                    "Operations", "OperationsReport", "Outage", "Pins", "Plans", "PostgresPassword", "Preview", "Prometheus",
                    "PushedBackup", "Release", "Reread", "Restore", "RestoreSaid", "Restoring", "Retirement", "Revision", "Rollout",
                    "Roster", "Rotation", "RunningScale", "SampleRun", "Scaling", "Schema", "Session",
                    "ShellCompletion", "ShellHistory", "Shown", "Snapshot", "SnippetControl", "Sql", "Stack",
                    "Staging", "StagingScript", "TakingOver", "StatusChanges", "StatusReport", "StatusWatch", "Templates",
                    "Unregistered", "Verification", "VerifyReport", "WorkerDrain", "WorkerStops", "WorkersHold"),
            Set.of("Cli", "HelpFooter", "NodeChoice", "Reports", "Rolling", "Stopping", "Training"));
    private static final Path ROOT = Project.root();

    private static List<Path> files(String folder, String ending) throws IOException {
        try (var all = Files.walk(ROOT.resolve(folder))) {
            return all.filter(Files::isRegularFile).filter(file -> file.toString().endsWith(ending)).sorted().toList();
        }
    }

    private static String name(Path file) {
        return file.getFileName().toString().replace(".java", "");
    }

    private static String code(Path file) throws IOException {
        // text blocks first: what is a comment in them, or one quote, would be one of Java
        return Files.readString(file).replaceAll("(?s)\"\"\".*?\"\"\"", "").replaceAll("(?s)/\\*.*?\\*/", "").replaceAll("(?m)//.*$", "").replaceAll("\"(\\\\.|[^\"\\\\\n])*\"", "\"\"");
    }

    @Test
    void a_class_of_the_library_knows_only_its_own_floor_and_those_below() throws IOException {
        var floor = new HashMap<String, Integer>();
        for (int i = 0; i < FLOORS.size(); i++) for (var name : FLOORS.get(i)) floor.put(name, i);
        var wrong = new ArrayList<String>();
        for (var file : files("lib/ktrdr", ".java")) {
            assertTrue(floor.containsKey(name(file)), name(file) + " has no floor: add it to FLOORS in tests/FloorsTest.java");
            var words = new TreeSet<>(List.of(code(file).split("[^A-Za-z0-9_]+")));
            words.retainAll(floor.keySet());
            // okhttp3.Dns is not ours
            Pattern.compile("(?m)^import (?!ktrdr\\.)[a-z0-9_.]+\\.(\\w+);").matcher(Files.readString(file)).results().forEach(foreign -> words.remove(foreign.group(1)));
            for (var other : words) if (floor.get(other) > floor.get(name(file))) wrong.add(name(file) + " knows " + other);
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void each_foreign_library_is_imported_where_it_is_wrapped() throws IOException {
        var allowed = Map.of("import (net\\.schmizz|com\\.hierynomus)", "(Ssh\\w*|HostKeys)", "import okhttp3", "Http",
                "import com\\.fasterxml\\.jackson\\.dataformat", "Yaml", "System\\.(out|err)", "Invocation");
        var wrong = new ArrayList<String>();
        for (var rule : allowed.entrySet())
            for (var file : files("lib/ktrdr", ".java"))
                if (Pattern.compile(rule.getKey()).matcher(code(file)).find() && !name(file).matches(rule.getValue()))
                    wrong.add(name(file) + " has " + rule.getKey());
        assertEquals(List.of(), wrong);
    }

    @Test
    void scripts_know_the_library_picocli_and_the_jdk() throws IOException {
        var wrong = new ArrayList<String>();
        for (var file : files("scripts", ".java")) {
            assertTrue(Files.readString(file).startsWith("///usr/bin/env jbang \"$0\" \"$@\" ; exit $?\n"), file + " starts with the line that runs it");
            code(file).lines().filter(line -> line.startsWith("import ")).filter(line -> !line.matches("import (static )?(java|ktrdr|picocli|lab)\\..*"))
                    .forEach(line -> wrong.add(name(file) + ": " + line));
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void the_header_lists_every_class_and_every_template() throws IOException {
        var header = Files.readString(ROOT.resolve("lib/sources.java"));
        var sources = header.lines().filter(line -> line.startsWith("//SOURCES ktrdr/")).map(line -> line.substring(16)).collect(Collectors.toSet());
        var library = ROOT.resolve("lib/ktrdr");
        assertEquals(Project.library().stream().map(file -> library.relativize(file).toString()).collect(Collectors.toSet()), sources);
        var own = Files.readString(ROOT.resolve("lib/library.java")).lines().filter(line -> line.startsWith("//FILES ")).collect(Collectors.toSet());
        assertEquals(sources.stream().map(file -> "//FILES lib/ktrdr/" + file + "=ktrdr/" + file).collect(Collectors.toSet()), own);
        var templates = header.lines().filter(line -> line.startsWith("//FILES ")).map(line -> line.replaceFirst(".*=\\.\\./", "")).collect(Collectors.toSet());
        assertEquals(files("templates", "").stream().map(file -> ROOT.relativize(file).toString()).collect(Collectors.toSet()), templates);
    }

    @Test
    void every_script_is_in_the_catalog_with_its_description() throws IOException {
        var catalog = Files.readString(ROOT.resolve("jbang-catalog.json"));
        for (var file : files("scripts", ".java")) {
            var alias = name(file).replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase();
            var description = Files.readString(file).lines().filter(line -> line.startsWith("//DESCRIPTION ")).findFirst().orElseThrow().substring(14);
            assertTrue(catalog.contains("\"" + alias + "\": {\"script-ref\": \"scripts/" + name(file) + ".java\", \"description\": \"" + description + "\"}"), alias);
        }
    }

    @Test
    void no_file_is_too_large_to_hold_in_the_head() throws IOException {
        var large = new ArrayList<String>();
        for (var folder : List.of("lib", "scripts", "tests"))
            for (var file : files(folder, ".java")) {
                // a list of names is nothing to hold there
                long lines = Files.readString(file).lines().filter(line -> !line.startsWith("import ")).count();
                if (lines > 345) large.add(file + " has " + lines + " lines");
            }
        assertEquals(List.of(), large);
    }
}
