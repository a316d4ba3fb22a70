package ktrdr.rotation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import ktrdr.CommandResult;
import ktrdr.Fixtures;
import ktrdr.HttpPeer;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The check whether Grafana accepts a password, as a shell on core runs it, with stand-ins for docker and Grafana. */
class GrafanaPasswordTest {
    private static final String PASSWORD =
            "it's \"a\" $password %s \\n "
                    + "of-more-than-the-76-characters-after-which-base64-breaks-its-lines-unless-told";
    @TempDir Path folder;

    private CommandResult ask(HttpPeer grafana) throws IOException {
        return onCore("echo\necho 127.0.0.1\n", Sh.let("password", PASSWORD) + GrafanaPassword.LOGIN, grafana);
    }

    private CommandResult onCore(String docker, String script, HttpPeer grafana) throws IOException {
        Fixtures.program(folder.resolve("docker"), docker);
        return LocalCommand.command("sh", "-s").env("PATH", folder + ":" + System.getenv("PATH"))
                .input(Sh.whole(script.replace(":3000/", ":" + grafana.port() + "/"))).run();
    }

    @Test
    void it_is_asked_with_the_password_as_it_is() throws IOException {
        try (var grafana = HttpPeer.saying(HttpPeer.whole(200, "[]".getBytes(StandardCharsets.UTF_8)))) {
            assertEquals("200", ask(grafana).out().strip());
            var login = Base64.getEncoder().encodeToString(("admin:" + PASSWORD).getBytes(StandardCharsets.UTF_8));
            assertTrue(grafana.heads().get(0).contains("\r\nAuthorization: Basic " + login + "\r\n"),
                    grafana.heads()::toString);
        }
    }

    @Test
    void a_refusal_is_an_answer_and_silence_is_none() throws IOException {
        try (var grafana = HttpPeer.saying(HttpPeer.whole(401, "{}".getBytes(StandardCharsets.UTF_8)))) {
            assertEquals("401", ask(grafana).out().strip());
        }
        try (var grafana = HttpPeer.saying("")) {
            assertTrue(!ask(grafana).ok());
        }
    }

    @Test
    void starts_a_grafana_that_was_left_stopped_and_no_running_one() throws IOException {
        var started = folder.resolve("started");
        var docker = "case \"$*\" in\n  start*) touch '" + started + "'; echo ktrdr-grafana ;;\n  *Running*) [ -e '" +
                started + "' ] && echo true || echo false ;;\n"
                + "  *) [ ! -e '" + started + "' ] || echo 127.0.0.1 ;;\nesac\n";
        try (var grafana = HttpPeer.saying(HttpPeer.whole(200, "{}".getBytes(StandardCharsets.UTF_8)))) {
            assertEquals("0 ktrdr-grafana", said(onCore(docker, GrafanaPassword.START, grafana)));
            assertEquals("0 ", said(onCore(docker, GrafanaPassword.START, grafana)));
            assertEquals(1, grafana.heads().size(), "it was waited for once");
        }
    }

    private static String said(CommandResult result) {
        return result.exit() + " " + result.out().strip();
    }
}
