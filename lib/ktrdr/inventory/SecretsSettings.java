package ktrdr.inventory;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where secrets come from; {@code fields} maps the toolkit's names of fields to the provider's where they differ. */
public record SecretsSettings(Provider provider, String vault, String item, String prefix, Optional<Path> file,
        List<String> command, Map<String, String> fields) {
    /** Which kind of provider: 1Password, variables, a file, or any command. */
    public enum Provider { ONEPASSWORD, ENV, FILE, COMMAND }
}
