package ktrdr.inventory;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import ktrdr.inventory.Secrets.Field;

/**
 * Where secrets come from.
 *
 * @param fields the toolkit's names of fields to the provider's where they differ
 * @param variables further variables of Compose files to the fields with their values
 */
public record SecretsSettings(Provider provider, String vault, String item, String prefix, Optional<Path> file,
        List<String> command, Map<String, String> fields, Map<String, String> variables) {
    /** Which kind of provider: 1Password, variables, a file, or any command. */
    public enum Provider { ONEPASSWORD, ENV, FILE, COMMAND }

    /** All fields that a Compose file may name by its variables. */
    public TreeSet<Field> all() {
        var all = new TreeSet<>(Field.KNOWN);
        variables.forEach((variable, field) -> all.add(Field.own(variable, field)));
        return all;
    }
}
