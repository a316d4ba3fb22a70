package ktrdr;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Text from elsewhere, made safe to print: characters that would steer a terminal or turn the direction of writing, and
 * half a character, which no file can hold, become visible and do nothing.
 */
final class SafeText {
    private SafeText() {}

    static String harmless(String text) {
        if (text.codePoints().noneMatch(SafeText::steers)) return text;
        var shown = new StringBuilder();
        text.codePoints().forEach(codePoint -> {
            if (!steers(codePoint)) shown.appendCodePoint(codePoint);
            else if (codePoint < ' ') shown.append((char) (0x2400 + codePoint));
            else shown.append(String.format("\\u%04x", codePoint));
        });
        return shown.toString();
    }

    /** The same for several lines. */
    static String lineByLine(String text) {
        return text.indexOf('\n') < 0 ? harmless(text) : Arrays.stream(text.split("\n", -1)).map(SafeText::harmless)
                .collect(Collectors.joining("\n"));
    }

    /** The first line, cut to a width, never within a character. */
    static String brief(String text, int width) {
        var line = text.lines().findFirst().orElse("");
        if (line.length() <= width) return line;
        if (width < 2) return "…".substring(0, Math.max(0, width));
        return line.substring(0, Character.isHighSurrogate(line.charAt(width - 2)) ? width - 2 : width - 1) + "…";
    }

    private static boolean steers(int number) {
        return number < ' ' && number != '\t' || number >= 0x7f && number < 0xa0 || number >= 0x202a && number <= 0x202e
                || number >= 0x2066 && number <= 0x2069 || number == 0x200e || number == 0x200f || number == 0x61c
                || number >= Character.MIN_SURROGATE && number <= Character.MAX_SURROGATE || number == 0xfffe
                || number == 0xffff;
    }
}
