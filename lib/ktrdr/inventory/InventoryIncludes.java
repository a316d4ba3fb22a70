package ktrdr.inventory;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import ktrdr.Problem;
import ktrdr.Yaml;

/**
 * The parts of an inventory that several environments share: {@code include} lists their files, and what the inventory
 * itself says wins over them, key by key. A later file wins over an earlier one.
 */
final class InventoryIncludes {
    static final String KEY = "include";

    private InventoryIncludes() {}

    /** The tree of an inventory with what it includes. A file that cannot be read is a {@link Problem}. */
    static Yaml.Mapping read(Path file) {
        var own = Yaml.read(file);
        if (!own.values().containsKey(KEY)) return own;
        var merged = new Yaml.Mapping(own.place(), new LinkedHashMap<>(), new LinkedHashMap<>());
        for (var name : names(file, own)) merged = over(merged, included(file, name));
        own.values().remove(KEY);
        own.keys().remove(KEY);
        return over(merged, own);
    }

    private static List<Yaml.Scalar> names(Path file, Yaml.Mapping own) {
        var value = own.values().get(KEY);
        if (value instanceof Yaml.Sequence list && list.values().stream()
                .allMatch(item -> item instanceof Yaml.Scalar scalar && scalar.text() != null))
            return list.values().stream().map(Yaml.Scalar.class::cast).toList();
        throw Problem.usage(value.place().at(file) + "  include: this is no list of files")
                .expected("such as include: [shared.yaml]");
    }

    private static Yaml.Mapping included(Path file, Yaml.Scalar name) {
        var folder = file.toAbsolutePath().getParent();
        var tree = Yaml.included(folder.resolve(name.text()));
        if (tree.values().containsKey(KEY)) throw Problem.usage(tree.keys().get(KEY).at(file)
                + "  include: an included file includes another").expected("all files in the inventory itself");
        return tree;
    }

    private static Yaml.Mapping over(Yaml.Mapping under, Yaml.Mapping over) {
        var values = new LinkedHashMap<>(under.values());
        var keys = new LinkedHashMap<>(under.keys());
        over.values().forEach((key, value) -> {
            keys.put(key, over.keys().get(key));
            values.merge(key, value, (lower, upper) -> lower instanceof Yaml.Mapping below
                    && upper instanceof Yaml.Mapping above ? over(below, above) : upper);
        });
        return new Yaml.Mapping(over.place(), values, keys);
    }
}
