
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Project;
import ktrdr.shell.ShellCompletion;
import ktrdr.shell.ShellCompletion.Shell;
import lab.Machine;
import lab.Spent;
import lab.Wait;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Tab is pressed in a real bash and a real zsh on a pseudo-terminal. Stand-ins for ktrdr and jbang report the arguments
 * that they received.
 */
@Tag("packages")
class CompletionShellsTest {
    @TempDir static Path folder;

    @BeforeAll
    static void a_folder_with_a_ktrdr_that_tells_its_words() throws IOException {
        Spent.on(Spent.What.apt,
                () -> Machine.ensure(new Console(Console.Color.never, false),
                        Map.of("zsh", "zsh", "script", "bsdutils"), "completion is tried in real shells"));
        for (var program : List.of("ktrdr", "jbang")) {
            var file = Files.writeString(folder.resolve(program), "#!/bin/sh\necho \"got:$(printf '<%s>' \"$@\")\"\n");
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        Files.copy(Project.root().resolve("inventory.yaml"), folder.resolve("inventory.yaml"));
        Files.writeString(folder.resolve("a backup.dump"), "");
        for (var shell : Shell.values()) Files.writeString(folder.resolve("completion." + shell),
                ShellCompletion.script(shell, Completion.commands()));
    }

    /** A shell without user settings that has loaded the completion; its output goes to a file. */
    private static final class Terminal implements AutoCloseable {
        private final Process process;
        private final Path said;

        Terminal(Shell shell) throws IOException {
            said = Files.createTempFile(folder, "said", "");
            var words = shell == Shell.bash ? "bash --norc --noprofile -i" : "zsh -f -i";
            var builder = new ProcessBuilder("script", "-qfec", words, "/dev/null").directory(folder.toFile())
                    .redirectErrorStream(true).redirectOutput(said.toFile());
            builder.environment()
                    .putAll(Map.of("TERM", "dumb", "KTRDR_INVENTORY", "", "PATH", folder + ":" + System.getenv("PATH"),
                            "HOME", folder.toString()));
            process = builder.start();
            type((shell == Shell.bash ? "bind 'set enable-bracketed-paste off'; "
                    : "autoload -Uz compinit; compinit -u -D; ") + ". ./completion." + shell + "; echo re''ady\n");
            await("ready");
        }

        void type(String keys) throws IOException {
            process.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
        }

        void await(String text) {
            Wait.until(() -> Files.readString(said).contains(text), () -> "no " + text + " in\n" + said());
        }

        private String said() {
            return LocalCommand.command("cat", "-v", said.toString()).must().out();
        }

        @Override
        public void close() {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    @ParameterizedTest
    @EnumSource
    void tab_completes_procedures_options_nodes_services_and_files(Shell shell) throws IOException {
        try (var terminal = new Terminal(shell)) {
            terminal.type("./ktrdr depl\twork\tworkers-b\t\n");
            terminal.await("got:<deploy><workers><workers-b>");
            terminal.type("ktrdr scale C 2 --dry\t\n");
            terminal.await("got:<scale><C><2><--dry-run>");
            terminal.type("ktrdr deploy --color=al\t\n");
            terminal.await("got:<deploy><--color=always>");
            terminal.type("./ktrdr logs B training-worker-2\t\n");
            terminal.await("got:<logs><B><training-worker-2>");
            terminal.type("./ktrdr restore-db a\t\n");
            terminal.await("got:<restore-db><a backup.dump>");
            terminal.type("ktrdr verify-infra -i inv\t--rec\tb.md\n");
            terminal.await("got:<verify-infra><-i><inventory.yaml><--record><b.md>");
            terminal.type("jbang deploy@ktrdr core prom\t\n");
            terminal.await("got:<deploy@ktrdr><core><prometheus>");
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_is_possible_is_shown(Shell shell) throws IOException {
        try (var terminal = new Terminal(shell)) {
            terminal.type("./ktrdr deploy core \t\t");
            terminal.await("jaeger");
            terminal.type("\u0015./ktrdr deploy workers \t\t");
            terminal.await("workers-c");
        }
    }
}
