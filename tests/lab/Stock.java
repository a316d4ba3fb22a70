package lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lab.Images.Recipe;

/**
 * What the lab's registry offers, and where each image comes from.
 *
 * @param db and the others: the references of the inventory
 */
record Stock(List<Item> items, String db, String prometheus, String grafana, String jaeger) {
    private static final String BACKEND = "ktrdr-backend";

    /** An image of the registry: built from a recipe, or pulled from upstream. One of the two is null. */
    record Item(String repository, String tag, Recipe recipe, String upstream) {
        String name() {
            return repository + ":" + tag;
        }
    }

    /** Real parts where an upstream registry answers; KTRDR itself is private, so it is a stand-in everywhere. */
    static Stock of(boolean upstream) {
        var items = new ArrayList<Item>();
        items.add(built("probe", "1", Recipe.of("probe", "Dockerfile")));
        items.add(backend("sha-1000001", ""));
        items.add(backend("sha-2000002", ""));
        items.add(new Item(BACKEND, "latest", items.get(2).recipe(), null));
        items.add(backend("sha-bad0000", "unhealthy"));
        items.add(backend("sha-dead000", "crash"));
        var parts = upstream
                ? List.of(pulled("timescale/timescaledb-ha", "pg15"), pulled("prom/prometheus", "v2.53.4"), pulled("grafana/grafana", "11.6.1"),
                        pulled("jaegertracing/all-in-one", "1.53"))
                : List.of(built("postgresql", "17", Recipe.of("postgres", "Dockerfile", "entrypoint")),
                        built("prometheus", "2.53", Recipe.of("prometheus", "Dockerfile")),
                        built("grafana-standin", "1", standin("grafana-standin", Map.of("ROLE", "grafana", "VERSION", "stand-in"))),
                        built("jaeger-standin", "1", standin("jaeger-standin", Map.of("ROLE", "jaeger", "VERSION", "stand-in"))));
        items.addAll(parts);
        var names = parts.stream().map(part -> Layout.REGISTRY + "/" + part.name()).toList();
        return new Stock(List.copyOf(items), names.get(0), names.get(1), names.get(2), names.get(3));
    }

    /** The reference of backend and workers, to which a deployment adds the tag. */
    static String backend() {
        return Layout.REGISTRY + "/" + BACKEND;
    }

    /** What in this stock is not the real thing. */
    List<String> standins() {
        var standins = new ArrayList<>(List.of("KTRDR's backend and workers (" + BACKEND + ")"));
        if (grafana.contains("standin")) standins.add("Grafana (grafana-standin)");
        if (jaeger.contains("standin")) standins.add("Jaeger (jaeger-standin)");
        standins.add("NFS: one Docker volume at " + Layout.EXPORT + " and " + Layout.MOUNT);
        return standins;
    }

    private static Item backend(String version, String fault) {
        return built(BACKEND, version, standin(BACKEND, Map.of("ROLE", "backend", "VERSION", version, "FAULT", fault)));
    }

    private static Item built(String repository, String tag, Recipe recipe) {
        return new Item(repository, tag, recipe, null);
    }

    private static Item pulled(String upstream, String tag) {
        return new Item(upstream.substring(upstream.lastIndexOf('/') + 1), tag, null, upstream + ":" + tag);
    }

    private static Recipe standin(String name, Map<String, String> arguments) {
        var files = new TreeMap<>(Recipe.of("standin", "Dockerfile", "python").files());
        files.put("standin.jar", StandinJar.bytes());
        return new Recipe(name, files, arguments);
    }
}
