package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.SshPeer;
import lab.Machine;
import lab.Spent;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Scripts of a user whose login shell is not POSIX: the sent line means the same in each shell, and its startup file
 * may print.
 */
@Tag("packages")
class OtherShellsTest {
    @TempDir Path folder;

    @BeforeAll
    static void the_shells() {
        Spent.on(Spent.What.apt,
                () -> Machine.ensure(new Console(Console.Color.never, false),
                        Map.of("zsh", "zsh", "fish", "fish", "tcsh", "tcsh"), "scripts are sent to real login shells"));
    }

    @ParameterizedTest
    @CsvSource({"zsh, .zshenv", "fish, fish/config.fish", "tcsh, .cshrc"})
    void a_script_is_run_by_sh_whatever_the_login_shell_is(String shell, String startup) throws IOException {
        try (var peer = new SshPeer(folder)) {
            var file = peer.home.resolve(startup);
            Files.createDirectories(file.getParent());
            Files.writeString(file, "echo Welcome to " + shell + "\n");
            LoginShellTest.shell(peer, shell, "-c");
            try (var ssh = peer.connect()) {
                assertEquals(new CommandResult(4, "it's \\n !x $HOME\n", "err\n"),
                        ssh.run("for one in 'it'\\''s \\n !x $HOME'; do printf '%s\\n' \"$one\"; done; echo err >&2; "
                                + "exit 4"));
                assertEquals(new CommandResult(0, "it's \"so\" \\ !x\n5\n", ""),
                        ssh.push("echo 'it'\\''s \"so\" \\ !x'\nwc -c", new ByteArrayInputStream("bytes".getBytes()),
                                sent -> {}));
            }
        }
    }
}
