package ktrdr.rotation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.inventory.Secrets.Field;
import ktrdr.release.Stack;

/**
 * Where a stack's containers have secrets: by service, the name in its environment and the field that its Compose file
 * gives it. The toolkit's own fields are looked for by their variables, whatever the file says.
 */
record SecretCarriers(Map<String, Map<String, Field>> fields) {
    /** A value that is a variable and nothing else, with or without what Compose does where it has none. */
    private static final Pattern VARIABLE = Pattern.compile(
            "\\$(?:([A-Za-z_]\\w*)|\\{([A-Za-z_]\\w*)(?::?[-?+].*)?\\})",
            Pattern.DOTALL);
    /** The variable by which PostgreSQL's image makes the password of its first role. */
    private static final String FIRST_PASSWORD = "POSTGRES_PASSWORD";

    static SecretCarriers of(Stack stack) {
        var own = stack.inventory().secrets().variables();
        var fields = new LinkedHashMap<String, Map<String, Field>>();
        var all = stack.inventory().secrets().all();
        stack.file().services().forEach((service, read) -> read.environment().forEach((name, value) -> {
            var match = VARIABLE.matcher(value);
            var variable = !match.matches() ? "" : match.group(1) == null ? match.group(2) : match.group(1);
            if (own.containsKey(variable)) all.stream().filter(field -> field.variable().equals(variable)).findFirst()
                    .ifPresent(field -> fields.computeIfAbsent(service, none -> new LinkedHashMap<>())
                            .put(name, field));
        }));
        return new SecretCarriers(fields);
    }

    /** The names in environments that may have a secret, the toolkit's own among them. */
    List<String> names() {
        var names = Field.KNOWN.stream().filter(field -> !field.equals(Field.GHCR_TOKEN)).map(Field::variable)
                .collect(Collectors.toCollection(TreeSet::new));
        fields.values().forEach(of -> names.addAll(of.keySet()));
        return List.copyOf(names);
    }

    /** The field that a name in a service's environment has; empty for any other. */
    Optional<Field> field(String service, String name) {
        return Optional.ofNullable(fields.getOrDefault(service, Map.of()).get(name)).or(() -> Field.KNOWN.stream()
                .filter(field -> field.variable().equals(name)).findFirst());
    }

    /** The nodes whose stacks name this field of one's own. */
    static List<Node> nodes(Inventory inventory, Field field) {
        return inventory.nodes().stream().filter(node -> of(Stack.of(inventory, node)).fields().values().stream()
                .anyMatch(of -> of.containsValue(field))).toList();
    }

    /** Whether the database of the fleet has it as the password of its role. */
    static boolean database(Inventory inventory, Field field) {
        var stack = Stack.of(inventory, inventory.core());
        return stack.service(Part.DATABASE).map(service -> of(stack).fields().getOrDefault(service, Map.of()))
                .map(of -> field.equals(of.get(FIRST_PASSWORD))).orElse(false);
    }
}
