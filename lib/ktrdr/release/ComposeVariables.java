package ktrdr.release;

import java.util.Map;

/**
 * The values of variables in the text of a Compose file, as Compose fills them in: {@code $NAME}, {@code ${NAME}} and
 * the operators {@code :-}, {@code -}, {@code :?}, {@code ?}, {@code :+} and {@code +}, which may hold others; a
 * doubled dollar is one dollar (the Compose specification, "Interpolation"). What is required and missing is empty
 * here: whether a required variable has a value is proven elsewhere, and secrets are not known.
 */
final class ComposeVariables {
    private final String text;
    private final Map<String, String> values;
    private int at;

    private ComposeVariables(String text, Map<String, String> values) {
        this.text = text;
        this.values = values;
    }

    /** The text with these values in it. */
    static String fill(String text, Map<String, String> values) {
        return text.indexOf('$') < 0 ? text : new ComposeVariables(text, values).until(false);
    }

    /** The text up to its end, or up to the brace that ends an operator's word. */
    private String until(boolean brace) {
        var filled = new StringBuilder();
        while (at < text.length()) {
            char next = text.charAt(at++);
            if (brace && next == '}') break;
            if (next != '$' || at == text.length()) filled.append(next);
            else filled.append(variable());
        }
        return filled.toString();
    }

    private String variable() {
        char next = text.charAt(at);
        if (next == '$') {
            at++;
            return "$";
        }
        boolean braced = next == '{';
        if (braced) at++;
        var name = name();
        if (name.isEmpty()) return braced ? "${" : "$";
        return braced ? operator(name) : values.getOrDefault(name, "");
    }

    private String name() {
        int start = at;
        if (at < text.length() && Character.isDigit(text.charAt(at))) return "";
        while (at < text.length() && (text.charAt(at) == '_' || Character.isLetterOrDigit(text.charAt(at)))) at++;
        return text.substring(start, at);
    }

    /** The rest of a variable in braces, with its operator. */
    private String operator(String name) {
        boolean filled = at < text.length() && text.charAt(at) == ':';
        if (filled) at++;
        char operator = at < text.length() ? text.charAt(at++) : '}';
        var value = values.get(name);
        if (operator == '}') return value == null ? "" : value;
        var word = until(true);
        boolean there = value != null && !(filled && value.isEmpty());
        return switch (operator) {
            case '-' -> there ? value : word;
            case '+' -> there ? word : "";
            default -> value == null ? "" : value;
        };
    }
}
