package ktrdr.release;

import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.node.NodeFiles;

/** Shell lines that write the {@link History} on a node. */
public final class HistoryScripts {
    private static final String FILE = NodeFiles.OURS + "/releases.jsonl";
    private static final String UNDER_WAY = NodeFiles.OURS + "/deploying";
    private static final String APPEND = """
            append() {
              # what a link in its place leads to is not written
              rm -f %1$s.new
              { [ -L %1$s ] || [ ! -f %1$s ] || sed -n '/^{.*"outcome":"[a-z-]*"}$/p' %1$s
                cat
              } >%1$s.new && chmod 644 %1$s.new && sync %1$s.new && mv -fT %1$s.new %1$s
            }
            """.formatted(FILE);

    private HistoryScripts() {}

    /**
     * Shell lines, run in the stack's directory, that note a deployment as running, before anything is changed;
     * {@link ScriptExit#NOT_WRITTEN} if the disk is full.
     */
    public static String begin(History.Entry entry) {
        return APPEND + "mkdir -p .ktrdr && rm -f " + UNDER_WAY + ".new || exit " + ScriptExit.NOT_WRITTEN.code +
                "\n[ -L " + UNDER_WAY + " ] || [ ! -s " + UNDER_WAY + " ] || append <" + UNDER_WAY + " || exit " +
                ScriptExit.NOT_WRITTEN.code + "\n"
                + "printf '%s\\n' " + Sh.quote(entry.json()) + " >" + UNDER_WAY + ".new && sync " + UNDER_WAY +
                ".new && mv -fT " + UNDER_WAY + ".new " + UNDER_WAY + " || exit " + ScriptExit.NOT_WRITTEN.code + "\n";
    }

    /**
     * Shell lines, run in the stack's directory, that note how it ended; {@link ScriptExit#NOT_WRITTEN} if the disk is
     * full.
     */
    public static String end(History.Entry entry) {
        return APPEND + "printf '%s\\n' " + Sh.quote(entry.json()) + " | append || exit " + ScriptExit.NOT_WRITTEN.code
                + "\nrm -f " + UNDER_WAY + "\n";
    }
}
