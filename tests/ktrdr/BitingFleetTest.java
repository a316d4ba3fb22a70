package ktrdr;

import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import ktrdr.api.Prometheus;
import ktrdr.fleet.Fleet;
import ktrdr.fleet.FleetNode;
import ktrdr.inventory.Inventory;
import ktrdr.node.Database;
import ktrdr.node.Docker;
import ktrdr.release.Templates;
import ktrdr.release.TextfileMetrics;
import ktrdr.rotation.ScramVerifier;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Sends the texts of {@link Biting} through the real shells, Compose, containers, PostgreSQL and Prometheus of the
 * practice fleet. Each text must arrive unchanged.
 */
@Tag("fleet")
class BitingFleetTest {
    private static final Inventory INVENTORY = Inventory.read(World.inventory());
    private static final Fleet FLEET = new Fleet(INVENTORY, INVENTORY.nodes(), new Console(Console.Color.never, false));
    private static final FleetNode CORE = FLEET.host("core");
    private static final FleetNode WORKERS = FLEET.host("workers-b");
    private static final String PSQL = "docker exec -i ktrdr-db psql -X -Atq -v ON_ERROR_STOP=1 -U ktrdr ";
    /** A worker slot of the practice fleet that is not in use. */
    private static final String SERVICE = "training-worker-3";

    @AfterAll
    static void it_is_as_it_was() {
        FLEET.close();
        World.on("workers-b", "docker rm -f biting >/dev/null 2>&1 || :; rm -rf /opt/biting");
        World.on("core", PSQL
                + "-d postgres -c 'drop database if exists biting with (force)' -c 'drop role if exists biting' "
                + "2>/dev/null");
    }

