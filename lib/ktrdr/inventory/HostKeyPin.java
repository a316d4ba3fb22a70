package ktrdr.inventory;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Pattern;
import ktrdr.Sha256;

/**
 * The one key that a host may show, as the inventory pins it.
 *
 * @param type of the key, such as ssh-ed25519; empty if only a fingerprint is given
 * @param fingerprint SHA256: and base64 without padding, as {@code ssh-keygen -l} prints it
 */
public record HostKeyPin(Optional<String> type, String fingerprint) {
    /** How a sentence calls what {@link #of} takes. */
    static final String FORM =
            "the fingerprint of its host key (SHA256:…, as `ssh-keygen -lf` prints it), or the line of its .pub file";
    private static final String TYPE = "(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521))";
    private static final Pattern FINGERPRINT = Pattern.compile("(?:(" + TYPE + ") )?(SHA256:[A-Za-z0-9+/]{43})=?");
    private static final Pattern LINE = Pattern.compile("(" + TYPE + ")\\s+([A-Za-z0-9+/]{40,2000}={0,2})(?:\\s.*)?");

    /**
     * A fingerprint, with the key's type before it or without, or a public key as its .pub file has it; empty if the
     * text is neither.
     */
    public static Optional<HostKeyPin> of(String text) {
        var print = FINGERPRINT.matcher(text.strip());
        if (print.matches()) return Optional.of(new HostKeyPin(Optional.ofNullable(print.group(1)), print.group(2)));
        var line = LINE.matcher(text.strip());
        if (!line.matches()) return Optional.empty();
        try {
            var blob = Base64.getDecoder().decode(line.group(2));
            return begins(blob, line.group(1))
                    ? Optional.of(new HostKeyPin(Optional.of(line.group(1)), fingerprint(blob))) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Whether these are the bytes of the pinned key. */
    public boolean allows(byte[] blob) {
        return fingerprint.equals(fingerprint(blob));
    }

    /** The fingerprint of a key's bytes. */
    public static String fingerprint(byte[] blob) {
        return "SHA256:" + Base64.getEncoder().withoutPadding().encodeToString(Sha256.of(blob));
    }

    /** A key begins with its type as a string of RFC 4251: four bytes of length, then its letters. */
    private static boolean begins(byte[] blob, String type) {
        int length = type.length();
        return blob.length > 4 + length && blob[0] == 0 && blob[1] == 0 && blob[2] == 0 && blob[3] == length
                && new String(blob, 4, length, StandardCharsets.US_ASCII).equals(type);
    }

    /** As it is compared with what a host shows. */
    @Override
    public String toString() {
        return type.map(known -> known + " ").orElse("") + fingerprint;
    }
}
