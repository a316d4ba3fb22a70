package bench;

import com.samskivert.mustache.Escapers;
import java.util.List;
import java.util.Locale;

/**
 * The results as an SVG picture: for each benchmark the medians of the toolkit and of the alternative. The longer bar
 * fills the row.
 */
public final class Chart {
    private static final int WIDTH = 860;
    private static final int LEFT = 180;
    private static final int BAR = 400;
    private static final int ROW = 46;
    private static final int TOP = 34;

    private Chart() {}

    /** The SVG text; {@code machine} describes the machine. */
    public static String svg(List<SideBySide> measured, String machine) {
        var rows = new StringBuilder();
        int y = TOP;
        for (var sideBySide : measured) {
            var medians = sideBySide.medians();
            double longest = Math.max(medians.ours().toMillis(), medians.theirs().toMillis());
            rows.append(text("name", LEFT - 12, y + 23, sideBySide.what().name()))
                    .append(bar("ours", y + 4, medians.ours().toMillis() / longest,
                            label(sideBySide.what().ours(), medians.ours().toMillis())))
                    .append(bar("theirs", y + 21, medians.theirs().toMillis() / longest,
                            label(sideBySide.what().theirs(), medians.theirs().toMillis())));
            y += ROW;
        }
        return """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %1$d %2$d" role="img" aria-label="Medians of the \
                benchmarks, the toolkit and its manual alternatives">
                <style>
                text { font: 13px system-ui, sans-serif; fill: #1f2328 } .name { font-weight: 600; text-anchor: end } \
                .small { font-size: 11px; fill: #59636e }
                .ours { fill: #0969da } .theirs { fill: #b5bcc4 } .ground { fill: #ffffff }
                @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9198a1 } .ours { fill: \
                #4493f8 } .theirs { fill: #4d555e } .ground { fill: #0d1117 } }
                </style>
                <rect class="ground" width="%1$d" height="%2$d"/>
                %3$s%4$s</svg>
                """.formatted(WIDTH, y + 8,
                        text("small", 12, 20, "medians of whole runs, start of the process included; " + machine),
                        rows);
    }

    private static String label(String what, long millis) {
        return String.format(Locale.ROOT, "%s %.2f s", what, millis / 1000.0);
    }

    private static String bar(String kind, int y, double part, String label) {
        int width = Math.max(2, (int) Math.round(BAR * part));
        return "<rect class=\"" + kind + "\" x=\"" + LEFT + "\" y=\"" + y + "\" width=\"" + width
                + "\" height=\"14\" rx=\"2\"/>\n" + text("small", LEFT + width + 8, y + 11, label);
    }

    private static String text(String kind, int x, int y, String words) {
        return "<text class=\"" + kind + "\" x=\"" + x + "\" y=\"" + y + "\">" + Escapers.HTML.escape(words)
                + "</text>\n";
    }
}
