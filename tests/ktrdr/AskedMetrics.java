package ktrdr;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The metrics of KTRDR that dashboards and rules ask for. */
final class AskedMetrics {
    private static final Pattern METRIC = Pattern.compile("\\b(?:ktrdr|http|process|python)_[a-z_]+\\b");
    /** Metrics of the toolkit itself, and labels. */
    private static final String OURS =
            "ktrdr_(backup|container|deployment|release)_.*|http_(method|status_code|target)";

    private AskedMetrics() {}

    /** Without the endings of histograms; those of agents, which are there only if one ran, are left out. */
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
