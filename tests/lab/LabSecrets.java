package lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** The random secrets of one lab; on tmpfs, so never on a disk. */
final class LabSecrets {
    static final Path FILE = Path.of("/dev/shm/ktrdr-lab/secrets.json");
    private static final String LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static final Pattern TOKEN = Pattern.compile("\"ghcr_token\": \"([^\"]+)\"");

    private LabSecrets() {}

    /** Makes them where there are none, and answers the registry's token. */
    static String ensure() {
        Folders.make(FILE.getParent(), "rwx------");
        if (!Files.exists(FILE) || token().isEmpty()) Folders.write(FILE, json(values()));
        return token();
    }

    private static String token() {
        var match = TOKEN.matcher(Folders.read(FILE));
        return match.find() ? match.group(1) : "";
    }

    static Map<String, String> values() {
        var values = new LinkedHashMap<String, String>();
        values.put("db_username", "ktrdr");
        values.put("db_password", random(24));
        values.put("jwt_secret", random(48));
        values.put("grafana_password", random(20));
        values.put("ghcr_token", "lab_" + random(36));
        return values;
    }

    private static String random(int length) {
        return new SecureRandom().ints(length, 0, LETTERS.length()).mapToObj(i -> String.valueOf(LETTERS.charAt(i))).reduce("", String::concat);
    }

    /** Letters and digits only, so nothing needs escaping. */
    static String json(Map<String, String> values) {
        return values.entrySet().stream().map(entry -> "  \"" + entry.getKey() + "\": \"" + entry.getValue() + "\"")
                .reduce((a, b) -> a + ",\n" + b).map(lines -> "{\n" + lines + "\n}\n").orElse("{}\n");
    }

    static void delete() {
        Folders.delete(FILE.getParent());
    }
}
