package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Token expiry and invalid tokens. */
class JwtTest {
    private static String part(String json) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void a_token_expires_when_its_claims_say() {
        assertEquals(Instant.parse("2027-01-15T08:00:00Z"),
                Jwt.expiry(part("{\"alg\":\"HS256\"}") + "." + part("{\"sub\":\"é\",\"exp\":1800000000}")
                        + ".c2lnbmF0dXJl\n"));
    }

    @Test
    void what_is_no_token_or_has_no_end_is_told_without_a_word_of_it() {
        for (var text : List.of("", "secret-word", "a.secret-word.b", "a." + part("{\"sub\":\"secret-word\"}") + ".b",
                "a." + part("[secret-word") + ".b", "a.b.c.d")) {
            var problem = assertThrows(Problem.class, () -> Jwt.expiry(text));
            assertEquals(Exit.USAGE, problem.exit());
            assertFalse((problem.sentence() + problem.details()).contains("secret-word"), problem::sentence);
        }
    }
}
