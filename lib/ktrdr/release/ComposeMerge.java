package ktrdr.release;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import ktrdr.Yaml.Replacing;

/**
 * Compose files on top of each other, by the rules of Compose's reference ("Merge"), as far as the toolkit reads them:
 * Compose itself reads the files, and a deployment compares what came of it.
 */
final class ComposeMerge {
    private static final Set<String> REPLACED = Set.of("command", "entrypoint", "test");

    private ComposeMerge() {}

    /** What files say together, each on top of those before it. */
    static Map<String, Object> of(List<Map<String, Object>> files) {
        Map<String, Object> all = Map.of();
        for (var file : files) all = over(all, file);
        return all;
    }

    private static Map<String, Object> over(Map<?, ?> base, Map<?, ?> over) {
        var all = new LinkedHashMap<String, Object>();
        base.forEach((key, value) -> all.put(String.valueOf(key), value));
        over.forEach((key, value) -> {
            var name = String.valueOf(key);
            var result = value(name, all.get(name), value);
            if (value instanceof Replacing && result == null) all.remove(name);
            else all.put(name, result);
        });
        return all;
    }

    private static Object value(String key, Object base, Object over) {
        if (over instanceof Replacing replacing) return value(key, null, replacing.value());
        if (key.equals("depends_on") && base != null && over != null) return over(byName(base), byName(over));
        if (over instanceof Map<?, ?> map) return over(base instanceof Map<?, ?> below ? below : Map.of(), map);
        if (over instanceof List<?> list && base instanceof List<?> below && !REPLACED.contains(key))
            return appended(key, below, list);
        return over == null ? base : over;
    }

    private static Map<?, ?> byName(Object value) {
        if (value instanceof Map<?, ?> map) return map;
        var named = new LinkedHashMap<String, Object>();
        if (value instanceof List<?> list) list.forEach(name -> named.put(String.valueOf(name), Map.of()));
        return named;
    }

    /** A mount replaces the one at the same place of the container. */
    private static List<Object> appended(String key, List<?> base, List<?> over) {
        var all = new ArrayList<Object>(base);
        if (key.equals("volumes")) all.removeIf(mount -> over.stream().map(ComposeMerge::target)
                .anyMatch(target(mount)::equals));
        over.stream().filter(value -> !all.contains(value)).forEach(all::add);
        return all;
    }

    private static String target(Object mount) {
        if (mount instanceof Map<?, ?> keys) return String.valueOf(keys.get("target"));
        var words = String.valueOf(mount).split(":");
        return words[Math.min(1, words.length - 1)];
    }
}
