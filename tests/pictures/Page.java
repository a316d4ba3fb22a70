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
import java.util.List;

/**
 * A dashboard as a self-contained page without network access, similar to Grafana's. uPlot draws the curves, as in
 * Grafana; page.css and the scripts in this folder do the rest.
 */
public final class Page {
    private Page() {}

    /** The page's HTML. */
    public static String of(Answers answers) {
        var scripts = List.of(webjar("uplot/1.6.30/dist/uPlot.iife.min.js"), resource("/pictures/units.js"),
                resource("/pictures/plots.js"), resource("/pictures/panels.js"));
        return filled("page.html", List.of(webjar("uplot/1.6.30/dist/uPlot.min.css"), resource("/pictures/page.css")),
                scripts, answers.document());
    }

    /** A page of this folder with its styles, scripts and data inlined. */
    static String filled(String page, List<String> styles, List<String> scripts, String data) {
        return resource("/pictures/" + page).replace("/* style */", String.join("\n", styles))
                // the data must not close its enclosing element
                .replace("{\"data\": null}", data.replace("<", "\\u003c"))
                .replace("/* scripts */", String.join("\n", scripts));
    }

    /** A file of an npm package, from its Maven artifact (webjars.org). */
    static String webjar(String path) {
        return resource("/META-INF/resources/webjars/" + path);
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
