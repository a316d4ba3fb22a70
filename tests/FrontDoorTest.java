import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.CommandResult;
import ktrdr.Documents;
import ktrdr.LocalCommand;
import ktrdr.Project;
import lab.Toolkit;
import lab.World;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ./ktrdr on machines that lack a tool, and the catalog from another folder. Needs Maven's and JBang's registries. */
@Tag("machine")
class FrontDoorTest {
    private static final Path ROOT = Project.root();
    private static final String GSON = Project.frontDoor("gson");
    @TempDir Path folder;
    private Path home;
    private Path bin;

    @BeforeEach
    void a_home_and_a_path_of_its_own() throws IOException {
        home = Files.createDirectories(folder.resolve("home"));
        bin = Files.createDirectories(home.resolve(".local/bin"));
        with("sh", "sed", "cut", "tr", "grep", "mkdir", "mktemp", "rm", "mv", "cat", "chmod", "dirname", "readlink",
                "head", "id", "ln", "env", "uname", "bash");
    }

    private static Path program(String name) {
        return List.of(System.getenv("PATH").split(":")).stream().map(place -> Path.of(place, name))
                .filter(Files::isExecutable).findFirst().orElseThrow();
    }

    private void with(String... tools) throws IOException {
        for (var tool : tools) fake(tool, "exec '" + program(tool).toRealPath() + "' \"$@\"");
    }

