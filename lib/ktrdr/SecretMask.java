package ktrdr;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Replaces known secrets by ••••, also in base64, in JSON and without blanks around them. Safe for many threads. */
final class SecretMask {
    /** A shorter value would mask half of every line. */
    private static final int SHORTEST = 4;
    /** Longest first: a secret may hold another one. */
    private final Set<String> secrets = new TreeSet<>(Comparator.comparingInt(String::length).reversed()
            .thenComparing(secret -> secret));

    synchronized void add(String value) {
        if (value == null || value.length() < SHORTEST) return;
        var json = Json.line(value);
        var base64 = Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8));
        // a line is made harmless before it is masked
        for (var form : List.of(value, value.strip(), json.substring(1, json.length() - 1), base64))
            if (form.length() >= SHORTEST) secrets.addAll(List.of(form, SafeText.harmless(form)));
    }

    synchronized String mask(String text) {
        var masked = text;
        for (var secret : secrets) masked = masked.replace(secret, "••••");
        return masked;
    }
}
