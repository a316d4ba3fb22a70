package standin;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** How a backtest worker finds a model: a folder below its own models folder, whatever path the caller used. */
final class Models {
    private static final String APP = "/app";
    private static final String MARK = "/models/";

    private Models() {}

    /**
     * The real one's error for the model of a backtest; null if the model exists. {@code env} may name a folder other
     * than /app.
     */
    static String wrong(Object parameters, Map<String, String> env) {
        var given = parameters instanceof Map<?, ?> map && map.get("model_path") instanceof String text ? text : "";
        if (given.isEmpty()) return "model_path is required for backtesting";
        var path = translated(given);
        var here = Path.of(env.getOrDefault("KTRDR_STANDIN_APP", APP)).resolve(path.replaceFirst("^" + APP + "/", ""));
        if (!Files.exists(here)) return "Model directory not found: " + path;
        var metadata = "/metadata_v3.json";
        return Files.exists(Path.of(here + metadata)) ? null
                : "V3 metadata not found at " + path + metadata
                        + ". This model may not be a v3 model or may need to be retrained.";
    }

    /** Maps an absolute path with a folder models in it to the worker's own. */
    static String translated(String path) {
        return path.startsWith("/") && path.contains(MARK) && !path.startsWith(APP + "/")
                ? APP + path.substring(path.indexOf(MARK)) : path;
    }
}
