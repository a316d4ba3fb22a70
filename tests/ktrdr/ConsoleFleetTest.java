package ktrdr;

import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import ktrdr.api.FleetSession;
import lab.Toolkit.Ran;
import lab.Wait;
import lab.World;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ./ktrdr console on the practice fleet: its examples from standard input, from a file, and at a terminal. */
@Tag("fleet")
class ConsoleFleetTest {
    @TempDir Path folder;

    private Ran script(String... lines) throws IOException {
        return ktrdr("console", Files.write(folder.resolve("check.jsh"), List.of(lines)).toString()).run();
    }

    /** The output of each example, by its code. All examples run in one console through standard input. */
    private static List<String> examples() {
        var input = FleetSession.EXAMPLES.stream()
                .map(example -> "System.out.println(\"=== \");\n" + example.code() + "\n")
                .collect(Collectors.joining());
        var ran = ktrdr("console").input(input).run();
        assertEquals(0, ran.exit(), ran::toString);
        return List.of(ran.out().substring(5).split("=== \n"));
    }

    @Test
    void every_example_of_help_works_as_it_stands() {
        var said = new ArrayList<>(examples());
        assertEquals(FleetSession.EXAMPLES.size(), said.size(), said::toString);
        var wanted = List.of("(?s)CONTAINER ID .*ktrdr-backend.*", "(?s)Filesystem .*/\n",
                "(?s)NODE +SAID\ncore +.*load average.*\nworkers-b .*load average.*\nworkers-c .*load average.*\n",
                "core  \\d.*\nworkers-b  \\d.*\nworkers-c  \\d.*\n", "(?s).*backtest-worker-2.*",
                "(?s)Health\\[status=ok.*", "WORKER +TYPE .*\n(http://\\S+:500[3-8] .*\n){6,}",
                "(?s)(OPERATION|none).*", "(?s)SERIES +VALUE\n.*up\\{.*job=\"backend\".*\\} +1\n.*", "ONE\n1\n",
                "(?s).*\"status\" : \"ok\".*", "core\nworkers-b\nworkers-c\n");
        for (int i = 0; i < wanted.size(); i++)
            assertTrue(said.get(i).matches(wanted.get(i)), FleetSession.EXAMPLES.get(i).code() + "\n" + said.get(i));
    }

    @Test
    void there_is_one_connection_a_node_however_it_is_asked() throws IOException {
        var ran = script("core.run(\"echo $SSH_CONNECTION\")", "host(\"A\").run(\"echo $SSH_CONNECTION\")",
                "fleet.run(\"echo $SSH_CONNECTION\").values().get(core.node())",
                "workers.run(\"echo $SSH_CONNECTION\").values().get(host(\"B\").node())",
                "fleet.run(\"echo $SSH_CONNECTION\").values().get(host(\"B\").node())");
        var said = ran.out().lines().toList();
        assertEquals(5, said.size(), ran::toString);
        assertEquals(1, said.subList(0, 3).stream().distinct().count(), ran::toString);
        assertEquals(said.get(3), said.get(4));
    }

    @Test
    void the_database_is_read_only_unless_writing_is_asked_for() throws IOException {
        refused(1, script("db.query(\"create table console_probe (n int)\")"),
                "error: core: the query failed: cannot execute CREATE TABLE in a read-only transaction",
                "db.writing()");
        assertEquals("", World.sql("select tablename from pg_tables where tablename = 'console_probe'"));
        try {
            var ran = script("db.writing().query(\"create table console_probe (n int, t text)\")",
                    "db.writing().query(\"insert into console_probe values (1, 'a,b'), (2, null)\")",
                    "db.query(\"select * from console_probe order by n\")");
            assertEquals("done\ndone\nN  T\n1  a,b\n2  null\n", ran.out(), ran::toString);
            assertEquals("2", World.sql("select count(*) from console_probe"));
        } finally {
            World.sql("drop table if exists console_probe");
        }
    }

    @Test
    void what_fails_is_one_line_and_the_exit_code() throws IOException {
        var ran = refused(1, script("core.must(\"echo no >&2; exit 7\")", "\"after\""),
                "error: core: a script ended with exit code 7: no\n");
        assertEquals("", ran.out());
        refused(3, ktrdr("console", Files.writeString(folder.resolve("x.jsh"), "backend.workers()\n").toString(), "-i",
                World.inventory(folder, "backend: {port: 8000}", "backend: {port: 8009}").toString()).run(),
                "error: GET http://backend.ktrdr.home.mynerd.place:8009/api/v1/workers: no answer");
    }

    @Test
    void in_a_terminal_tab_completes_and_ctrl_c_ends_a_remote_command() throws Exception {
        var said = folder.resolve("said");
        var command = ktrdr("console").env("XDG_STATE_HOME", folder.toString())
                .env("JDK_JAVA_OPTIONS", "-Djava.io.tmpdir=" + folder).processBuilder();
        command.environment().put("TERM", "xterm");
        var words = command.command().stream().map(Sh::quote).collect(Collectors.joining(" "));
        var terminal = command.command("script", "-qfec", "stty rows 40 cols 120; " + words + "; echo code $?",
                "/dev/null").redirectErrorStream(true).redirectOutput(said.toFile()).start();
        try {
            await("a prompt", said, () -> read(said).contains("ktrdr> "));
            assertEquals(List.of(), startups(folder), "what it begins with is left in a file");
            type(terminal, "cor\t.mus\t\"echo $((6 * 7))\")\n");
            await("the answer", said, () -> read(said).contains("core.must(") && read(said).contains("42\r"));
            type(terminal, "fleet.run(\"sleep 4321\")\n");
            await("sleeping everywhere", said, () -> sleeping() == 3);
            type(terminal, "\u0003");
            await("nobody sleeping", said, () -> sleeping() == 0);
            type(terminal, "\"still \" + \"here\"\n");
            await("the next answer", said, () -> read(said).contains("still here\r"));
            type(terminal, "/exit\n");
            assertTrue(terminal.waitFor(20, TimeUnit.SECONDS), () -> read(said));
            assertTrue(read(said).contains("code 0"), read(said));
        } finally {
            terminal.descendants().forEach(ProcessHandle::destroyForcibly);
            terminal.destroyForcibly();
        }
    }

    private static List<Path> startups(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".jsh")).toList();
        }
    }

    private static long sleeping() {
        return List.of("core", "workers-b", "workers-c").stream()
                .filter(host -> World.on(host, "pgrep -fx 'sleep 4321' || :").matches("\\d+")).count();
    }

    private static void type(Process terminal, String keys) throws IOException {
        terminal.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
        terminal.getOutputStream().flush();
    }

    private static void await(String what, Path said, Wait.Condition condition) {
        Wait.until(condition, () -> what + ":\n" + read(said));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
