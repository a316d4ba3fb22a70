package standin;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * How a backtest worker finds the model that it is given: a folder below its own, whatever path of the caller's it had.
 */
final class Models {
    private static final String APP = "/app";
    private static final String MARK = "/models/";

    private Models() {}

    /**
     * What is wrong with the model of a backtest, in the words of the real one; null where it is there. {@code env} may
     * name another folder as /app.
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

    /** An absolute path with a folder models in it is taken for one in the worker's own. */
    static String translated(String path) {
        return path.startsWith("/") && path.contains(MARK) && !path.startsWith(APP + "/")
                ? APP + path.substring(path.indexOf(MARK)) : path;
    }
}
