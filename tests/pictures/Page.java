//DEPS org.webjars.npm:uplot:1.6.30
//FILES pictures/page.html=page.html
//FILES pictures/page.css=page.css
//FILES pictures/units.js=units.js
//FILES pictures/plots.js=plots.js
//FILES pictures/panels.js=panels.js
package pictures;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * A dashboard as a page of its own, which asks nothing of a network: like Grafana's, and not Grafana. Curves are drawn by uPlot, as in Grafana; the rest is
 * page.css and the scripts beside this.
 */
public final class Page {
    private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/dist/";

    private Page() {}

    /** The page's HTML. */
    public static String of(Answers answers) {
        return resource("/pictures/page.html").replace("/* style */", resource(UPLOT + "uPlot.min.css") + resource("/pictures/page.css"))
                .replace("/* scripts */", resource(UPLOT + "uPlot.iife.min.js") + resource("/pictures/units.js") + resource("/pictures/plots.js") + resource("/pictures/panels.js"))
                // no text of a label can end the element that it stands in
                .replace("{\"data\": null}", answers.document().replace("<", "\\u003c"));
    }

    private static String resource(String name) {
        try (var stream = Page.class.getResourceAsStream(name)) {
            if (stream == null) throw new IllegalStateException(name + " is not on the class path");
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
