package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.SshPeer;
import ktrdr.inventory.Inventory.Sudo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scripts that run as root with sudo. */
class SshSudoTest {
    @TempDir Path folder;

    @Test
    void uses_sudo_when_the_target_asks_and_explains_its_refusal() throws Exception {
        try (var peer = new SshPeer(folder); var root = bySudo(peer)) {
            fakeSudo("SUDO_USER=karl exec \"$@\"");
            assertEquals("karl\n", root.must("echo $SUDO_USER"));
            // MINA drops the last output of a process that exits before its input is written; the delay keeps it.
            // OpenSSH needs no delay.
            fakeSudo("echo 'sudo: a password is required' >&2; sleep 0.3; exit 1");
            var problem = assertThrows(Problem.class, () -> root.run("echo never"));
            assertTrue(problem.sentence().contains("sudo") && problem.details().get("found").contains("password"),
                    problem.sentence());
            assertTrue(problem.details().get("to do").contains("NOPASSWD"));
            fakeSudo("echo 'sudo: sorry, you must have a tty to run sudo' >&2; sleep 0.3; exit 1");
            var terminal = assertThrows(Problem.class, () -> root.run("echo never"));
            assertEquals("a line `Defaults:root !requiretty` in /etc/sudoers.d on the host, or log in as root",
                    terminal.details().get("to do"));
        }
    }

    @Test
    void a_host_without_sudo_is_told_to_have_it_installed() throws Exception {
        try (var peer = new SshPeer(folder); var root = bySudo(peer)) {
            for (var words : List.of("sh: 1: exec: sudo: not found", "bash: line 1: exec: sudo: not found",
                    "zsh:1: command not found: sudo")) {
                fakeSudo("echo '" + words + "' >&2; sleep 0.3; exit 127");
                var problem = assertThrows(Problem.class, () -> root.run("echo never"));
                assertTrue(problem.details().get("to do").startsWith("apt-get install sudo"),
                        problem.details().get("to do"));
            }
        }
    }

    @Test
    void what_sudo_remarks_beside_a_script_that_failed_is_no_refusal() throws Exception {
        try (var peer = new SshPeer(folder); var root = bySudo(peer)) {
            fakeSudo("echo 'sudo: unable to resolve host gpu: Name or service not known' >&2; exec \"$@\"");
            assertEquals(1, root.run("exit 1").exit());
            assertTrue(root.run("echo 'no such volume' >&2; exit 1").lastWords().contains("no such volume"));
        }
    }

    private static Ssh bySudo(SshPeer peer) {
        return Ssh.connect(peer.target().toBuilder().sudo(Sudo.ALWAYS).build(), peer.here());
    }

    private void fakeSudo(String body) throws IOException {
        Fixtures.program(folder.resolve("sudo"), "[ \"$1\" = -n ] && shift\n" + body);
    }
}
