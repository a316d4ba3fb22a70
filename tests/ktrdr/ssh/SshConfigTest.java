package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How the toolkit reads an ssh configuration for a host, compared with {@code ssh -G}. */
class SshConfigTest {
    @TempDir static Path folder;

    /** The relevant settings of a host: name to connect to, user, port, jump host, keys. */
    private static List<String> ours(Path config, String host, Optional<String> user) {
        var entry = SshConfig.read(config, folder).lookup(host, user, Optional.empty());
        var said = new ArrayList<>(List.of("hostname " + entry.hostName().map(name -> name.replace("%h", host))
                .orElse(host), "user " + user.or(entry::user).orElse(System.getProperty("user.name")),
                "port " + entry.port().orElse(22)));
        entry.proxyJump().filter(jump -> !jump.equals("none")).ifPresent(jump -> said.add("proxyjump " + jump));
        entry.identityFiles().forEach(file -> said.add("identityfile " + file));
        return said.stream().sorted().toList();
    }

    private static List<String> theirs(Path config, String host, Optional<String> user) {
        var words = new ArrayList<>(List.of("ssh", "-G", "-F", config.toString()));
        user.ifPresent(name -> words.addAll(List.of("-l", name)));
        words.add(host);
        return LocalCommand.command(words).must().out().lines()
                .filter(line -> line.matches("(hostname|user|port|proxyjump|identityfile) .*"))
                .filter(line -> !line.startsWith("identityfile ~/.ssh/id_")).sorted().toList();
    }

    static Stream<String> configurations() throws IOException {
        writeParts();
        return Stream.of(matches(), includes(), others()).flatMap(Stream::of);
    }

    /** Files that configurations include. */
    private static void writeParts() throws IOException {
        var parts = Files.createDirectories(folder.resolve("parts/a b"));
        Files.createDirectories(folder.resolve("parts/c"));
        Files.writeString(parts.resolve("1.conf"), "Host core\nUser from-1\n");
        Files.writeString(parts.resolve("2.conf"), "User from-2\nPort 2\n");
        Files.writeString(parts.resolve(".hidden.conf"), "User hidden\nPort 99\n");
        Files.writeString(folder.resolve("parts/c/x.conf"), "Match host core\nPort 77\nHost other\nPort 78\n");
        Files.writeString(folder.resolve("parts/c/[y].conf"), "Port 79\n");
        Files.writeString(folder.resolve("yes"), "");
    }

    private static String[] matches() {
        return new String[] {
            "Match host core\nUser a\nMatch all\nUser b\nPort 4",
            "Match host other\nUser a\nMatch all\nUser b",
            "Match host co*,!core\nUser a",
            "Match !host core\nUser a\nMatch !host other\nUser b",
            "Host core\nHostName 10.0.0.1\nMatch host 10.0.0.*\nUser a\nMatch host core\nUser b",
            "Host core\nHostName %h.example\nMatch originalhost core host *.example\nUser a",
            "Match host core user root\nPort 7\nMatch user karl\nPort 8\nMatch user *\nPort 9",
            "User karl\nMatch user karl\nPort 8\nMatch user root\nPort 9",
            "Match localuser " + System.getProperty("user.name") + "\nUser a\nMatch localuser nobody-else\nPort 3",
            "Match exec \"test -e '" + folder + "/yes'\"\nUser a\nMatch exec \"test -e /no/such\"\nPort 3",
            "Match exec \"test %h:%n:%p:%r = core:core:22:$(id -un)\"\nUser a",
            "Match host elsewhere exec \"touch '" + folder + "/never'\"\nUser a",
            "Match final\nPort 5\nHost core\nHostName 10.0.0.1\nMatch final host 10.0.0.1\nUser f",
            "Match final all\nUser f\nMatch all\nIdentityFile /k1\nMatch final\nIdentityFile /k2",
            "Host core\nHostName 10.0.0.1\nMatch host 10.0.0.1 final\nProxyJump hop",
            "Match canonical\nUser f\nMatch all\nUser g",
            "Match originalhost \"core\"\nUser \"a b\"\nPort=2022",
            "Host = core\nUser = a # who\nPort 3",
            "Host \"core\" 'other'\nUser 'karl'",
            "HOST CORE\nUSER a\nmatch HOST core\nport 12"
        };
    }