    private void fake(String name, String script) throws IOException {
        var file = Files.writeString(bin.resolve(name), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** This home and PATH and no JAVA_HOME look like a new machine to the front door. */
    private CommandResult run(Map<String, String> more, String... words) {
        var command = LocalCommand.command(words).directory(folder).env("HOME", home.toString())
                .env("PATH", bin.toString()).env("JAVA_HOME", "")
                .env("XDG_CACHE_HOME", "").env("JBANG_DIR", home.resolve(".jbang").toString());
        more.forEach(command::env);
        return command.run();
    }

    private CommandResult door(String... words) {
        return run(Map.of(), prepend(words));
    }

    private static String[] prepend(String... words) {
        return Stream.concat(Stream.of(ROOT.resolve("ktrdr").toString()), List.of(words).stream())
                .toArray(String[]::new);
    }

    @Test
    void without_a_jdk_it_names_the_package() {
        var ran = door("deploy", "--help");
        assertEquals(2, ran.exit());
        assertTrue(ran.err().contains("there is no Java on this machine")
                && ran.err().contains("openjdk-17-jdk-headless"), ran.err());
    }

    @Test
    void an_old_java_is_told() throws IOException {
        fake("java", "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2");
        var ran = door("deploy", "--help");
        assertEquals(2, ran.exit());
        assertTrue(ran.err().contains("Java is too old") && ran.err().contains("11.0.2"), ran.err());
    }

    @Test
    void an_unknown_procedure_is_told_with_the_known_ones() {
        var ran = door("deplyo");
        assertEquals(2, ran.exit());
        assertTrue(ran.err().contains("no procedure deplyo") && ran.err().contains("deploy verify"), ran.err());
    }

    @Test
    void help_lists_each_procedure_of_the_catalog_and_nothing_else() throws IOException {
        var listed = Pattern.compile("(?m)^  ([a-z-]+) ").matcher(door("--help").out()).results()
                .map(line -> line.group(1)).collect(Collectors.toCollection(TreeSet::new));
        var catalog = new TreeSet<>(Set.of("setup"));
        new ObjectMapper().readTree(Files.readString(ROOT.resolve("jbang-catalog.json"))).path("aliases").fieldNames()
                .forEachRemaining(catalog::add);
        catalog.removeAll(List.of("lib", "ktrdr", "test", "bench", "pictures"));
        assertEquals(catalog, listed);
    }

    @Test
    void help_fits_a_terminal_of_80_columns() throws IOException {
        with("stty", "script");
        var shown = run(Map.of("SHELL", "/bin/sh"), "script", "-qec",
                "stty cols 80; " + ROOT.resolve("ktrdr") + " --help", "/dev/null").out();
        assertTrue(shown.contains("\n  verify-infra   Check that the machines are ready"), shown);
        assertEquals(List.of(), shown.lines().filter(line -> line.length() > 80).toList());
        // wrapped text is complete
        assertEquals(door("--help").out().replaceAll("\\s+", " "), shown.replaceAll("\\s+", " "));
    }

    @Test
    void where_no_procedure_begins_there_is_a_document_too() throws IOException {
        for (var words : List.of(List.of("de\"pl\\oy\t", "-o", "json"), List.of("deploy", "core", "--output=json"),
                List.of("setup", "nonsense", "-ojson"), List.of("ktrdr", "--output", "json"))) {
            var ran = door(words.toArray(String[]::new));
            assertEquals(2, ran.exit(), ran::toString);
            Documents.hold("deploy", 2, ran.out());
            var message = new ObjectMapper().readTree(ran.out()).at("/errors/0/message").asText();
            assertTrue(ran.err().replace('\t', ' ').startsWith("error: " + message + "\n"), ran::toString);
        }
        for (var words : List.of(List.of("nonsense"), List.of("nonsense", "-o", "text"), List.of("deploy", "json")))
            assertEquals("", door(words.toArray(String[]::new)).out());
    }

    @Test
    void a_jbang_on_the_path_comes_first() throws IOException {
        with("java", "javac");
        fake("jbang", "echo \"mine $*\"");
        assertEquals("mine run " + ROOT + "/scripts/Deploy.java core all\n", door("deploy", "core", "all").out());
    }

    @Test
    void announces_and_runs_jbangs_installer_without_jbang_and_maven() throws IOException {
        with("java", "javac");
        fake("curl", "echo 'echo installer asked for \"$@\"; exit 1'");
        var ran = door("deploy", "--help");
        assertEquals(2, ran.exit());
        assertTrue(ran.err().contains("JBang's own installer") && ran.err().contains("installer asked for app setup"),
                ran.err());
        assertTrue(ran.err().indexOf("running JBang's own installer") < ran.err().indexOf("installer asked"),
                ran.err());
    }

    @Test
    @Tag("fleet")
    void fetches_jbang_once_by_maven_and_setup_registers_the_catalog() throws IOException {
        with("java", "javac", "touch", "ls", "expr");
        fake("mvn", "exec '" + program("mvn").toRealPath() + "' -Duser.home='" + System.getProperty("user.home")
                + "' \"$@\"");
        var maven = Map.of("PATH", bin + ":/usr/bin:/bin");
        var first = run(maven, prepend("deploy", "--help"));
        assertEquals(0, first.exit(), first.err());
        assertTrue(first.err().contains("fetching dev.jbang:jbang-cli") && first.out().contains("Examples:"),
                first.err());
        assertFalse(Files.exists(home.resolve(".jbang/jbang-catalog.json")),
                "nothing is registered behind the user's back");
        assertFalse(run(maven, prepend("deploy", "--help")).err().contains("fetching"));

        assertEquals(0, run(maven, prepend("setup")).exit());
        var elsewhere = run(maven, "/usr/bin/env", "jbang", "deploy@ktrdr", "core", "all", "--tag", "sha-1000001",
                "--dry-run", "-i", World.inventory().toString());
        assertEquals(0, elsewhere.exit(), elsewhere.err());
        assertTrue(elsewhere.out().contains("-> sha-1000001"), elsewhere.out());
        var byPath = run(maven, "/usr/bin/env", "jbang", ROOT.resolve("scripts/Deploy.java").toString(), "--version");
        assertEquals("ktrdr 0.1.0\n", byPath.out(), byPath.err());
        var byItself = run(maven, ROOT.resolve("scripts/Deploy.java").toString(), "--version");
        assertEquals("ktrdr 0.1.0\n", byItself.out(), byItself.err());

        assertEquals(0, run(maven, prepend("setup", "--undo")).exit());
        assertFalse(Files.exists(bin.resolve("jbang")));
    }

    /** A private /usr/local, and a JBang in root's cache. */
    private CommandResult inUsrLocal(String script) throws IOException {
        with("unshare", "mount", "cp", "find", "rmdir", "ls", "java", "javac");
        fake("mvn", "exit 1");
        var cached = Files.createDirectories(home.resolve(".cache/ktrdr/jbang-" + Project.frontDoor("version")
                + "-gson-" + GSON + "/bin")).resolve("jbang");
        Files.writeString(cached, "#!/bin/sh\n");
        Files.setPosixFilePermissions(cached, PosixFilePermissions.fromString("rwx------"));
        Files.setPosixFilePermissions(cached.getParent(), PosixFilePermissions.fromString("rwx------"));
        var tools = Files.move(bin, folder.resolve("tools"));
        return run(Map.of("PATH", tools + ":/usr/local/bin"), tools.resolve("unshare").toString(), "--mount",
                "--map-root-user", "sh", "-c",
                "set -e; mount -t tmpfs tmpfs /usr/local; mkdir /usr/local/bin; door='" + ROOT.resolve("ktrdr") + "'\n"
                        + script);
    }

    @Test
    void a_system_wide_setup_installs_a_jbang_that_all_can_read() throws IOException {
        var ran = inUsrLocal(
                "\"$door\" setup; readlink -f /usr/local/bin/jbang; find /usr/local/lib ! -perm -o=r; \"$door\" setup "
                        + "--undo; ls /usr/local/bin /usr/local/lib");
        assertEquals(0, ran.exit(), ran.err());
        assertEquals("/usr/local/lib/ktrdr/jbang-" + Project.frontDoor("version") + "-gson-" + GSON
                + "/bin/jbang\n/usr/local/bin:\n\n/usr/local/lib:\n", ran.out(), ran.err());
    }

    @Test
    void setup_without_a_home_to_write_to_is_refused() throws IOException {
        with("java", "javac", "find");
        fake("jbang", "echo asked for more >&2");
        var ran = run(Map.of("HOME", "/proc", "TMPDIR", folder.toString()), prepend("setup"));
        assertEquals(2, ran.exit());
        assertTrue(ran.err().contains("error: nothing can be made known to JBang\n")
                && !ran.err().contains("asked for more"), ran.err());
    }

    @Test
    void a_jbang_of_which_one_file_is_another_is_not_run() throws IOException {
        with("java", "javac", "touch", "ls", "expr");
        fake("mvn", "'" + program("mvn").toRealPath() + "' -Duser.home='" + System.getProperty("user.home") +
                "' \"$@\" || exit\n"
                + "for word; do case $word in -DoutputDirectory=*) echo more >>\"${word#*=}/gson-" + GSON +
                ".jar\" ;; esac; done");
        var ran = run(Map.of("PATH", bin + ":/usr/bin:/bin"), prepend("deploy", "--help"));
        assertEquals(2, ran.exit(), ran.err());
        assertTrue(ran.err().contains("error: what Maven fetched is not the JBang that is known here")
                && ran.err().contains("gson-" + GSON + ".jar: FAILED"), ran.err());
        try (var left = Files.list(home.resolve(".cache/ktrdr"))) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    @Tag("fleet")
    void the_catalog_works_over_http_with_its_templates() throws IOException {
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            var file = ROOT.resolve(exchange.getRequestURI().getPath().substring(1));
            var body = Files.isRegularFile(file) ? Files.readAllBytes(file) : null;
            exchange.sendResponseHeaders(body == null ? 404 : 200, body == null || body.length == 0 ? -1 : body.length);
            if (body != null && !exchange.getRequestMethod().equals("HEAD")) exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        try {
            var url = "http://127.0.0.1:" + server.getAddress().getPort() + "/";
            var jbang = Toolkit.jbang().toString();
            var here = Map.of("PATH", System.getenv("PATH"));
            assertEquals(0, run(here, jbang, "trust", "add", url).exit());
            assertEquals(0, run(here, jbang, "catalog", "add", "--global", "--name", "ktrdr",
                    url + "jbang-catalog.json").exit());
            var ran = run(here, jbang, "deploy@ktrdr", "workers", "B", "--tag", "sha-2000002", "--dry-run", "-i",
                    World.inventory().toString());
            assertEquals(0, ran.exit(), ran.err());
            assertTrue(ran.out().contains("+IMAGE_TAG=sha-2000002"), ran.out());
        } finally {
            server.stop(0);
        }
    }
}
