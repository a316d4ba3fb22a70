package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A short script that uses the library without a command line, in a separate JVM. */
class UncaughtTest {
    private static final String CLASSES = System.getProperty("java.class.path");
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin");
    @TempDir static Path folder;

    /** Five scripts in one file; the argument selects one. */
    @BeforeAll
    static void the_scripts() throws IOException {
        var source = Files.writeString(folder.resolve("script.java"), """
                import ktrdr.*;
                import ktrdr.inventory.Inventory;
                import ktrdr.ssh.Ssh;
                class script {
                    public static void main(String... args) throws Exception {
                        switch (args[0]) {
                            case "node" -> { try (var core = Ssh.to("root@127.0.0.1:1")) { \
                System.out.print(core.must("uptime")); } }
                            case "inventory" -> Inventory.read(java.nio.file.Path.of("none.yaml"));
                            case "thread" -> {
                                var other = new Thread(() -> { throw Problem.failed("not now"); });
                                other.start();
                                other.join();
                                System.out.print("done");
                            }
                            case "defect" -> throw new IllegalStateException("mine", Problem.failed("x"));
                            default -> {
                                Thread.setDefaultUncaughtExceptionHandler((thread, e) -> System.err.print("mine: " + \
                e.getMessage()));
                                throw Problem.usage("x");
                            }
                        }
                    }
                }
                """);
        LocalCommand.command(JAVA.resolve("javac").toString(), "-cp", CLASSES, "-d", folder.toString(),
                source.toString()).must();
    }

    private static CommandResult script(String which) {
        return LocalCommand.command(JAVA.resolve("java").toString(), "-cp", folder + File.pathSeparator + CLASSES,
                "script", which).env("HOME", folder.toString()).run();
    }

    @Test
    void an_unreachable_node_is_one_error_with_its_exit_code() {
        var ran = script("node");
        assertEquals(3, ran.exit(), ran.err());
        assertTrue(ran.err().startsWith("error: ") && ran.err().contains("refused the connection")
                && !ran.err().contains("\tat "), ran.err());
    }

    @Test
    void a_missing_inventory_is_too() {
        var ran = script("inventory");
        assertEquals(2, ran.exit(), ran.err());
        assertTrue(ran.err().startsWith("error: the inventory none.yaml cannot be read\n  found  no such file\n"),
                ran.err());
    }

    @Test
    void a_problem_of_another_thread_is_told_and_the_program_goes_on() {
        var ran = script("thread");
        assertEquals("0 done error: not now", ran.exit() + " " + ran.out().strip() + " " + ran.err().strip());
    }

    @Test
    void any_other_exception_and_a_handler_of_ones_own_are_as_ever() {
        var defect = script("defect");
        assertEquals(1, defect.exit());
        assertTrue(defect.err()
                .startsWith("Exception in thread \"main\" java.lang.IllegalStateException: mine\n\tat script.main"),
                defect.err());
        var own = script("handler");
        assertEquals("1 mine: x", own.exit() + " " + own.err().strip());
    }
}