    private static String[] includes() {
        var here = folder + "/parts";
        return new String[] {
            "Include " + here + "/c/x.conf\nUser after",
            "Include \"" + here + "/*/1.conf\" \"" + here + "/a b/*.conf\"\nUser after",
            "Include " + here + "/[a-c]/x.conf\nUser after",
            "Include " + here + "/[!d]*/?.conf",
            "Include " + here + "/c/[[]y].conf",
            "Host other\nInclude " + here + "/c/x.conf\nHost core\nUser b",
            "Host core\nInclude " + here + "/c/x.conf\nUser b\nPort 3",
            "Include /no/such/*.conf /none\nUser after"
        };
    }

    private static String[] others() {
        return new String[] {
            "IdentityFile /k1\nMatch host core\nIdentityFile /k2\nIdentityFile /k1\nHost other\nIdentityFile /k3",
            "Host *\n\tUser tab\n   \n#Port 3\nProxyJump none\nProxyJump hop"
        };
    }

    @ParameterizedTest
    @MethodSource("configurations")
    void is_read_as_ssh_reads_it(String text) throws IOException {
        var config = Files.writeString(folder.resolve("config"), text + "\n");
        for (var host : List.of("core", "other"))
            for (var user : List.of(Optional.<String>empty(), Optional.of("root")))
                assertEquals(theirs(config, host, user), ours(config, host, user), () -> host + " in\n" + text);
        assertTrue(Files.notExists(folder.resolve("never")), "no command is run where the host is another one");
    }

    @Test
    void a_comment_in_another_encoding_is_a_comment() throws IOException {
        var config = Files.write(folder.resolve("latin"),
                "# f\u00fcr den Server\nHost core\nUser a\n".getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(theirs(config, "core", Optional.empty()), ours(config, "core", Optional.empty()));
    }

    /** OpenSSH supports it since version 9.4. */
    @Test
    void the_network_that_this_machine_is_in_counts() throws IOException {
        var config = Files.writeString(folder.resolve("network"),
                "Match localnetwork 203.0.113.0/24,127.0.0.0/8\nUser local\nMatch localnetwork 203.0.113.0/24\nPort "
                        + "3\n");
        assertEquals(List.of("hostname core", "port 22", "user local"), ours(config, "core", Optional.empty()));
    }

    @Test
    void a_criterion_that_is_none_is_told_with_its_line() throws IOException {
        var config = Files.writeString(folder.resolve("wrong"), "Host core\n\nMatch weekday monday\nUser a\n");
        var problem = assertThrows(Problem.class, () -> ours(config, "core", Optional.empty()));
        assertEquals("the ssh config has a Match that is not understood: " + config + ", line 3", problem.sentence());
        assertEquals("weekday", problem.details().get("found"));
    }

    @Test
    void what_the_machine_says_counts_after_what_the_user_says() throws IOException {
        var home = Files.createDirectories(folder.resolve("home/.ssh"));
        var system = Files.createDirectories(folder.resolve("etc"));
        Files.writeString(home.resolve("config"), "Host core\nUser karl\nInclude more.d/*\n");
        Files.writeString(Files.createDirectory(home.resolve("more.d")).resolve("one"),
                "Compression yes\nIdentityFile /mine\n");
        Files.writeString(system.resolve("ssh_config"),
                "Include ssh_config.d/*.conf\nHost *\nUser nobody\nPort 2022\n");
        Files.writeString(Files.createDirectory(system.resolve("ssh_config.d")).resolve("one.conf"),
                "IdentityFile /theirs\nUserKnownHostsFile /etc/known\n");
        var entry = SshConfig.read(home.resolve("config"), system.resolve("ssh_config"), home.getParent())
                .lookup("core");
        assertEquals("karl 2022 [/mine, /theirs] [/etc/known]", entry.user().orElseThrow() + " "
                + entry.port().orElseThrow() + " " + entry.identityFiles() + " " + entry.knownHosts());
    }
}
