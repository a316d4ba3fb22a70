package ktrdr.ssh;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.Threads;
import net.schmizz.sshj.SSHClient;
import net.schmizz.sshj.Service;
import net.schmizz.sshj.common.Buffer;
import net.schmizz.sshj.common.Message;
import net.schmizz.sshj.common.SSHException;
import net.schmizz.sshj.common.SSHPacket;
import net.schmizz.sshj.transport.TransportException;
import net.schmizz.sshj.userauth.UserAuthException;
import net.schmizz.sshj.userauth.keyprovider.KeyProvider;
import net.schmizz.sshj.userauth.method.AbstractAuthMethod;
import net.schmizz.sshj.userauth.method.AuthMethod;
import net.schmizz.sshj.userauth.method.AuthPublickey;

/**
 * Logging in by public key: the configured identities, by the agent where it has them; then the agent's other keys;
 * then the usual files. A server counts what fails, and hangs up after six. What was offered is remembered for the
 * sentence that says that all of it was refused.
 */
final class SshLogin {
    private static final int AGENT_SECONDS = 5;
    private static final List<String> USUAL = List.of("id_ed25519", "id_ecdsa", "id_rsa");

    /**
     * What there is to log in with.
     *
     * @param required the identity of the inventory: unlike the others it has to be there when its turn comes
     * @param only whether the agent's other keys and the usual files are left alone (IdentitiesOnly)
     */
    record Keys(Optional<Path> agent, Optional<Path> required, List<Path> configured, Path home, boolean only) {}

    private final String node;
    private final String user;
    private final Keys keys;
    private final List<String> offered = new ArrayList<>();
    private final List<Path> encrypted = new ArrayList<>();

    SshLogin(String node, String user, Keys keys) {
        this.node = node;
        this.user = user;
        this.keys = keys;
    }

    /** Logs in or throws the {@link Problem} that says which keys were offered. */
    void login(SSHClient client, int timeoutMillis, String where) throws SSHException {
        var agent = fromAgent();
        var configured = configured();
        for (var file : configured) if (offer(client, file, agent, timeoutMillis)) return;
        if (!keys.only()) {
            var named = configured.stream().map(this::publicBlob).toList();
            for (var identity : agent) if (named.stream().noneMatch(blob -> Arrays.equals(blob, identity.blob()))
                    && offer(client, identity, timeoutMillis)) return;
            for (var file : usual().toList()) {
                // the agent's have been offered
                if (!configured.contains(file)
                        && agent.stream().noneMatch(identity -> Arrays.equals(identity.blob(), publicBlob(file)))
                        && offer(client, file, List.of(), timeoutMillis)) return;
            }
        }
        throw refused(client, where);
    }

    /** The key of a file, by the agent where it has it. */
    private boolean offer(SSHClient client, Path file, List<SshAgent.Identity> agent, int timeoutMillis)
            throws SSHException {
        var text = text(file);
        var held = agent.stream().filter(identity -> Arrays.equals(identity.blob(), publicBlob(file)))
                .findFirst();
        if (held.isPresent()) return offer(client, held.get(), timeoutMillis);
        if (text.isEmpty() || isPublic(text)) return false;
        var key = key(client, file, text);
        return key.isPresent() && offer(client, new AuthPublickey(key.get()), file.toString(), timeoutMillis);
    }

    private boolean offer(SSHClient client, SshAgent.Identity identity, int timeoutMillis) throws SSHException {
        return offer(client, new ByAgent(new SshAgent(keys.agent().orElseThrow()), identity),
                identity.comment() + " (agent, " + identity.type() + ")", timeoutMillis);
    }

    private boolean offer(SSHClient client, AuthMethod method, String label, int timeoutMillis) throws SSHException {
        offered.add(label);
        try {
            return client.getUserAuth().authenticate(user, (Service) client.getConnection(), method, timeoutMillis);
        } catch (UserAuthException e) {
            // an agent that would not sign is no reason to stop; a connection that is gone is
            if (!client.isConnected()) throw e;
            return false;
        }
    }

    private Stream<Path> usual() {
        return USUAL.stream().map(name -> keys.home().resolve(".ssh").resolve(name));
    }

    private List<SshAgent.Identity> fromAgent() {
        return keys.agent().filter(Files::exists).map(socket -> identities(new SshAgent(socket))).orElse(List.of());
    }

