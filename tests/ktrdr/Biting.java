package ktrdr;

import java.util.ArrayList;
import java.util.List;

/** Texts that a shell, Compose, YAML, SQL, PromQL, HTML, a terminal or an option parser may interpret as syntax. */
public final class Biting {
    /** Valid secrets: one line, without NUL or unpaired surrogates. */
    public static final List<String> LINES = List.of(" ", "  both ends  ", "a b", "'", "''", "it's", "a'\\''b", "\"",
            "\"quoted\"", "\\", "\\\\", "ends with \\", "\\n", "\\x41", "\\u0041", "C:\\temp",
            "$", "$$", "$$$", "$HOME", "${HOME}", "${HOME:?gone}", "${HOME:-x}", "$(id)", "$1", "a$", "`id`", "%", "%%",
            "%s%n%d", "%20", "%41", "\t", "a\tb", "-", "--", "-n", "--help", "-rf", "-e",
            "*", "?", "[a-z]", "~", "~root", "{a,b}", "!", "!!", "#", "# no comment", "a # b", ";", "; id", "&", "&&",
            "|", "||", "<", ">", "<<EOF", "(", ")", "a;b&c|d",
            "null", "~null", "true", "no", "0x10", "1e3", "0123", "1_000", "2026-01-01", ".inf", "=", "==", "a=b",
            "KEY=value", "a: b", "- a", "[a]", "{a: b}", "&a", "*a", "!t", "@", "a@b/c:d?e#f",
            "{{tag}}", "{{{tag}}}", "{{#a}}", "{{.Id}}", "${{a}}", "'; drop table x; --", "' or '1'='1", "$tag$",
            "$$tag$$", "up{job=\"x\"}", "\"} or vector(1)", "a|b", "](http://x)", "<script>alert(1)</script>",
            "&amp;", "<!--", "]]>", "..", ".", "../..", "/", "/etc/passwd", "a/../b", "EOF", "}", "done", "exit 1", "é",
            "e\u0301", "ß…漢字", "\ud83d\ude00", "\u0430", "\ufeffa", "\u200b", "\u202egnp.exe", "\u2066a\u2069",
            "\u00a0", "\u2028", "\u2029", "\u0085", "\u009b2J", "\u001b[31ma", "\u001b]0;a\u0007", "\u0001", "\u007f",
            "x".repeat(4096), "\\".repeat(4096), "'".repeat(4096), "$(id) \"'`%é".repeat(300));
    /** Texts with several lines, or that no text file or argument can hold. */
    public static final List<String> OTHERS = List.of("\n", "a\nb", "a\n", "\nEOF\n}\n", "a\r\nb", "\r", "a\rb", "a\0b",
            "\0", "\ud800", "a\udc00b", "\ud83d");

    private Biting() {}

    public static List<String> all() {
        var all = new ArrayList<>(LINES);
        all.addAll(OTHERS);
        return all;
    }
}
