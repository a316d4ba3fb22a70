package ktrdr;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;

/** JSON Web Tokens (RFC 7519), as far as they can be read without a key; no message contains a part of a token. */
public final class Jwt {
    private Jwt() {}

    /**
     * When a token expires, by its own {@code exp}; text that is not a token, or a token without an expiry, is a
     * {@link Problem}. The signature is not checked.
     */
    public static Instant expiry(String token) {
        var parts = token.strip().split("\\.", -1);
        var end = parts.length == 3 ? claims(parts[1]) : -1;
        if (end < 0) throw Problem.usage("this is not a JWT with an expiry time")
                .expected("header.claims.signature in base64url, with a number \"exp\" in the claims")
                .found(token.isBlank() ? "nothing" : token.strip().length() + " characters in " + parts.length
                        + (parts.length == 1 ? " part" : " parts"));
        return Instant.ofEpochSecond(end);
    }

    private static long claims(String part) {
        try {
            return Json.read(new String(Base64.getUrlDecoder().decode(part), StandardCharsets.UTF_8))
                    .map(claims -> claims.path("exp").asLong(-1)).orElse(-1L);
        } catch (IllegalArgumentException notBase64) {
            return -1;
        }
    }
}
