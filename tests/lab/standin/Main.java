package standin;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Entry point of the practice fleet's stand-in image: not KTRDR, Grafana or Jaeger, but a program with the same
 * arguments and answers. {@code -m uvicorn MODULE:app --host H --port P} starts backend or worker, {@code grafana} and
 * {@code jaeger} the other two; without arguments the image's KTRDR_STANDIN_ROLE decides.
 *
 * <p>KTRDR_STANDIN_FAULT=crash simulates a worker on an image built without its libraries; KTRDR_STANDIN_START is the
 * start time in seconds.
 */
public final class Main {
    private static final List<String> ENVIRONMENTS = List.of("development", "staging", "production");
    /**
     * Secrets whose default is fatal only with KTRDR_ENV=production (ktrdr/config/validation.py), whatever
     * KTRDR_API_ENVIRONMENT is.
     */
    private static final Map<String, String> INSECURE = Map.of("KTRDR_DB_PASSWORD", "localdev", "KTRDR_AUTH_JWT_SECRET",
            "insecure-dev-secret");

    private Main() {}

    public static void main(String... args) throws Exception {
        var env = System.getenv();
        var words = List.of(args);
        if (words.isEmpty() || words.get(0).startsWith("--"))
            words = Stream.concat(Stream.of(env.getOrDefault("KTRDR_STANDIN_ROLE", "")), words.stream()).toList();
        if (words.equals(List.of("backend"))) words = List.of("ktrdr.api.main:app");
        AutoCloseable running;
        try {
            running = start(words, env);
        } catch (IllegalArgumentException | java.io.IOException e) {
            System.err.println("ERROR: " + e.getMessage());
            System.exit(1);
            return;
        }
        if (running instanceof Worker worker) onTerm(worker::terminate);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                running.close();
            } catch (Exception e) {
                System.err.println("ERROR: " + e.getMessage());
            }
            // uvicorn exits with 0, the JVM would exit with 143
            Runtime.getRuntime().halt(0);
        }));
    }

    /**
     * Replaces the SIGTERM handler. By reflection: the compiler would warn about each use of the JDK's internal class.
     */
    private static void onTerm(Runnable what) throws ReflectiveOperationException {
        var signal = Class.forName("sun.misc.Signal");
        var handler = Class.forName("sun.misc.SignalHandler");
        var ours = Proxy.newProxyInstance(Main.class.getClassLoader(), new Class<?>[] {handler},
                (proxy, method, arguments) -> {
                    what.run();
                    return null;
                });
        signal.getMethod("handle", signal, handler)
                .invoke(null, signal.getConstructor(String.class).newInstance("TERM"), ours);
    }

    /** What backend and workers validate first; throws IllegalArgumentException with the real ones' messages. */
    static void settings(Map<String, String> env) {
        var environment = env.getOrDefault("KTRDR_API_ENVIRONMENT", "development").toLowerCase(Locale.ROOT);
        if (!ENVIRONMENTS.contains(environment))
            throw new IllegalArgumentException(
                    "Environment must be one of ['development', 'staging', 'production'], got '"
                            + env.get("KTRDR_API_ENVIRONMENT") + "'");
        var insecure = INSECURE.entrySet().stream()
                .filter(entry -> env.getOrDefault(entry.getKey(), entry.getValue()).equals(entry.getValue()))
                .map(Map.Entry::getKey).sorted().toList();
        // otherwise only a warning
        if (!insecure.isEmpty() && env.getOrDefault("KTRDR_ENV", "").equalsIgnoreCase("production"))
            throw new IllegalArgumentException("Insecure defaults not allowed in production: "
                    + String.join(", ", insecure));
    }

    private static AutoCloseable start(List<String> words, Map<String, String> env) throws Exception {
        if (words.equals(List.of("grafana"))) return say("Grafana", 3000, new Grafana(3000, env));
        if (words.get(0).equals("jaeger"))
            return say("Jaeger", 16686, new Jaeger(16686, 4317, Jaeger.traces(words.subList(1, words.size()))));
        if (words.size() > 1 && words.subList(0, 2).equals(List.of("-m", "http.server"))) {
            int port = words.size() > 2 ? Integer.parseInt(words.get(2)) : 8000;
            return say("Python's http.server", port, new StaticFiles(Path.of("").toAbsolutePath(), port));
        }
        var app = words.stream().filter(word -> word.endsWith(":app")).findFirst().orElse("");
        if ("crash".equals(env.get("KTRDR_STANDIN_FAULT")) && !app.isEmpty()) {
            Thread.sleep(1000);
            System.err.println("ModuleNotFoundError: No module named 'torch'");
            System.exit(1);
        }
        var pace = Pace.REAL.starting(1000L * Integer.parseInt(env.getOrDefault("KTRDR_STANDIN_START", "0")));
        return switch (app) {
            case "ktrdr.api.main:app" -> say("KTRDR backend", port(words, 8000),
                    new Backend(port(words, 8000), env, pace, Store.of(env)));
            case "ktrdr.backtesting.backtest_worker:app" ->
                    say("KTRDR backtest worker", port(words, 5003),
                            new Worker("backtesting", port(words, 5003), env, pace));
            case "ktrdr.training.training_worker:app" ->
                    say("KTRDR training worker", port(words, 5005),
                            new Worker("training", port(words, 5005), env, pace));
            case "ktrdr.agents.workers.design_agent_worker:app" -> agent("agent_design", port(words, 5010), env, pace);
            case "ktrdr.agents.workers.assessment_agent_worker:app" ->
                    agent("agent_assessment", port(words, 5020), env, pace);
            default -> throw new IllegalArgumentException("the stand-in knows no such command: "
                    + String.join(" ", words));
        };
    }

    /** These two make their app only where the variable names their type (ktrdr/agents/workers of the real one). */
    private static AutoCloseable agent(String type, int port, Map<String, String> env, Pace pace) throws Exception {
        if (!type.equals(env.get("KTRDR_WORKER_TYPE"))) throw new IllegalArgumentException(
                "Error loading ASGI app. KTRDR_WORKER_TYPE is not " + type);
        return say("KTRDR " + type + " worker", port, new Worker(type, port, env, pace));
    }

    private static AutoCloseable say(String what, int port, AutoCloseable running) {
        System.out.println("INFO: stand-in for " + what + " running on http://0.0.0.0:" + port);
        return running;
    }

    private static int port(List<String> words, int usual) {
        int at = words.indexOf("--port");
        return at >= 0 && at + 1 < words.size() ? Integer.parseInt(words.get(at + 1)) : usual;
    }
}
