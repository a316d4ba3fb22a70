package ktrdr.report;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.inventory.Inventory.Node;

/**
 * A result for machines. Each begins with {@code document}, {@code version}, {@code ok} and {@code exit} and ends with
 * {@code errors}; docs/schemas has a JSON Schema for each name.
 *
 * <pre>common.report(Document.of("stage", exit).with("nodes", nodes).errors(problems))</pre>
 */
public final class Document {
    /** Rises when a key of any document goes or gets another meaning. */
    public static final int VERSION = 1;

    private final Map<String, Object> fields = new LinkedHashMap<>();
    private final List<Object> errors = new ArrayList<>();
    private final Optional<Exit> exit;

    private Document(String name, Optional<Exit> exit) {
        this.exit = exit;
        fields.put("document", name);
        fields.put("version", VERSION);
        exit.ifPresent(code -> {
            fields.put("ok", code == Exit.OK);
            fields.put("exit", code.code);
        });
    }

    /** The result of a run that ends with this exit code. */
    public static Document of(String name, Exit exit) {
        return new Document(name, Optional.of(exit));
    }

    /** A line of a stream: it is not a result, so it has no {@code ok}, {@code exit} and {@code errors}. */
    public static Document line(String name) {
        return new Document(name, Optional.empty());
    }

    /** A run that ended before there was another result. */
    public static Document error(Problem problem) {
        return of("error", problem.exit()).errors(List.of(problem));
    }

    /** One more key, after those that there are. */
    public Document with(String key, Object value) {
        fields.put(key, value);
        return this;
    }

    /** More keys, in their order. */
    public Document with(Map<String, ?> more) {
        fields.putAll(more);
        return this;
    }

    /** What went wrong on nodes. */
    public Document errors(Map<Node, Problem> problems) {
        problems.forEach((node, problem) -> errors.add(problem.document(node.name())));
        return this;
    }

    /** What went wrong, on no node in particular. */
    public Document errors(Collection<Problem> problems) {
        problems.forEach(problem -> errors.add(problem.document("")));
        return this;
    }

    /** Names and values by turns, in this order. */
    public static Map<String, Object> fields(Object... pairs) {
        var fields = new LinkedHashMap<String, Object>();
        for (int i = 0; i < pairs.length; i += 2) fields.put((String) pairs[i], pairs[i + 1]);
        return fields;
    }

    /** The exit code that the document names. */
    public Exit exit() {
        return exit.orElse(Exit.OK);
    }

    /** All of it, as it is printed. */
    @JsonValue
    public Map<String, Object> fields() {
        var all = new LinkedHashMap<>(fields);
        if (exit.isPresent()) all.put("errors", errors);
        return all;
    }
}
