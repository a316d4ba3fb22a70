import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import ktrdr.CommandResult;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Project;
import ktrdr.Units;
import lab.Faults;
import lab.Recipes;
import lab.Toolkit;
import lab.World;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs each script of docs/RECIPES.md with the real JBang, in its own home with this catalog, and compares the result
 * with the hosts'. All scripts are compiled together as sources of one file, since JBang takes as long for a single
 * one.
 */
@Tag("fleet")
class RecipesTest {
    private static final String API = "http://10.42.1.10:8000/api/v1";
    private static final List<String> NODES = List.of("core", "workers-b", "workers-c");
    @TempDir static Path folder;
    @TempDir Path other;

    @BeforeAll
    static void the_scripts_of_the_page() throws IOException {
        assertEquals(0, jbang("", "catalog", "add", "--global", "--name", "ktrdr",
                Project.root().resolve("jbang-catalog.json").toString()).exit());
        var all = new StringBuilder();
        for (var recipe : Recipes.all()) {
            Files.writeString(folder.resolve(recipe.name() + ".java"), recipe.script());
            all.append("//SOURCES ").append(recipe.name()).append(".java\n");
        }
        Files.writeString(folder.resolve("recipes.java"),
                all + "class recipes {\n    public static void main(String... args) {}\n}\n");
        // for the recipe done: the operation ends during the other tests
        post("/backtests/start",
                "{\"strategy_name\":\"practice\",\"symbol\":\"AAPL\",\"timeframe\":\"1d\",\"start_date\":"
                        + "\"2024-01-01\",\"end_date\":\"2024-02-01\",\"model_path\":\"/mnt/ktrdr-shared/models/"
                        + "practice\"}");
        var built = jbang("", "build", "recipes.java");
        assertEquals(0, built.exit(), built.err());
    }

    private static CommandResult jbang(String input, String... words) {
        var argv = new ArrayList<>(List.of(Toolkit.jbang().toString()));
        argv.addAll(List.of(words));
        return LocalCommand.command(argv).directory(folder).input(input).env("JBANG_DIR",
                folder.resolve("jbang").toString()).env("KTRDR_INVENTORY", World.inventory().toString())
                .timeout(Duration.ofMinutes(3)).run();
    }

    /** Runs a recipe; any other exit code fails with the full output. */
    private static CommandResult run(int exit, String recipe, String... words) {
        return run("", exit, recipe, words);
    }

    private static CommandResult run(String input, int exit, String recipe, String... words) {
        var argv = new ArrayList<>(List.of("run", "--main", recipe, "recipes.java"));
        argv.addAll(List.of(words));
        var ran = jbang(input, argv.toArray(String[]::new));
        assertEquals(exit, ran.exit(), () -> recipe + "\n" + ran.out() + ran.err());
        assertFalse(ran.err().contains("\tat ") || ran.err().contains("unexpected"), ran::err);
        return ran;
    }

    private static JsonNode json(int exit, String recipe, String... words) {
        var argv = new ArrayList<>(List.of(words));
        argv.addAll(List.of("-o", "json"));
        return Json.read(run(exit, recipe, argv.toArray(String[]::new)).out()).orElseThrow();
    }

    private static JsonNode post(String path, String body) {
        return Json.read(LocalCommand.command("curl", "-sS", "-X", "POST", "-H", "Content-Type: application/json", "-d",
                body, API + path).must().out()).orElseThrow();
    }

    private static List<String> column(JsonNode rows, String heading) {
        var values = new ArrayList<String>();
        rows.forEach(row -> values.add(row.path(heading).asText()));
        return values;
    }

    private static void says(CommandResult ran, String... words) {
        for (var word : words) assertTrue((ran.out() + ran.err()).contains(word),
                () -> "no \"" + word + "\" in\n" + ran.out() + ran.err());
    }

