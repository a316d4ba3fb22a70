package ktrdr.rotation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import ktrdr.Problem;
import org.junit.jupiter.api.Test;

class ScramVerifierTest {
    private static byte[] bytes(String base64) {
        return Base64.getDecoder().decode(base64);
    }

    private static byte[] hmac(byte[] key, String text) throws Exception {
        var mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.US_ASCII));
    }

    /**
     * RFC 7677, section 3: user "user", password "pencil". Only the verifier's keys check the proofs of both sides, as
     * in a server.
     */
    @Test
    void the_example_of_the_rfc_is_accepted_by_its_keys() throws Exception {
        var verifier = ScramVerifier.of("pencil", bytes("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
        assertTrue(verifier.startsWith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"), verifier);
        var keys = verifier.substring(verifier.lastIndexOf('$') + 1).split(":");
        var nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        var messages = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" + nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r="
                + nonce;
        assertEquals("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
                Base64.getEncoder().encodeToString(hmac(bytes(keys[1]), messages)));
        var clientKey = bytes("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        var signature = hmac(bytes(keys[0]), messages);
        for (int i = 0; i < clientKey.length; i++) clientKey[i] ^= signature[i];
        assertArrayEquals(bytes(keys[0]), MessageDigest.getInstance("SHA-256").digest(clientKey));
    }

    @Test
    void a_verifier_accepts_its_own_password_and_no_other() {
        var verifier = ScramVerifier.of("it's $ecret");
        assertTrue(ScramVerifier.accepts(verifier, "it's $ecret"));
        assertFalse(ScramVerifier.accepts(verifier, "it's $ecret "));
        assertFalse(ScramVerifier.accepts("md5a3556571e93b0d20722ba62be61e8c2d", "it's $ecret"));
        assertFalse(ScramVerifier.accepts("null", "null"));
        assertNotEquals(verifier, ScramVerifier.of("it's $ecret"), "each has a salt of its own");
    }

    @Test
    void what_clients_may_read_otherwise_is_refused() {
        assertThrows(Problem.class, () -> ScramVerifier.of("pässword"));
        assertThrows(Problem.class, () -> ScramVerifier.of("two\nlines"));
    }
}