    private List<SshAgent.Identity> identities(SshAgent agent) {
        var asked = CompletableFuture.supplyAsync(() -> {
            try {
                return agent.identities();
            } catch (IOException | RuntimeException e) {
                return List.<SshAgent.Identity>of();
            }
        }, Threads.each("agent"));
        try {
            return asked.get(AGENT_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException e) {
            return List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    private List<Path> configured() {
        var files = new ArrayList<Path>();
        keys.required().ifPresent(files::add);
        files.addAll(keys.configured());
        if (files.isEmpty() && keys.only()) usual().forEach(files::add);
        return files.stream().distinct().toList();
    }

    /** The text of a key file; empty when it cannot be read and may be missing. */
    private String text(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            if (keys.required().filter(file::equals).isEmpty()) return "";
            throw Problem.usage(node + ": the ssh identity " + file + " cannot be read")
                    .expected("a private key file").found(Files.exists(file) ? e.toString() : "no such file")
                    .fix("correct `identity` under `ssh` in the inventory, or leave it out to use the agent and the "
                            + "usual files").because(e);
        }
    }

    private Optional<KeyProvider> key(SSHClient client, Path file, String text) {
        if (isEncrypted(text)) {
            encrypted.add(file);
            return Optional.empty();
        }
        try {
            var key = client.loadKeys(text, null, null);
            key.getPrivate();
            key.getPublic();
            return Optional.of(key);
        } catch (IOException | RuntimeException e) {
            if (keys.required().filter(file::equals).isEmpty()) return Optional.empty();
            throw Problem.usage(node + ": the ssh identity " + file + " is not a private key that can be used")
                    .expected("a key as ssh-keygen makes it").found(e.getMessage()).because(e);
        }
    }

    private static boolean isPublic(String text) {
        return text.startsWith("ssh-") || text.startsWith("ecdsa-") || text.startsWith("sk-");
    }

    private static boolean isEncrypted(String text) {
        if (!text.contains("BEGIN OPENSSH PRIVATE KEY")) return text.contains("ENCRYPTED");
        var header = openSsh(text);
        // openssh-key-v1\0, then the name of the cipher as a string: PROTOCOL.key of OpenSSH
        return header != null && !new String(header, StandardCharsets.ISO_8859_1)
                .startsWith("openssh-key-v1\0\0\0\0\4none");
    }

    private static byte[] openSsh(String text) {
        try {
            return Base64.getMimeDecoder().decode(text.replaceAll("-----[^-]*-----", ""));
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /**
     * The public half of a key file, from itself if it is not encrypted there, else from the .pub next to it; or null.
     */
    private byte[] publicBlob(Path file) {
        try {
            var text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
            if (isPublic(text)) return Base64.getDecoder().decode(text.split("\\s+")[1]);
            if (text.contains("BEGIN OPENSSH PRIVATE KEY")) {
                var buffer = new Buffer.PlainBuffer(openSsh(text));
                buffer.readRawBytes(new byte["openssh-key-v1\0".length()]);
                for (int field = 0; field < 3; field++) buffer.readBytes();
                buffer.readUInt32();
                return buffer.readBytes();
            }
            var beside = file.resolveSibling(file.getFileName() + ".pub");
            return Files.exists(beside) ? Base64.getDecoder().decode(Files.readString(beside).split("\\s+")[1]) : null;
        } catch (IOException | RuntimeException e) {
            return null;
        }
    }

    private Problem refused(SSHClient client, String where) {
        var allowed = client.getUserAuth().getAllowedMethods();
        var problem = Problem.unreachable(offered.isEmpty() ? node + ": there is no key to log in to " + where + " with"
                        : node + ": " + where + " refused the login")
                .expected("a key that is in the authorized_keys of " + user)
                .found(offered.isEmpty() ? "no key in the agent, no identity, no usual key file"
                        : "offered " + String.join(", ", offered));
        problem.with("it said", banner(client));
        if (!allowed.isEmpty() && !allowed.contains("publickey")) problem.with("it allows", String.join(", ", allowed));
        if (!encrypted.isEmpty()) return problem.with("encrypted", encrypted.get(0) + ", which the agent does not hold")
                .fix("ssh-add " + encrypted.get(0));
        return problem.fix("ssh-copy-id " + where + ", or `ssh-add` the right key");
    }

    /** Whether a key was offered by now. */
    boolean begun() {
        return !offered.isEmpty();
    }

    /**
     * The problem that the connection ended while keys were offered, whichever exception shows it: a server hangs up
     * after too many keys.
     */
    Problem hungUp(SSHClient client, String where, Exception e) {
        return Problem.unreachable(node + ": " + where + " hung up after " + offered.size()
                + (offered.size() == 1 ? " key" : " keys")).expected("a key that is in the authorized_keys of " + user)
                .found("offered " + String.join(", ", offered) + "; " + e.getMessage()).with("it said", banner(client))
                .because(e)
                .fix("name the right key, which is offered first: `identity` under `ssh` in the inventory, or "
                        + "IdentityFile in ~/.ssh/config");
    }

    /** The host's message at login, such as why logins are refused; in one line. */
    static String banner(SSHClient client) {
        return Console.brief(Problem.oneLine(client.getUserAuth().getBanner()), 400);
    }

    /** RFC 4252, section 7: the key is named first, and the agent signs when the server would take it. */
    private static final class ByAgent extends AbstractAuthMethod {
        private final SshAgent agent;
        private final SshAgent.Identity identity;

        ByAgent(SshAgent agent, SshAgent.Identity identity) {
            super("publickey");
            this.agent = agent;
            this.identity = identity;
        }

        @Override
        protected SSHPacket buildReq() throws UserAuthException {
            return request(false);
        }

        private SSHPacket request(boolean signed) throws UserAuthException {
            var packet = super.buildReq();
            return packet.putBoolean(signed).putString(identity.algorithm()).putBytes(identity.blob());
        }

        @Override
        public void handle(Message message, SSHPacket packet) throws UserAuthException, TransportException {
            if (message != Message.USERAUTH_60) super.handle(message, packet);
            var request = request(true);
            var signed = new Buffer.PlainBuffer().putBytes(params.getTransport().getSessionID()).putBuffer(request)
                    .getCompactData();
            try {
                params.getTransport().write(request.putBytes(agent.sign(identity, signed)));
            } catch (TransportException e) {
                throw e;
            } catch (IOException | RuntimeException e) {
                throw new UserAuthException("the agent did not sign", e);
            }
        }
    }
}