    @Test
    void hungry_lists_every_container_and_the_largest_first() {
        var ran = jbang("", "hungry.java");
        assertEquals(0, ran.exit(), ran.err());
        var rows = ran.out().lines().skip(1).map(line -> line.split(" {2,}")).toList();
        var used = new HashMap<String, Long>();
        for (var node : NODES) World.on(node, "docker stats --no-stream --format '{{.Name}} {{.MemUsage}}'").lines()
                .map(line -> line.split(" "))
                .forEach(one -> used.put(node + " " + one[0], Units.size(one[1])));
        assertEquals(used.keySet(), new HashSet<>(rows.stream().map(row -> row[0] + " " + row[1]).toList()));
        // memory use changes a little between the two readings
        long most = used.values().stream().mapToLong(Long::longValue).max().orElseThrow();
        assertTrue(used.get(rows.get(0)[0] + " " + rows.get(0)[1]) > 0.8 * most, () -> ran.out() + used);
    }

    @Test
    void images_are_those_of_the_nodes() {
        var rows = json(0, "images", "B").path("rows");
        assertEquals(World.on("workers-b", "docker image ls --format '{{.Repository}}:{{.Tag}}' | sort").lines()
                .toList(), column(rows, "image").stream().sorted().toList());
        var sizes = column(rows, "size").stream().map(Units::size).toList();
        assertEquals(sizes.stream().sorted(Comparator.reverseOrder()).toList(), sizes);
    }

    @Test
    void callers_are_named_by_node_and_by_container() {
        var held = "bash -c 'exec 3<>/dev/tcp/10.42.1.10/5432; exec sleep 45.5'";
        World.on("workers-b", "setsid " + held + " >/dev/null 2>&1 &");
        World.on("core", "docker exec -d ktrdr-backend " + held.replace("10.42.1.10", "db"));
        try {
            World.on("core", "pid=$(docker inspect -f '{{.State.Pid}}' ktrdr-db); for i in $(seq 50); do [ $(nsenter "
                    + "-t $pid -n ss -Htn state established sport = :5432 | grep -c .) -ge 2 ] && exit 0; sleep 0.1; "
                    + "done; exit 1");
            var rows = json(0, "callers").path("rows");
            assertTrue(column(rows, "peer").containsAll(List.of("workers-b", "core ktrdr-backend")), rows::toString);
            assertTrue(column(rows, "address").contains("10.42.1.11"), rows::toString);
        } finally {
            for (var host : List.of("workers-b", "core"))
                World.on(host, "for pid in $(pgrep -x -f 'sleep 45.5'); do kill $pid; done");
        }
    }

    @Test
    void clocks_that_are_an_hour_apart_are_told_by_node() {
        var well = json(0, "clocks");
        assertEquals(NODES, column(well.path("rows"), "node"));
        for (var ahead : column(well.path("rows"), "ms ahead"))
            assertTrue(Math.abs(Double.parseDouble(ahead)) < 500, well::toString);
        try (var behind = Faults.clockBehind("workers-c")) {
            var rows = json(1, "clocks").path("rows");
            assertEquals(-3_600_000, Double.parseDouble(column(rows, "ms ahead").get(2)), 2000);
        }
    }

    @Test
    void folders_have_the_one_first_that_was_filled() {
        World.on("core", "mkdir /mnt/ktrdr-shared/models/recipe && head -c 90000000 /dev/zero "
                + ">/mnt/ktrdr-shared/models/recipe/weights");
        try {
            var rows = json(0, "folders").path("rows");
            assertEquals(List.of(".", "./models", "./models/recipe"),
                    column(rows, "folder").stream().limit(3).sorted().toList(), rows::toString);
            assertEquals(World.on("core", "cd /mnt/ktrdr-shared && du -sh models/recipe | cut -f 1"),
                    column(rows, "size").get(column(rows, "folder").indexOf("./models/recipe")));
        } finally {
            World.on("core", "rm -r /mnt/ktrdr-shared/models/recipe");
        }
    }

    private static String token(Instant end) {
        return "e30." + Base64.getUrlEncoder().withoutPadding()
                .encodeToString(("{\"exp\":" + end.getEpochSecond() + "}").getBytes(StandardCharsets.UTF_8)) + ".c2ln";
    }

