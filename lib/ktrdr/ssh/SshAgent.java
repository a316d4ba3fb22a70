package ktrdr.ssh;

import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The ssh agent behind a Unix domain socket; messages as in draft-miller-ssh-agent. */
final class SshAgent {
    private static final int FAILURE = 5;
    private static final int REQUEST_IDENTITIES = 11;
    private static final int IDENTITIES_ANSWER = 12;
    private static final int SIGN_REQUEST = 13;
    private static final int SIGN_RESPONSE = 14;
    private static final int RSA_SHA2_512 = 4;
    private static final int MAX_MESSAGE = 256 * 1024;

    /** A key the agent holds: its public part in ssh's wire format, and its comment. */
    record Identity(byte[] blob, String comment) {
        /** Such as ssh-ed25519. */
        String type() {
            return new String(string(ByteBuffer.wrap(blob)), StandardCharsets.US_ASCII);
        }

        /** The signature algorithm to ask for: RSA keys never sign with SHA-1. */
        String algorithm() {
            return type().equals("ssh-rsa") ? "rsa-sha2-512" : type();
        }
    }

    private final Path socket;

    SshAgent(Path socket) {
        this.socket = socket;
    }

    /** The keys it holds, in its order; throws if the agent does not answer at the socket. */
    List<Identity> identities() throws IOException {
        var answer = ask(ByteBuffer.allocate(1).put((byte) REQUEST_IDENTITIES), IDENTITIES_ANSWER);
        int count = answer.getInt();
        var identities = new ArrayList<Identity>();
        for (int i = 0; i < count; i++)
            identities.add(new Identity(string(answer), new String(string(answer), StandardCharsets.UTF_8)));
        return identities;
    }

    /** The signature in ssh's wire format; throws when the agent refuses, as a locked one does. */
    byte[] sign(Identity identity, byte[] data) throws IOException {
        var request = ByteBuffer.allocate(1 + 4 + identity.blob().length + 4 + data.length + 4).put((byte) SIGN_REQUEST)
                .putInt(identity.blob().length).put(identity.blob()).putInt(data.length).put(data)
                .putInt(identity.type().startsWith("ssh-rsa") ? RSA_SHA2_512 : 0);
        return string(ask(request, SIGN_RESPONSE));
    }

    private ByteBuffer ask(ByteBuffer request, int expected) throws IOException {
        request.flip();
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            var framed = ByteBuffer.allocate(4 + request.remaining()).putInt(request.remaining()).put(request).flip();
            while (framed.hasRemaining()) channel.write(framed);
            int length = read(channel, 4).getInt();
            if (length < 1 || length > MAX_MESSAGE)
                throw new IOException("the agent's answer is " + length + " bytes long");
            var answer = read(channel, length);
            int type = answer.get();
            if (type == FAILURE) throw new IOException("the agent refused");
            if (type != expected) throw new IOException("the agent answered with message " + type);
            return answer;
        }
    }

    private static ByteBuffer read(SocketChannel channel, int length) throws IOException {
        var buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) if (channel.read(buffer) < 0) throw new EOFException("the agent hung up");
        return buffer.flip();
    }

    private static byte[] string(ByteBuffer buffer) {
        int length = buffer.remaining() < 4 ? -1 : buffer.getInt();
        if (length < 0 || length > buffer.remaining())
            throw new IllegalArgumentException("a field is longer than its message");
        int start = buffer.arrayOffset() + buffer.position();
        buffer.position(buffer.position() + length);
        return Arrays.copyOfRange(buffer.array(), start, start + length);
    }
}
