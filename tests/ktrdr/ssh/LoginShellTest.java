package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import ktrdr.CommandResult;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.SshPeer;
import ktrdr.Started;
import org.apache.sshd.server.shell.ProcessShellFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Scripts of a user whose login shell prints or does something first: a real bash with a startup file, and replaced
 * commands.
 */
class LoginShellTest {
    @TempDir Path folder;
    @Started private SshPeer peer;

    /**
     * Runs a command through the login shell, as sshd does: with its own home and the variables that mark an ssh login
     * for bash.
     */
    static void shell(SshPeer peer, String... shell) {
        peer.server.setCommandFactory((channel, command) -> {
            var there = "HOME=" + peer.home + " ZDOTDIR=" + peer.home + " XDG_CONFIG_HOME=" + peer.home
                    + " SSH_CLIENT='127.0.0.1 1 2' SHLVL=0; export HOME ZDOTDIR XDG_CONFIG_HOME SSH_CLIENT SHLVL; exec "
                    + Sh.words(List.of(shell)) + " " + Sh.quote(command);
            return new ProcessShellFactory(there, "sh", "-c", there).createShell(channel);
        });
    }

    private Ssh bash(String startup) throws IOException {
        Files.writeString(peer.home.resolve(".bashrc"), startup + "\n");
        shell(peer, "bash", "-c");
        return peer.connect();
    }

    @ParameterizedTest
    @ValueSource(strings = {"echo Welcome; echo careful >&2", "printf 'no end of line'; printf same >&2",
            "head -c 300000 /dev/zero | tr '\\0' x", "set -x; echo ktrdr-begin", "printf 'a\\tb\\nkey\\tvalue\\n'",
        "exec 2>&1"})
    void what_startup_files_print_is_no_part_of_an_answer(String startup) throws IOException {
        try (var ssh = bash(startup)) {
            assertEquals("out\n", ssh.run("echo out; echo err >&2; exit 3").out().replace("err\n", ""));
            assertEquals(3, ssh.run("exit 3").exit());
            assertEquals("", ssh.run("true").err());
            var bytes = new ByteArrayOutputStream();
            ssh.pipe("printf 'a\\0b'", bytes);
            assertEquals("a\0b", bytes.toString());
            assertEquals(new CommandResult(0, "it's \"so\" \\ !x\n5\n", ""),
                    ssh.push("echo 'it'\\''s \"so\" \\ !x'\nwc -c", new ByteArrayInputStream("bytes".getBytes()),
                            sent -> {}));
        }
    }

    private Problem refused(Ssh ssh) {
        return refused(ssh, Duration.ofSeconds(20));
    }

    private Problem refused(Ssh ssh, Duration timeout) {
        var mark = folder.resolve("mark");
        var problem = assertThrows(Problem.class, () -> ssh.run("touch " + mark, timeout));
        assertFalse(Files.exists(mark));
        assertEquals(Exit.UNREACHABLE, problem.exit());
        assertTrue(problem.sentence().startsWith("workers-b: the login shell of root@127.0.0.1 port " + peer.port()
                + " "), problem.sentence());
        return problem;
    }

    @Test
    void a_startup_file_that_ends_the_shell_is_told_with_what_it_said() throws IOException {
        try (var ssh = bash("echo closed for today; exit 0")) {
            var problem = refused(ssh);
            assertTrue(problem.sentence().endsWith("ended with exit code 0 before the script began"),
                    problem.sentence());
            assertEquals("closed for today", problem.details().get("found"));
            assertTrue(problem.details().get("to do").contains("startup files"));
        }
        try (var ssh = bash("exit 7")) {
            assertTrue(refused(ssh).sentence().endsWith("ended with exit code 7 before the script began"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"exec true", "exec no-such-shell", "exec cat /etc/no-such-file",
            "exec sh -c 'echo another program'"})
    void a_startup_file_that_replaces_the_shell_runs_no_script(String startup) throws IOException {
        try (var ssh = bash(startup)) {
            assertTrue(refused(ssh).sentence().endsWith(" before the script began"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"exec sh", "exec cat", "read -r answer; echo $answer; exit", "sleep 30", "exec >/dev/null",
            "exec 1>&-"})
    void a_startup_file_that_waits_for_input_times_out_without_script(String startup) throws IOException {
        try (var ssh = bash("echo name:; " + startup)) {
            var waited = refused(ssh, Duration.ofSeconds(2));
            assertTrue(waited.sentence().endsWith("did not begin the script within 2.0 s"), waited.sentence());
            assertEquals("name:", waited.details().get("found"));
        }
    }

    @Test
    void a_forced_command_and_a_shell_that_is_nologin_are_told() throws IOException {
        shell(peer, "sh", "-c", "echo only backups here, not \"$0\"; exit 1");
        try (var ssh = peer.connect()) {
            assertTrue(refused(ssh).details().get("found").startsWith("only backups here, not sh -c "));
        }
        shell(peer, "sh", "-c", "echo This account is currently not available.; exit 1");
        try (var ssh = peer.connect()) {
            assertTrue(refused(ssh).details().get("to do")
                    .startsWith("its shell is nologin: set another one with `chsh -s /bin/sh root` on the host"));
        }
        // sshd itself, without PAM, if /etc/nologin exists
        shell(peer, "sh", "-c", "echo The system is going down at noon >&2; exit 254");
        try (var ssh = peer.connect()) {
            assertEquals("The system is going down at noon", refused(ssh).details().get("found"));
        }
    }
}
