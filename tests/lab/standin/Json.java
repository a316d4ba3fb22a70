package standin;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON for the stand-ins without libraries: Map, List, String, Long, Double, Boolean and null. */
final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** A map that may hold null, in the given order: name, value, name, value. */
    static Map<String, Object> map(Object... pairs) {
        var map = new LinkedHashMap<String, Object>();
        for (int i = 0; i < pairs.length; i += 2) map.put((String) pairs[i], pairs[i + 1]);
        return map;
    }

    /**
     * The object in {@code text}; an empty one if the text is empty. Throws IllegalArgumentException for anything else.
     */
    @SuppressWarnings("unchecked")
    static Map<String, Object> object(String text) {
        if (text.isBlank()) return new LinkedHashMap<>();
        if (parse(text) instanceof Map<?, ?> map) return (Map<String, Object>) map;
        throw new IllegalArgumentException("not a JSON object");
    }

    static Object parse(String text) {
        var json = new Json(text);
        try {
            var value = json.value();
            json.space();
            if (json.at < text.length()) throw json.bad();
            return value;
        } catch (StringIndexOutOfBoundsException e) {
            throw json.bad();
        }
    }

    private IllegalArgumentException bad() {
        return new IllegalArgumentException("JSON decode error at " + at);
    }

    private void space() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) at++;
    }

    private boolean take(char c) {
        space();
        if (text.charAt(at) != c) return false;
        at++;
        return true;
    }

    private void need(char c) {
        if (!take(c)) throw bad();
    }

    private Object value() {
        if (take('{')) {
            var map = new LinkedHashMap<String, Object>();
            if (take('}')) return map;
            do {
                need('"');
                var key = string();
                need(':');
                map.put(key, value());
            } while (take(','));
            need('}');
            return map;
        }
        if (take('[')) {
            var list = new ArrayList<>();
            if (take(']')) return list;
            do list.add(value()); while (take(','));
            need(']');
            return list;
        }
        if (take('"')) return string();
        int from = at;
        while (at < text.length()
                && (Character.isLetterOrDigit(text.charAt(at)) || "+-.".indexOf(text.charAt(at)) >= 0)) at++;
        var word = text.substring(from, at);
        return switch (word) {
            case "true" -> true;
            case "false" -> false;
            case "null" -> null;
            default -> number(word);
        };
    }

    private Object number(String word) {
        try {
            if (word.matches("-?\\d+")) return Long.valueOf(word);
            return Double.valueOf(word);
        } catch (NumberFormatException e) {
            throw bad();
        }
    }

    private String string() {
        var out = new StringBuilder();
        while (true) {
            char c = text.charAt(at++);
            if (c == '"') return out.toString();
            if (c != '\\') {
                out.append(c);
                continue;
            }
            c = text.charAt(at++);
            switch (c) {
                case 'n' -> out.append('\n');
                case 't' -> out.append('\t');
                case 'r' -> out.append('\r');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'u' -> {
                    out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                }
                default -> out.append(c);
            }
        }
    }

    static String write(Object value) {
        var out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        if (value instanceof Map<?, ?> map) write(map, out);
        else if (value instanceof List<?> list) write(list, out);
        else if (value == null || value instanceof Number || value instanceof Boolean) out.append(value);
        else writeText(value.toString(), out);
    }

    private static void write(Map<?, ?> map, StringBuilder out) {
        out.append('{');
        var comma = "";
        for (var entry : map.entrySet()) {
            out.append(comma);
            writeText(entry.getKey().toString(), out);
            out.append(':');
            write(entry.getValue(), out);
            comma = ",";
        }
        out.append('}');
    }

    private static void write(List<?> list, StringBuilder out) {
        out.append('[');
        var comma = "";
        for (var element : list) {
            out.append(comma);
            write(element, out);
            comma = ",";
        }
        out.append(']');
    }

    private static void writeText(String text, StringBuilder out) {
        out.append('"');
        text.chars().forEach(c -> {
            if (c == '"' || c == '\\') out.append('\\').append((char) c);
            else if (c < 0x20) out.append(String.format("\\u%04x", c));
            else out.append((char) c);
        });
        out.append('"');
    }
}
