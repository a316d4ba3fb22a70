package ktrdr;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The text of files that people write, which is UTF-8. */
public final class Utf8 {
    private Utf8() {}

    /**
     * The text, without the byte order mark that some editors put in front of it.
     *
     * @param name of the file, for the {@link Problem} if it is not UTF-8: it has the line and the column of the first
     *     invalid byte
     */
    public static String text(byte[] bytes, String name) {
        var buffer = ByteBuffer.wrap(bytes);
        try {
            var text = StandardCharsets.UTF_8.newDecoder().decode(buffer).toString();
            return text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            // the decoder's position is before the bytes that it cannot decode
            int at = buffer.position();
            var before = new String(Arrays.copyOf(bytes, at), StandardCharsets.UTF_8);
            var line = before.substring(before.lastIndexOf('\n') + 1);
            var place = name + ":" + (1 + before.chars().filter(number -> number == '\n').count()) + ":"
                    + (1 + line.codePointCount(0, line.length()));
            throw Problem.usage(place + "  this is not UTF-8").expected("a file in UTF-8")
                    .found(String.format("the byte 0x%02X", bytes[at] & 0xFF))
                    .fix(at == 0 ? "save it as UTF-8"
                            : "save it as UTF-8, or: iconv -f LATIN1 -t UTF-8, where it is Latin-1");
        }
    }
}
