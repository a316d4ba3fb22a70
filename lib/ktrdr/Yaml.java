package ktrdr;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.constructor.AbstractConstruct;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.representer.Representer;
import org.yaml.snakeyaml.resolver.Resolver;

/** A YAML file as a tree that knows the line and column of everything in it, for sentences that point at the place. */
public final class Yaml {
    private static final long MAX_BYTES = 1 << 20;
    /** Far more than a stack has services, and too few for a text that grows without end when it is read. */
    private static final int MAX_ALIASES = 500;

    /** A place in a file; lines and columns count from 1. {@code in} is the file if that is included, else empty. */
    public record Place(int line, int column, String in) {
        /** With the file in front: this one, unless it is in an included one. */
        public String at(Path file) {
            return (in.isEmpty() ? file : in) + ":" + this;
        }

        @Override
        public String toString() {
            return line + ":" + column;
        }
    }

    /** A part of a document. */
    public sealed interface Item {
        /** Its place in the file. */
        Place place();
    }

    /** Keys in the order of the file; {@code keys} has the place of each. */
    public record Mapping(Place place, Map<String, Item> values, Map<String, Place> keys) implements Item {}

    /** Values in their order. */
    public record Sequence(Place place, List<Item> values) implements Item {}

    /** A plain value as text; null for an empty one. */
    public record Scalar(Place place, String text) implements Item {}

    private final String name;
    private final YAMLParser parser;
    private final String in;

    private Yaml(String name, YAMLParser parser, boolean included) {
        this.name = name;
        this.parser = parser;
        this.in = included ? name : "";
    }

    /**
     * Reads a file of one document with a mapping at its top; whatever else it holds is a {@link Problem} that names
     * the place.
     */
    public static Mapping read(Path file) {
        return parse(text(file), file.toString());
    }

    /** The same of a file that another one includes: its places name it. */
    public static Mapping included(Path file) {
        return parse(text(file), file.toString(), true);
    }

    /** The same of a text, with the name of its file for messages. */
    public static Mapping parse(String text, String name) {
        return parse(text, name, false);
    }

    private static Mapping parse(String text, String name, boolean included) {
        try (var parser = new YAMLFactory().createParser(text)) {
            var yaml = new Yaml(name, parser, included);
            if (parser.nextToken() == null)
                throw Problem.usage(name + " is empty").expected("domain, nodes and images");
            var top = yaml.item(0);
            if (parser.nextToken() != null)
                throw yaml.wrong(parser.currentTokenLocation(), "a second document starts here", "one document");
            if (top instanceof Mapping mapping) return mapping;
            throw Problem.usage(name + ":" + top.place() + "  this is not a mapping")
                    .expected("keys with values, such as domain: …");
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw Problem.usage(name + (at == null ? "" : ":" + at.getLineNr() + ":" + at.getColumnNr())
                    + "  this is not YAML")
                    .found(e.getOriginalMessage().lines().findFirst().orElse("unreadable text"));
        } catch (IOException e) {
            throw Problem.usage(name + " cannot be read").found(e.getMessage());
        }
    }

    /** A value with Compose's tag {@code !override}, which replaces another file's, or {@code !reset}, as no value. */
    public record Replacing(Object value) {}

    /**
     * The mapping at the top of a text whose anchors and merge keys ({@code <<}) count, as Compose reads one: values
     * are maps, lists, texts and {@link Replacing}, and null where there is none. A scalar stays as it is written:
     * {@code 22:22} is no number of seconds here, and {@code on} is no flag. Anything else is a {@link Problem}.
     *
     * @param name of its file, for messages
     */
    public static Map<String, Object> merged(String text, String name) {
        try {
            var options = new LoaderOptions();
            options.setMaxAliasesForCollections(MAX_ALIASES);
            var found = new org.yaml.snakeyaml.Yaml(new Tagged(options),
                    new Representer(new DumperOptions()), new DumperOptions(), new AsWritten()).load(text);
            if (!(found instanceof Map<?, ?> map)) throw Problem.usage(name + " is not a mapping")
                    .expected("keys with values, such as services: …");
            var top = new LinkedHashMap<String, Object>();
            map.forEach((key, value) -> top.put(String.valueOf(key), value));
            return top;
        } catch (MarkedYAMLException e) {
            var at = e.getProblemMark();
            throw Problem.usage(name + (at == null ? "" : ":" + (at.getLine() + 1) + ":" + (at.getColumn() + 1))
                    + "  this is not YAML").found(e.getProblem()).because(e);
        } catch (YAMLException e) {
            throw Problem.usage(name + " cannot be read").found(e.getMessage()).because(e);
        }
    }