    @Test
    void expiring_has_the_end_of_the_certificate_and_of_a_token() {
        var end = LocalCommand.command("openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in",
                World.folder().resolve("registry.crt").toString()).must().out().strip()
                .replace("notAfter=", "").replace(' ', 'T');
        says(run(0, "expiring"), end);
        var soon = Instant.now().plus(Duration.ofDays(3)).truncatedTo(ChronoUnit.SECONDS);
        says(run(token(soon), 1, "expiring", "--token"), end, "token", soon.toString());
        var none = run("a-secret-word", 2, "expiring", "--token");
        says(none, "this is not a JWT with an expiry time");
        assertFalse((none.out() + none.err()).contains("a-secret-word"));
    }

    @Test
    void until_ends_with_the_line_and_after_its_limit_without() {
        var waiting = CompletableFuture.supplyAsync(
                () -> run(0, "until", "B", "backtest-worker-1", "--line", "recipe [0-9]+", "--within", "60s"));
        // repeated, since the time at which following starts is unknown
        while (!waiting.isDone()) World.on("workers-b",
                "docker exec backtest-worker-1 sh -c 'echo a recipe 42 for the log >/proc/1/fd/1'; sleep 0.3");
        says(waiting.join(), "workers-b backtest-worker-1 a recipe 42 for the log");
        long began = System.nanoTime();
        says(run(1, "until", "B", "backtest-worker-1", "--line", "never said", "--within", "2s"),
                "no matching line within 2 s");
        assertTrue(System.nanoTime() - began < 20e9);
        says(run(2, "until", "B", "no-worker", "--line", "x"), "no-worker");
    }

    @Test
    void envdiff_shows_the_line_that_was_changed_on_one_node() {
        var file = "/opt/ktrdr-workers-b/.env.workers";
        World.on("workers-b", "cp -p " + file + " /run/kept.env && sed -i 's/^DB_PORT=.*/DB_PORT=15432/' " + file);
        try {
            var ran = run(1, "envdiff", "B", "C");
            says(ran, "workers-b  DB_PORT=15432", "workers-c  DB_PORT=5432",
                    "WORKER_HOSTNAME=workers-c.ktrdr.home.mynerd.place");
            assertFalse(ran.out().contains("KTRDR_DB_NAME"), ran::out);
        } finally {
            World.on("workers-b", "cp -p /run/kept.env " + file + " && rm /run/kept.env");
        }
        assertFalse(run(1, "envdiff", "B", "C").out().contains("DB_PORT"));
    }

    @Test
    void spread_puts_the_file_on_every_node_or_nowhere() throws IOException {
        var file = Files.write(other.resolve("it's.conf"), new byte[] {'a', 0, (byte) 0xff, '\n'});
        try {
            var rows = json(0, "spread", file.toString(), "/run/recipe's.conf", "--mode", "640").path("nodes");
            for (var node : NODES) assertEquals("640 YQD/Cg==",
                    World.on(node, "stat -c %a \"/run/recipe's.conf\" | tr '\\n' ' '; base64 \"/run/recipe's.conf\""));
            assertEquals(World.on("core", "sha256sum <\"/run/recipe's.conf\" | cut -c 1-64"),
                    column(rows, "sha256").get(0));
            Files.writeString(file, "other");
            World.on("workers-c", "rm \"/run/recipe's.conf\" && mkdir \"/run/recipe's.conf\"");
            says(run(1, "spread", file.toString(), "/run/recipe's.conf"),
                    "workers-c: /run/recipe's.conf was not replaced");
            assertEquals("5", World.on("core", "stat -c %s \"/run/recipe's.conf\""));
            assertEquals("", World.on("workers-c",
                    "ls -A \"/run/recipe's.conf\"; ls -d /run/recipe\\'s.conf.* 2>/dev/null || :"));
        } finally {
            for (var node : NODES) World.on(node, "rm -rf \"/run/recipe's.conf\"");
        }
    }

    @Test
    void cancel_ends_an_operation_by_the_backends_word() {
        var id = post("/dummy/start", "").path("data").path("operation_id").asText();
        says(run(0, "cancel", id), id + "  cancelled");
        assertEquals("Operation cancelled by user", Json.read(World.get(API + "/operations/" + id)).orElseThrow()
                .path("data").path("error_message").asText());
        says(run(1, "cancel", "op_none"), "was refused");
        says(run(2, "cancel", "op/../x"), "invalid operation id");
    }

