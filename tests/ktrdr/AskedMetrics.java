package ktrdr;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The KTRDR metrics that dashboards and alert rules query. */
final class AskedMetrics {
    private static final Pattern METRIC = Pattern.compile("\\b(?:ktrdr|http|process|python)_[a-z_]+\\b");
    /** The toolkit's own metrics, and labels. */
    private static final String OURS =
            "ktrdr_(backup|container|deployment|release)_.*|http_(method|status_code|target)";

    private AskedMetrics() {}

    /** Without histogram suffixes, and without the agent metrics, which exist only after an agent ran. */
    static Set<String> names() {
        var names = new TreeSet<String>();
        for (var folder : List.of("rules", "grafana"))
            try (var files = Files.walk(Project.root().resolve("templates/monitoring/" + folder))) {
                for (var file : files.filter(Files::isRegularFile).toList())
                    METRIC.matcher(Files.readString(file)).results().map(MatchResult::group)
                            .filter(name -> !name.matches(OURS))
                            .map(name -> name.replaceFirst("_(bucket|count|sum)$", "")).forEach(names::add);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        return names;
    }
}
