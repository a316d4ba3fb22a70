package ktrdr;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/**
 * JSON documents and lines, read strictly: what comes after a document makes it none, and so do more than
 * {@link #MAX_VALUES} values.
 */
public final class Json {
    /**
     * Of a document, its names and brackets with them: a node of a tree takes a hundred times the memory of a bracket.
     */
    public static final int MAX_VALUES = 2_000_000;
    private static final ObjectMapper MAPPER = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxTokenCount(MAX_VALUES).build()).build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Json() {}

    /** The text parsed as a document; empty if it is not JSON. */
    public static Optional<JsonNode> read(String text) {
        try {
            return Optional.ofNullable(MAPPER.readTree(text)).filter(node -> !node.isMissingNode());
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /**
     * The document that a text has to be; else a {@link Problem} with the beginning of it, so never for what holds
     * secrets.
     *
     * @param what whose text it is, such as "docker" or "the history of core"
     */
    public static JsonNode parse(String text, String what) {
        return read(text).orElseThrow(() -> Problem.failed(what + " gave something else than JSON")
                .expected("one JSON document")
                .found(text.isBlank() ? "nothing" : Console.brief(text, 200)));
    }

    /** The object that a text is, with other values of these keys and all else as it was written; no key is added. */
    public static String replaced(String text, Map<String, ?> values) {
        var replaced = new StringBuilder();
        int kept = 0;
        try (var parser = MAPPER.createParser(text)) {
            while (parser.nextToken() != null) {
                boolean key = parser.currentToken() == JsonToken.FIELD_NAME
                        && parser.getParsingContext().getParent().inRoot();
                var value = key ? values.get(parser.currentName()) : null;
                if (value == null) continue;
                parser.nextToken();
                replaced.append(text, kept, (int) parser.currentTokenLocation().getCharOffset()).append(line(value));
                parser.skipChildren();
                parser.finishToken();
                kept = (int) parser.currentLocation().getCharOffset();
            }
        } catch (IOException e) {
            throw new IllegalArgumentException("this is no JSON", e);
        }
        return replaced.append(text.substring(kept)).toString();
    }

    /** An object as an indented document, for readers and machines. */
    public static String pretty(Object object) {
        try {
            return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(object);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("this has no form in JSON", e);
        }
    }

    /** An object as one line of JSON. */
    public static String line(Object object) {
        try {
            return MAPPER.writeValueAsString(object);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("this has no form in JSON", e);
        }
    }
}