    private static List<String> decoded(String lines) {
        return lines.lines().map(line -> new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8)).toList();
    }

    @Test
    void words_of_a_remote_shell() {
        var words = Biting.all().stream().filter(text -> text.matches("[^\\x00\\p{Cs}]*")).toList();
        assertEquals(words,
                decoded(WORKERS.must("for word in " + Sh.words(words)
                        + "; do printf %s \"$word\" | base64 -w 0; echo; done")));
        assertTrue(words.size() > 115, () -> words.size() + " words");
        for (var text : Biting.all()) if (!words.contains(text))
            assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> WORKERS.run("echo " + Sh.quote(text))).exit());
    }

    /**
     * Passes each text to Compose in a separate variable, as the stacks pass secrets. Compose sets it as a container
     * variable and as a label.
     */
    @Test
    void secrets_and_labels_through_compose_into_a_container() {
        int count = Biting.LINES.size();
        var given = IntStream.range(0, count)
                .mapToObj(i -> Sh.let("BITING_" + i, Biting.LINES.get(i)) + "export BITING_" + i + "\n")
                .collect(Collectors.joining());
        var all = Biting.LINES.stream().filter(text -> text.length() < 20).collect(Collectors.joining());
        var compose = "name: biting\nservices:\n  one:\n    image: ${IMAGE:?}\n    container_name: biting\n    "
                + "network_mode: none\n    entrypoint: [sh, -c, 'trap \"exit 0\" TERM; while :; do sleep 0.2; "
                + "done']\n    environment:\n"
                + IntStream.range(0, count).mapToObj(i -> "      BITING_" + i + ": ${BITING_" + i + ":?a secret}\n")
                        .collect(Collectors.joining()) + "      KTRDR_DB_PASSWORD: ${ALL:?a secret}\n    labels:\n"
                + IntStream.range(0, count).mapToObj(i -> "      biting." + i + ": ${BITING_" + i + "}\n")
                        .collect(Collectors.joining())
                + "      " + Docker.PROJECT + ": ktrdr-workers\n      " + Docker.SERVICE + ": " + SERVICE + "\n";
        WORKERS.must(given + Sh.let("ALL", all) +
                "IMAGE=$(docker inspect --format '{{.Image}}' backtest-worker-1)\nexport ALL IMAGE\nmkdir -p "
                + "/opt/biting\ncd /opt/biting\nprintf %s " + Sh.quote(compose)
                + " >docker-compose.yml\ndocker compose --progress quiet create >/dev/null\nunset ALL\ndocker start "
                + "biting >/dev/null");
        var inside = decoded(
                WORKERS.must("docker exec biting sh -c 'for i in $(seq 0 " + (count - 1)
                        + "); do eval \"printf %s \\\"\\$BITING_$i\\\"\" | base64 -w 0; echo; done; printf %s "
                        + "\"$KTRDR_DB_PASSWORD\" | base64 -w 0'"));
        assertEquals(Biting.LINES, inside.subList(0, count));
        assertEquals(all, inside.get(count));
        var labels = Json.parse(WORKERS.must("docker inspect --format '{{json .Config.Labels}}' biting"), "docker");
        assertEquals(Biting.LINES, IntStream.range(0, count).mapToObj(i -> labels.path("biting." + i).asText())
                .toList());
    }

    private static String logged(String... options) {
        var words = new ArrayList<>(List.of("logs", "B", SERVICE));
        words.addAll(List.of(options));
        var ran = ktrdr(words.toArray(String[]::new)).run();
        assertEquals(0, ran.exit(), ran::toString);
        return ran.out();
    }

    @Test
    void masks_the_secret_and_control_bytes_that_a_container_prints() {
        var secret = "hunter'2\" $x\\é`%s";
        WORKERS.must(Sh.let("KTRDR_DB_PASSWORD", secret)
                + "export KTRDR_DB_PASSWORD\ndocker rm -f biting-log >/dev/null 2>&1 || :\ndocker run -d --name "
                + "biting-log --network none -e KTRDR_DB_PASSWORD --label " + Docker.PROJECT
                + "=ktrdr-workers --label " + Docker.SERVICE + "=" + SERVICE
                + " --entrypoint sh $(docker inspect --format '{{.Image}}' backtest-worker-1) -c "
                + Sh.quote("printf 'plain %s end\\n' \"$KTRDR_DB_PASSWORD\"; printf '%s\\n' " +
                        Sh.quote("json " + Json.line(Map.of("password", secret)))
                        + "; printf 'long %16374s%s end\\n' x \"$KTRDR_DB_PASSWORD\"; printf 'hostile "
                        + "a\\033[2J\\033]0;t\\007b\\rc\\302\\2332J\\342\\200\\256d\\n'")
                + " >/dev/null\ndocker wait biting-log >/dev/null");
        try {
            for (var options : List.of(new String[0], new String[] {"-o", "json"}, new String[] {"--raw"})) {
                var said = logged(options);
                assertFalse(said.contains("hunter"), said);
                assertTrue(said.contains("plain *** end") && said.contains("x*** end"), said);
                assertEquals(options.length == 1, said.contains("\033[2J"), said);
                if (options.length == 0) assertTrue(said.contains("hostile a␛[2J␛]0;t␇b␍c\\u009b2J\\u202ed")
                        && said.contains("json {\"password\":\"***\"}"), said);
            }
            var tail = WORKERS.must(Docker.logTail("biting-log", 10));
            assertTrue(tail.contains("plain *** end") && tail.contains("x*** end") && !tail.contains("hunter"), tail);
        } finally {
            WORKERS.run("docker rm -f biting-log >/dev/null");
        }
    }

    @Test
    void texts_and_names_of_postgresql() {
        var texts = Biting.all().stream().filter(text -> text.matches("[^\\x00\\p{Cs}]*")).toList();
        var rows = new Database(CORE, Fixtures.core().database())
                .query("select text from (values " + IntStream.range(0, texts.size())
                        .mapToObj(i -> "(" + i + ", '" + texts.get(i).replace("'", "''") + "')")
                        .collect(Collectors.joining(", ")) + ") v (n, text) order by n").rows();
        assertEquals(texts, rows.stream().map(row -> row.get(0)).toList());
        // PostgreSQL names have at most 63 bytes
        var names = texts.stream().filter(text -> text.getBytes(StandardCharsets.UTF_8).length < 63).toList();
        var tables = names.stream()
                .map(name -> "create table \"" + name.replace("\"", "\"\"") + "\" (\"" + name.replace("\"", "\"\"")
                        + "\" text);\n").collect(Collectors.joining());
        var measured = World.on("core",
                PSQL + "-d postgres -c 'create database biting'\nprintf %s " + Sh.quote(tables) + " | " + PSQL
                        + "-d biting\nprintf %s " + Sh.quote(BuiltIn.text("backup/measure.sql")) + " | " + PSQL
                        + "-d biting");
        assertEquals(names.stream().map(name -> "public." + name).sorted().toList(),
                measured.lines().filter(line -> line.startsWith("{\"table\": \"public."))
                        .map(line -> Json.parse(line, "psql").path("table").asText()).sorted().toList());
    }

    /** Same as rotate-secret: PostgreSQL gets a verifier, and psql gets the password on standard input. */
    @Test
    void passwords_of_postgresql() {
        var ascii = Biting.LINES.stream().filter(text -> text.matches("[ -~]+")).toList();
        var script = new StringBuilder("address=$(docker exec ktrdr-db hostname -i | cut -d ' ' -f 1)\n" + PSQL
                + "-d postgres -c 'create role biting login'\n{\n");
        for (var text : ascii)
            script.append("printf '%s\\n' ").append(Sh.words(List.of(ScramVerifier.of(text), text))).append("\n");
        script.append("} | docker exec -i -e ADDRESS=\"$address\" ktrdr-db sh -c 'while IFS= read -r verifier && IFS= "
                + "read -r password; do\n"
                + "printf \"%s\\n\" \"alter role biting password \\$v\\$$verifier\\$v\\$\" | psql -X -q -v "
                + "ON_ERROR_STOP=1 -U ktrdr -d postgres -f -\n"
                + "PGPASSWORD=$password psql -w -X -Atq -h \"$ADDRESS\" -U biting -d postgres -c \"select 1\" "
                + "</dev/null || echo refused; done'\n");
        assertEquals("1\n".repeat(ascii.size()), CORE.must(script.toString()));
        for (var text : Biting.all()) if (!ascii.contains(text))
            assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> ScramVerifier.of(text)).exit());
        assertTrue(ascii.size() > 90, () -> ascii.size() + " passwords");
    }

    @Test
    void labels_of_prometheus() {
        try (var http = new Http(INVENTORY.overrides(), Duration.ofSeconds(10))) {
            var prometheus = new Prometheus(INVENTORY, http);
            for (var text : Biting.LINES) {
                // label_replace expands group references in its replacement
                var label = prometheus.query("label_replace(vector(1), \"x\", \""
                        + TextfileMetrics.escape(text.replace("$", "$$")) + "\", \"\", \"\")").get(0).labels().get("x");
                assertEquals(text, label);
                assertEquals(List.of(),
                        prometheus.query(new Prometheus.Series("up", Map.of("x", text + "-"), 1).words()));
            }
        }
    }

    /** Node names that YAML would read as another type must stay strings in Prometheus. */
    @Test
    void names_of_nodes_in_prometheus_yml() {
        var names = List.of("true", "no", "0x10", "1e3", "0123", "2026-01-01", "12-30", "0b1", "1");
        var nodes = names.stream().map(name -> "  \"" + name + "\": {role: workers, scale: 1}\n")
                .collect(Collectors.joining());
        var inventory = Fixtures.inventory("domain: ktrdr.test\nimages: {backend: b}\nnodes:\n  core: {role: core}\n"
                + nodes);
        var file = new Templates(inventory).render(inventory.core(), "sha-1").stream()
                .filter(nodeFile -> nodeFile.path().equals("monitoring/prometheus.yml")).findFirst().orElseThrow()
                .content();
        var said = CORE.must("printf %s " + Sh.quote(file)
                + " | docker exec -i ktrdr-prometheus sh -c 'cat >/tmp/biting.yml; promtool check service-discovery "
                + "--timeout=1s /tmp/biting.yml node 2>&1; rm /tmp/biting.yml'");
        var found = StreamSupport.stream(Json.parse(said, "promtool").spliterator(), false)
                .map(target -> target.path("labels").path("node").asText()).sorted().toList();
        var wanted = new ArrayList<>(names);
        wanted.add("core");
        assertEquals(wanted.stream().sorted().toList(), found, said);
    }
}
