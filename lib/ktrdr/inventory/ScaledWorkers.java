package ktrdr.inventory;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import ktrdr.BuiltIn;
import ktrdr.Yaml;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Worker;

/**
 * The workers that a node has as many of as the inventory says: those of the workers' Compose file with
 * {@code x-ktrdr: {worker: TYPE, scale: NUMBER}}.
 *
 * @param byType of each type in the order of their numbers; that with a GPU, which runs in the place of the first,
 *     comes last. Their addresses are empty
 */
public record ScaledWorkers(Map<String, List<Worker>> byType) {
    /** What {@code scale} is of the worker with a GPU, and its profile. */
    public static final String GPU = "gpu";
    static final String BACKTEST = "backtesting";
    static final String TRAINING = "training";
    /** [address:]published:inside, with Compose's variables in the address. */
    private static final Pattern PORT = Pattern.compile("(\\d+):\\d+$");

    /** One of them, and its number, or {@link #GPU}. */
    public record Numbered(Worker worker, String number) {}

    private static final class BuiltInFile {
        static final List<Numbered> ALL = read();
        static final ScaledWorkers WORKERS = ordered(ALL);

        private static List<Numbered> read() {
            var name = "workers/docker-compose.workers.yml";
            var found = new ArrayList<Numbered>();
            ((Map<?, ?>) Yaml.merged(BuiltIn.text(name), name).get("services")).forEach((service, keys) ->
                    found.add(numbered(String.valueOf(service), (Map<?, ?>) keys)));
            return found;
        }

        private static Numbered numbered(String service, Map<?, ?> keys) {
            var own = (Map<?, ?>) keys.get("x-ktrdr");
            var port = PORT.matcher(String.valueOf(((List<?>) keys.get("ports")).get(0)));
            if (!port.find()) throw new IllegalStateException(service + " publishes no port");
            var profile = keys.get("profiles") instanceof List<?> all ? String.valueOf(all.get(0)) : "";
            return new Numbered(new Worker(service, String.valueOf(own.get("worker")),
                    Integer.parseInt(port.group(1)), profile, ""), String.valueOf(own.get("scale")));
        }
    }

    /** Those of the toolkit's own Compose file. */
    public static ScaledWorkers builtIn() {
        return BuiltInFile.WORKERS;
    }

    /**
     * Those of another Compose file. One that the file has not is the toolkit's, so that it is missed where a node
     * counts it; one without a port has that of the toolkit's.
     */
    public static ScaledWorkers of(List<Numbered> file) {
        var all = new TreeMap<String, Numbered>();
        Stream.concat(BuiltInFile.ALL.stream(), file.stream()).forEach(one -> all.merge(
                one.worker().type() + " " + one.number(), one, (before, now) -> now.worker().port() > 0 ? now
                        : new Numbered(new Worker(now.worker().name(), now.worker().type(), before.worker().port(),
                                now.worker().profile(), ""), now.number())));
        return ordered(all.values());
    }

    private static ScaledWorkers ordered(Collection<Numbered> all) {
        var byType = new TreeMap<String, List<Worker>>();
        all.stream().sorted(Comparator.comparing((Numbered one) -> one.number().equals(GPU))
                .thenComparing(Numbered::number)).forEach(one -> byType
                        .computeIfAbsent(one.worker().type(), none -> new ArrayList<>()).add(one.worker()));
        return new ScaledWorkers(byType);
    }

    private List<Worker> of(String type) {
        return byType.getOrDefault(type, List.of());
    }

    /** How many of a type there are at most. */
    int most(String type) {
        return of(type).size();
    }

    /** Those of a node, by its counts; one with a GPU comes first. */
    List<Worker> of(Node node, String fqdn) {
        var counts = new LinkedHashMap<String, Integer>();
        counts.put(BACKTEST, node.backtest());
        counts.put(TRAINING, node.training());
        var workers = new ArrayList<Worker>();
        counts.forEach((type, count) -> {
            var all = of(type);
            int first = type.equals(TRAINING) && node.running().gpu() ? all.size() - 1 : 0;
            for (int i = 0; i < Math.min(count, all.size()); i++) {
                var worker = all.get((first + i) % all.size());
                workers.add(new Worker(worker.name(), type, worker.port(), worker.profile(),
                        "http://" + fqdn + ":" + worker.port()));
            }
        });
        return workers;
    }

    /** Whether a service is one of them. */
    public boolean has(String service) {
        return byType.values().stream().flatMap(List::stream).anyMatch(worker -> worker.name().equals(service));
    }

    /** How many of these services are workers of a type. */
    public long count(Iterable<String> services, String type) {
        long count = 0;
        for (var service : services) if (of(type).stream().anyMatch(worker -> worker.name().equals(service))) count++;
        return count;
    }

    /** The number of one, such as 3 of the third of its type; 0 of that with a GPU, and of any other service. */
    public int number(String service) {
        for (var all : byType.values()) for (int i = 0; i < all.size(); i++)
            if (all.get(i).name().equals(service)) return all.get(i).gpu() ? 0 : i + 1;
        return 0;
    }
}
