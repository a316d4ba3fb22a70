package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.SshPeer;
import ktrdr.Threads;
import org.junit.jupiter.api.Test;

/** Connecting: logins, jump hosts, and invalid servers. */
class SshTest extends SshConnecting {
    @Test
    void a_known_host_is_let_in() {
        works();
    }

    @Test
    void a_key_that_is_not_allowed_is_named() {
        peer.allowed.clear();
        says(refused(), Exit.UNREACHABLE, "root@127.0.0.1", "id_ecdsa", "ssh-copy-id");
    }

    @Test
    void no_key_at_all_is_said() throws Exception {
        Files.delete(peer.home.resolve(".ssh/id_ecdsa"));
        says(refused(), Exit.UNREACHABLE, "no key");
    }

    private SshTarget withIdentity(Path identity) {
        return peer.target().toBuilder().identity(identity).build();
    }

    @Test
    void the_configured_identity_is_used_and_has_to_be_there() throws Exception {
        Files.delete(peer.home.resolve(".ssh/id_ecdsa"));
        peer.privateKey("other", peer.clientKey);
        try (var ssh = Ssh.connect(withIdentity(Path.of("~/.ssh/other")), peer.here())) {
            assertEquals("hi\n", ssh.must("echo hi"));
        }
        says(refused(withIdentity(Path.of("/nowhere/key"))), Exit.USAGE, "/nowhere/key", "no such file");
        Files.writeString(peer.home.resolve(".ssh/other"),
                "-----BEGIN OPENSSH PRIVATE KEY-----\nZ2FyYmFnZQ==\n-----END OPENSSH PRIVATE KEY-----\n");
        peer.privateKey("garbage", peer.clientKey);
        Files.writeString(peer.home.resolve(".ssh/garbage"),
                "-----BEGIN PRIVATE KEY-----\nZ2FyYmFnZQ==\n-----END PRIVATE KEY-----\n");
        says(refused(withIdentity(peer.home.resolve(".ssh/garbage"))), Exit.USAGE, "garbage", "not a private key");
    }

    @Test
    void an_encrypted_key_is_sent_to_the_agent() throws Exception {
        assumeTrue(SshPeer.has("ssh-keygen"), "no ssh-keygen here");
        Files.delete(peer.home.resolve(".ssh/id_ecdsa"));
        for (var format : new String[] {"RFC4716", "PEM"}) {
            var key = folder.resolve(format);
            SshPeer.sh("ssh-keygen", "-q", "-t", "ecdsa", "-m", format, "-N", "secret", "-f", key.toString());
            says(refused(withIdentity(key)), Exit.UNREACHABLE, "encrypted", "ssh-add " + key);
        }
    }

    @Test
    void keys_of_the_formats_ssh_keygen_makes_are_read() throws Exception {
        assumeTrue(SshPeer.has("ssh-keygen"), "no ssh-keygen here");
        for (var kind : new String[] {"ecdsa RFC4716", "ecdsa PEM", "ecdsa PKCS8", "rsa RFC4716", "rsa PEM",
                "rsa PKCS8"}) {
            var words = kind.split(" ");
            var key = folder.resolve(kind.replace(' ', '-'));
            SshPeer.sh("ssh-keygen", "-q", "-t", words[0], "-m", words[1], "-N", "", "-f", key.toString());
            peer.allowed.add(org.apache.sshd.common.config.keys.AuthorizedKeyEntry
                    .parseAuthorizedKeyEntry(Files.readString(key.resolveSibling(key.getFileName() + ".pub")))
                    .resolvePublicKey(null, null, null));
            try (var ssh = Ssh.connect(withIdentity(key), peer.here())) {
                assertEquals("hi\n", ssh.must("echo hi"), kind);
            }
        }
    }

    @Test
    void a_jump_host_is_checked_like_any_other() throws Exception {
        try (var inner = new SshPeer(Files.createDirectory(folder.resolve("inner")))) {
            inner.allowed.add(peer.clientKey.getPublic());
            var target = peer.target(inner.port()).toBuilder().jump("root@127.0.0.1:" + peer.port()).build();
            peer.knownHosts(peer.known(peer.hostKey.getPublic()));
            says(refused(target), Exit.UNREACHABLE, "not known", "[127.0.0.1]:" + inner.port());
            peer.knownHosts(peer.known(peer.hostKey.getPublic()) + inner.known(inner.hostKey.getPublic()));
            try (var ssh = Ssh.connect(target, peer.here())) {
                assertEquals("hi\n", ssh.must("echo hi"));
                assertEquals(300_000, ssh.must("head -c 300000 /dev/zero | tr '\\0' x").length());
            }
            peer.knownHosts(inner.known(inner.hostKey.getPublic()));
            says(refused(target), Exit.UNREACHABLE, "jump host 127.0.0.1", "not known");
        }
    }

