package ktrdr.rotation;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import ktrdr.Problem;
import ktrdr.Sha256;

/**
 * What PostgreSQL keeps of a password (pg_authid.rolpassword): computed here, so that the password itself is in no
 * statement and no log of the server.
 *
 * The keys are those of SCRAM (RFC 5802, section 3) with SHA-256 (RFC 7677); the form is PostgreSQL's, {@code
 * SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>}, with salt and keys in base64. A server given such a text
 * for a password takes it as it is.
 */
public final class ScramVerifier {
    private static final int ITERATIONS = 4096;
    private static final int SALT_BYTES = 16;
    private static final int KEY_BITS = 256;
    private static final Pattern FORM =
            Pattern.compile("SCRAM-SHA-256\\$(\\d{1,9}):([A-Za-z0-9+/=]+)\\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)");

    private ScramVerifier() {}

    /**
     * A verifier of a password with a new salt. A password that is not printable ASCII is a {@link Problem}: clients
     * may change it by SASLprep (RFC 4013).
     */
    public static String of(String password) {
        if (!password.matches("[ -~]+"))
            throw Problem.usage("a database password has to be of printable ASCII")
                    .expected("letters, digits and signs from space to ~").found("another character in it");
        var salt = new byte[SALT_BYTES];
        new SecureRandom().nextBytes(salt);
        return of(password, salt, ITERATIONS);
    }

    /** The verifier of a password with this salt and so many iterations. */
    static String of(String password, byte[] salt, int iterations) {
        try {
            var spec = new PBEKeySpec(password.toCharArray(), salt, iterations, KEY_BITS);
            var salted = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
            var stored = Sha256.of(hmac(salted, "Client Key"));
            return "SCRAM-SHA-256$" + iterations + ":" + base64(salt) + "$" + base64(stored) + ":"
                    + base64(hmac(salted, "Server Key"));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has SHA-256 and PBKDF2", e);
        }
    }

    /** Whether a verifier is one of this password; false for what has another form, such as an MD5 hash. */
    static boolean accepts(String verifier, String password) {
        var form = FORM.matcher(verifier);
        if (!form.matches()) return false;
        var salt = Base64.getDecoder().decode(form.group(2));
        return of(password, salt, Integer.parseInt(form.group(1))).equals(verifier);
    }

    private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
        var mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
