package ktrdr.backup;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What a script reports while it runs: lines of a name, a tab and a value. A value whose name has a listener goes there
 * at once; all others are kept. Lines without a tab are ignored.
 */
final class ProgressLines implements Consumer<String> {
    private final Map<String, Consumer<String>> listeners = new HashMap<>();
    private final Map<String, List<String>> values = new HashMap<>();

    /** Hands the values of this name to the listener. */
    ProgressLines on(String name, Consumer<String> listener) {
        listeners.put(name, listener);
        return this;
    }

    @Override
    public void accept(String line) {
        int tab = line.indexOf('\t');
        if (tab < 0) return;
        var name = line.substring(0, tab);
        listeners.getOrDefault(name, value -> keep(name, value)).accept(line.substring(tab + 1));
    }

    private synchronized void keep(String name, String value) {
        values.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
    }

    /** All values of this name, in their order. */
    synchronized List<String> all(String name) {
        return List.copyOf(values.getOrDefault(name, List.of()));
    }

    /** The last value of this name. */
    Optional<String> last(String name) {
        var all = all(name);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
    }

    /** The last value of this name as a number; -1 if it is not one. */
    long number(String name) {
        return last(name).filter(text -> text.matches("\\d{1,18}")).map(Long::parseLong).orElse(-1L);
    }
}