    @Test
    void the_ssh_config_counts() throws Exception {
        var known = Files.writeString(folder.resolve("known"), peer.known(peer.hostKey.getPublic()));
        Files.writeString(peer.home.resolve(".ssh/config"), "Host core\n  HostName 127.0.0.1\n  Port " + peer.port()
                + "\n  User root\n  IdentityFile ~/keys/%h\n  UserKnownHostsFile " + known
                + "\nHost *\n  Port 1\n  User nobody\n");
        Files.createDirectory(peer.home.resolve("keys"));
        Files.move(peer.home.resolve(".ssh/id_ecdsa"), peer.home.resolve("keys/127.0.0.1"));
        peer.knownHosts("");
        try (var ssh = Ssh.connect(SshTarget.of("core"), peer.here())) {
            assertEquals("hi\n", ssh.must("echo hi"));
        }
    }

    @Test
    void distinguishes_a_closed_port_an_unknown_name_and_bad_syntax() throws Exception {
        int free;
        try (var socket = new ServerSocket(0)) {
            free = socket.getLocalPort();
        }
        says(refused(peer.target(free)), Exit.UNREACHABLE, "127.0.0.1 port " + free + " refused the connection");
        says(refused(SshTarget.of("root@no-such-host.invalid")), Exit.UNREACHABLE, "no-such-host.invalid",
                "does not resolve");
        for (var text : new String[] {"", "a b", "root@", "host:99999999"})
            assertThrows(Problem.class, () -> SshTarget.of(text), text);
        assertEquals("fe80::1", SshTarget.of("root@[fe80::1]:22").host());
        assertEquals("fe80::1", SshTarget.of("fe80::1").host());
    }

    @Test
    void resolves_names_while_the_common_pool_is_blocked() throws Exception {
        var over = new CountDownLatch(1);
        try {
            for (int i = 0; i <= ForkJoinPool.getCommonPoolParallelism(); i++) ForkJoinPool.commonPool().execute(() -> {
                try {
                    over.await();
                } catch (InterruptedException e) {
                    // the test is over
                }
            });
            says(against("SSH-1.5-old\r\n"), Exit.UNREACHABLE, "SSH-1.5");
        } finally {
            over.countDown();
        }
    }

    /** A server that sends this, and then nothing. */
    private Problem against(String words) throws IOException {
        var accepted = new ConcurrentLinkedQueue<Socket>();
        try (var server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            Threads.each("server").execute(() -> {
                try {
                    var socket = server.accept();
                    // keeps a reference: the garbage collector closes an unreferenced socket
                    accepted.add(socket);
                    socket.getOutputStream().write(words.getBytes(StandardCharsets.ISO_8859_1));
                } catch (IOException e) {
                    // the test is over
                }
            });
            long started = System.nanoTime();
            var problem = refused(peer.target(server.getLocalPort()).toBuilder().connectTimeout(Duration.ofSeconds(1))
                    .build());
            assertTrue(System.nanoTime() - started < 20_000_000_000L, "it took too long");
            return problem;
        } finally {
            for (var socket : accepted) socket.close();
        }
    }

    @Test
    void a_server_that_says_nothing_or_garbage_does_not_hold_us_up() throws Exception {
        says(against(""), Exit.UNREACHABLE, "accepted the connection", "1.0 s");
        says(against("SSH-2.0-OpenSSH_9.2\r\n"), Exit.UNREACHABLE, "accepted the connection");
        says(against("HTTP/1.1 400 Bad Request\r\n\r\n"), Exit.UNREACHABLE, "HTTP/1.1 400 Bad Request");
        says(against("SSH-1.5-old\r\n"), Exit.UNREACHABLE, "SSH-1.5");
        says(against("SSH-2.0-x\r\n" + "\u0000\u0001".repeat(5000)), Exit.UNREACHABLE);
        says(against("x".repeat(200_000)), Exit.UNREACHABLE, "xxx");
    }

    /** A slow connection: connecting takes longer than the time allowed without a sign of life. */
    @Test
    void a_slow_way_is_no_silence() throws Exception {
        try (var line = new SshPeer.Line(peer.port())) {
            line.slow(300);
            peer.knownHosts(peer.known(peer.hostKey.getPublic()).replace(":" + peer.port(), ":" + line.port()));
            var target = peer.target(line.port()).toBuilder().connectTimeout(Duration.ofSeconds(2)).build();
            long started = System.nanoTime();
            try (var ssh = Ssh.connect(target, peer.here())) {
                assertTrue(System.nanoTime() - started > 2_500_000_000L, "the way is not slow");
                assertEquals("hi\n", ssh.must("echo hi"));
            }
        }
        says(against(""), Exit.UNREACHABLE, "connect_timeout under ssh in the inventory");
    }

    @Test
    void an_agent_that_is_not_there_is_no_obstacle() {
        peer.environment = Map.of("SSH_AUTH_SOCK", folder.resolve("none").toString());
        works();
    }
}