    @Test
    void released_has_what_the_histories_have() {
        var rows = json(0, "released", "--since", "30d").path("rows");
        for (var node : NODES) {
            var last = Json.read(World.history(node).lines().reduce((a, b) -> b).orElseThrow()).orElseThrow();
            JsonNode row = null;
            for (var json : rows) if (json.path("node").asText().equals(node)) row = json;
            assertEquals(last.path("time").asText() + " " + last.path("tag").asText() + " " + last.path("who").asText()
                    + "@" + last.path("from").asText(),
                    row.path("time").asText() + " " + row.path("tag").asText() + " " + row.path("by").asText());
            assertTrue(last.path("images").toString().contains("ktrdr-backend@" + row.path("digest").asText())
                    && row.path("digest").asText().startsWith("sha256:"), row::toString);
            assertTrue(last.path("configuration").asText().startsWith(row.path("configuration").asText())
                    && row.path("configuration").asText().length() == 12, row::toString);
        }
        assertEquals(0, json(0, "released", "--since", "1ms").path("rows").size());
    }

    @Test
    void done_counts_what_workers_say_and_tells_why_one_failed() {
        // a download needs a service that the practice fleet does not have
        var id = post("/data/acquire/download", "{\"symbol\":\"AAPL\",\"timeframe\":\"1d\",\"mode\":\"tail\"}")
                .path("operation_id").asText();
        World.on("core", "for i in $(seq 100); do curl -s " + API + "/operations/" + id
                + " | grep -q '\"status\":\"failed\"' && exit 0; sleep 0.1; done; exit 1");
        World.on("core", "for i in $(seq 200); do curl -sG http://localhost:9090/api/v1/query --data-urlencode "
                + "'query=ktrdr_operations_total{worker!=\"\"}' | grep -q '\"value\"' && exit 0; sleep 0.3; done; "
                + "exit 1");
        var document = json(0, "done");
        var failed = document.path("failed");
        assertTrue(failed.get(column(failed, "failed").indexOf(id)).path("why").asText()
                .contains("IB host service is not available"), failed::toString);
        var ports = Map.of("backtest-worker-1", 5003, "backtest-worker-2", 5004, "training-worker-1", 5005,
                "training-worker-2", 5006);
        assertTrue(document.path("workers").size() > 0, document::toString);
        for (var row : document.path("workers")) {
            var said = World.on(row.path("node").asText(),
                    "curl -s http://localhost:" + ports.get(row.path("worker").asText()) + "/metrics");
            // Prometheus scrapes every 15 s, and a worker may have ended an operation since
            long now = said.lines()
                    .filter(line -> line.startsWith("ktrdr_operations_total{")
                            && line.contains("status=\"" + row.path("status").asText() + "\""))
                    .mapToLong(line -> Math.round(Double.parseDouble(line.replaceFirst(".* ", "")))).sum();
            assertTrue(row.path("operations").asLong() <= now, () -> row + "\n" + said);
        }
    }

    @Test
    void tables_counts_the_rows_of_the_largest() {
        World.sql("create table \"Recipe rows\" as select generate_series(1, 54321) as n");
        try {
            var rows = json(0, "tables").path("rows");
            assertEquals("54321", rows.get(column(rows, "table").indexOf("\"Recipe rows\"")).path("rows").asText());
        } finally {
            World.sql("drop table \"Recipe rows\"");
        }
    }

    @Test
    void refuses_unknown_and_unreachable_nodes_with_their_exit_codes() {
        says(run(2, "hungry", "workers-x"), "error: there is no node workers-x", "did you mean workers-");
        says(run(2, "clocks", "--limit", "soon"), "invalid duration");
        var elsewhere = World.inventory(other, "host: workers-c, address: 10.42.1.12",
                "host: workers-c, address: 10.42.1.99").toString();
        says(run(3, "images", "-i", elsewhere, "C"), "error: workers-c");
    }
}
