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
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The texts of {@link Biting} through the real shells, containers, PostgreSQL and Prometheus of the practice fleet: each arrives as it was. */
@Tag("fleet")
class BitingFleetTest {
    private static final Inventory INVENTORY = Inventory.read(World.inventory());
    private static final Fleet FLEET = new Fleet(INVENTORY, INVENTORY.nodes(), new Console(Console.Color.never, false));
    private static final Host CORE = FLEET.host("core");
    private static final Host WORKERS = FLEET.host("workers-b");
    private static final String PSQL = "docker exec -i ktrdr-db psql -X -Atq -v ON_ERROR_STOP=1 -U ktrdr ";
    /** A worker that the fleet has room for and does not run. */
    private static final String SERVICE = "training-worker-3";

    @AfterAll
    static void it_is_as_it_was() {
        FLEET.close();
        World.on("workers-b", "docker rm -f biting-log >/dev/null 2>&1 || :");
        World.on("core", PSQL + "-d postgres -c 'drop role if exists biting' 2>/dev/null");
    }

    private static List<String> decoded(String lines) {
        return lines.lines().map(line -> new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8)).toList();
    }

    @Test
    void words_of_a_remote_shell() {
        var words = Biting.all().stream().filter(text -> text.matches("[^\\x00\\p{Cs}]*")).toList();
        assertEquals(words, decoded(WORKERS.must("for word in " + Sh.words(words) + "; do printf %s \"$word\" | base64 -w 0; echo; done")));
        assertTrue(words.size() > 115, () -> words.size() + " words");
        for (var text : Biting.all()) if (!words.contains(text)) assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> WORKERS.run("echo " + Sh.quote(text))).exit());
    }

    private static String logged(String... options) {
        var words = new ArrayList<>(List.of("logs", "B", SERVICE));
        words.addAll(List.of(options));
        var ran = ktrdr(words.toArray(String[]::new)).run();
        assertEquals(0, ran.exit(), ran::toString);
        return ran.out();
    }

    @Test
    void a_container_prints_its_own_secret_and_bytes_that_steer_a_terminal() {
        var secret = "hunter'2\" $x\\é`%s";
        WORKERS.must(Sh.let("KTRDR_DB_PASSWORD", secret) + "export KTRDR_DB_PASSWORD\ndocker rm -f biting-log >/dev/null 2>&1 || :\ndocker run -d --name biting-log --network none -e KTRDR_DB_PASSWORD --label " + Docker.PROJECT
                + "=ktrdr-workers --label " + Docker.SERVICE + "=" + SERVICE + " --entrypoint sh $(docker inspect --format '{{.Image}}' backtest-worker-1) -c "
                + Sh.quote("printf 'plain %s end\\n' \"$KTRDR_DB_PASSWORD\"; printf '%s\\n' " + Sh.quote("json " + Json.line(Map.of("password", secret)))
                        + "; printf 'long %16374s%s end\\n' x \"$KTRDR_DB_PASSWORD\"; printf 'hostile a\\033[2J\\033]0;t\\007b\\rc\\302\\2332J\\342\\200\\256d\\n'") + " >/dev/null\ndocker wait biting-log >/dev/null");
        try {
            for (var options : List.of(new String[0], new String[] {"-o", "json"}, new String[] {"--raw"})) {
                var said = logged(options);
                assertFalse(said.contains("hunter"), said);
                assertTrue(said.contains("plain *** end") && said.contains("x*** end"), said);
                assertEquals(options.length == 1, said.contains("\033[2J"), said);
                if (options.length == 0) assertTrue(said.contains("hostile a␛[2J␛]0;t␇b␍c\\u009b2J\\u202ed") && said.contains("json {\"password\":\"***\"}"), said);
            }
            var tail = WORKERS.must(Docker.logTail("biting-log", 10));
            assertTrue(tail.contains("plain *** end") && tail.contains("x*** end") && !tail.contains("hunter"), tail);
        } finally {
            WORKERS.run("docker rm -f biting-log >/dev/null");
        }
    }

    @Test
    void texts_of_postgresql() {
        var texts = Biting.all().stream().filter(text -> text.matches("[^\\x00\\p{Cs}]*")).toList();
        var rows = new Sql(CORE).query("select text from (values " + IntStream.range(0, texts.size()).mapToObj(i -> "(" + i + ", '" + texts.get(i).replace("'", "''") + "')").collect(Collectors.joining(", ")) + ") v (n, text) order by n").rows();
        assertEquals(texts, rows.stream().map(row -> row.get(0)).toList());
    }

    /** As rotate-secret does it: PostgreSQL is told a verifier, and the password goes to psql on standard input. */
    @Test
    void passwords_of_postgresql() {
        var ascii = Biting.LINES.stream().filter(text -> text.matches("[ -~]+")).toList();
        var script = new StringBuilder("address=$(docker exec ktrdr-db hostname -i | cut -d ' ' -f 1)\n" + PSQL + "-d postgres -c 'create role biting login'\n{\n");
        for (var text : ascii) script.append("printf '%s\\n' ").append(Sh.words(List.of(ScramVerifier.of(text), text))).append("\n");
        script.append("} | docker exec -i -e ADDRESS=\"$address\" ktrdr-db sh -c 'while IFS= read -r verifier && IFS= read -r password; do\n"
                + "printf \"%s\\n\" \"alter role biting password \\$v\\$$verifier\\$v\\$\" | psql -X -q -v ON_ERROR_STOP=1 -U ktrdr -d postgres -f -\n"
                + "PGPASSWORD=$password psql -w -X -Atq -h \"$ADDRESS\" -U biting -d postgres -c \"select 1\" </dev/null || echo refused; done'\n");
        assertEquals("1\n".repeat(ascii.size()), CORE.must(script.toString()));
        for (var text : Biting.all()) if (!ascii.contains(text)) assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> ScramVerifier.of(text)).exit());
        assertTrue(ascii.size() > 90, () -> ascii.size() + " passwords");
    }

    @Test
    void labels_of_prometheus() {
        try (var http = new Http(INVENTORY.overrides(), Duration.ofSeconds(10))) {
            var prometheus = new Prometheus(INVENTORY, http);
            for (var text : Biting.LINES) {
                // the replacement of label_replace has references to groups
                var label = prometheus.query("label_replace(vector(1), \"x\", \"" + Metrics.escape(text.replace("$", "$$")) + "\", \"\", \"\")").get(0).labels().get("x");
                assertEquals(text, label);
                assertEquals(List.of(), prometheus.query(new Prometheus.Series("up", Map.of("x", text + "-"), 1).words()));
            }
        }
    }
}