    /** What Compose adds to YAML (its reference, "Merge"). */
    private static final class Tagged extends SafeConstructor {
        Tagged(LoaderOptions options) {
            super(options);
            yamlConstructors.put(new Tag("!reset"), new AbstractConstruct() {
                @Override
                public Object construct(Node node) {
                    return new Replacing(null);
                }
            });
            yamlConstructors.put(new Tag("!override"), new AbstractConstruct() {
                @Override
                public Object construct(Node node) {
                    return new Replacing(node instanceof MappingNode mapping ? constructMapping(mapping)
                            : node instanceof SequenceNode sequence ? constructSequence(sequence)
                            : constructScalar((ScalarNode) node));
                }
            });
        }
    }

    /** Only what YAML itself needs: the merge key, and nothing at all. */
    private static final class AsWritten extends Resolver {
        @Override
        protected void addImplicitResolvers() {
            addImplicitResolver(Tag.MERGE, MERGE, "<");
            addImplicitResolver(Tag.NULL, NULL, "~nN\0");
            addImplicitResolver(Tag.NULL, EMPTY, null);
        }
    }

    private static String text(Path file) {
        try {
            if (Files.size(file) > MAX_BYTES)
                throw Problem.usage(file + " is larger than 1 MB").expected("an inventory");
            return Utf8.text(Files.readAllBytes(file), file.toString());
        } catch (IOException e) {
            throw Problem.usage("the inventory " + file + " cannot be read")
                    .found(Files.exists(file) ? e.toString() : "no such file")
                    .fix("-i FILE, or KTRDR_INVENTORY=FILE");
        }
    }

    private Item item(int depth) throws IOException {
        var place = place(parser.currentTokenLocation());
        if (depth > 50) throw wrong(parser.currentTokenLocation(), "this is nested too deep", "an inventory");
        return switch (parser.currentToken()) {
            case START_OBJECT -> mapping(place, depth);
            case START_ARRAY -> sequence(place, depth);
            case VALUE_NULL -> new Scalar(place, null);
            default -> scalar(place);
        };
    }

    private Mapping mapping(Place place, int depth) throws IOException {
        var values = new LinkedHashMap<String, Item>();
        var keys = new LinkedHashMap<String, Place>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            var key = parser.currentName();
            var at = parser.currentTokenLocation();
            if (keys.containsKey(key)) throw wrong(at, "the key " + key + " is repeated here",
                    "each key once; the first is at " + keys.get(key));
            keys.put(key, place(at));
            parser.nextToken();
            values.put(key, item(depth + 1));
        }
        return new Mapping(place, values, keys);
    }

    private Sequence sequence(Place place, int depth) throws IOException {
        var values = new ArrayList<Item>();
        while (parser.nextToken() != JsonToken.END_ARRAY) values.add(item(depth + 1));
        return new Sequence(place, values);
    }

    private Scalar scalar(Place place) throws IOException {
        if (parser.isCurrentAlias()) throw wrong(parser.currentTokenLocation(),
                "an alias (*" + parser.getText() + ") is used here", "the value itself");
        return new Scalar(place, parser.getText());
    }

    private Problem wrong(JsonLocation at, String what, String expected) {
        return Problem.usage(name + ":" + place(at) + "  " + what).expected(expected);
    }

    private Place place(JsonLocation at) {
        return new Place(at.getLineNr(), at.getColumnNr(), in);
    }
}
