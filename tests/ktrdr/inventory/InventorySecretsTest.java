package ktrdr.inventory;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Inventories are shared and kept in git. One that contains a secret is refused; the error names the location but not
 * the secret.
 */
class InventorySecretsTest {
    /** Everything that the operator would see, including a stack trace. */
    private static String refusal(String yaml, String secret) {
        var file = Fixtures.file(yaml);
        var problem = assertThrows(Problem.class, () -> Inventory.read(file));
        assertEquals(Exit.USAGE, problem.exit());
        assertTrue(problem.sentence().startsWith(file + " holds what looks like "), problem.sentence());
        var trace = new StringWriter();
        problem.printStackTrace(new PrintWriter(trace));
        assertFalse((problem.sentence() + problem.details() + trace).contains(secret),
                problem.sentence() + problem.details());
        return problem.details().keySet().stream().filter(key -> key.startsWith(file.toString()))
                .map(key -> key.substring(file.toString().length() + 1) + "  " + problem.details().get(key)).findFirst()
                .orElseThrow();
    }

    private static String with(String before, String after) {
        assertTrue(Fixtures.INVENTORY.contains(before), before);
        return Fixtures.INVENTORY.replace(before, after);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            database: {password: hunter2}                               | database.password
            database: {db_password: hunter2}                            | database.db_password
            db_password: hunter2                                        | db_password
            alerts: {telegram: {chat_id: 5, token: hunter2}}            | alerts.telegram.token
            alerts: {webhook: {alert_webhook_url: "http://hunter2"}}    | alerts.webhook.alert_webhook_url
            secrets: {provider: env, jwt_secret: hunter2}               | secrets.jwt_secret
            secrets: {provider: env, passwords: [hunter2]}              | secrets.passwords
            sample: {operation: data, body: {api_key: hunter2}}         | sample.body.api_key
            sample: {operation: data, body: {API-Key: hunter2}}         | sample.body.API-Key
            ssh: {private_key: hunter2}                                 | ssh.private_key
            ssh: {passphrase: hunter2}                                  | ssh.passphrase
            """)
    void a_key_that_is_called_like_a_secret_is_refused(String section, String path) {
        assertTrue(refusal(Fixtures.INVENTORY + section + "\n", "hunter2")
                .endsWith("  " + path + ": a key of this name is for a secret"), section);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789", "glpat-abcdefghij0123456789",
            "xoxb-123456789012-abcdefABCDEF",
        "AKIAABCDEFGHIJKLMNOP", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLWl0",
            "123456789:AAabcdefghijklmnopqrstuvwxyz0123456", "ops_eyJzaWduSW5BZGRyZXNzIjoi",
            "dckr_pat_abcdefghij0123456789",
        "7hK2pQ9sVx4LmN8bR3tY6wZ1cF5gJ0dE"})
    void refuses_a_value_that_looks_like_a_token_anywhere(String token) {
        for (var yaml : List.of(with("{registry: r", "{username: \"" + token + "\", registry: r"),
                Fixtures.INVENTORY + "secrets: {provider: command, command: [sh, -c, \"echo " + token + "\"]}\n",
                with("aliases: [grafana]", "aliases: [\"" + token + "\"]"),
                Fixtures.INVENTORY + "secrets: {provider: env, fields: {db_password: \"" + token + "\"}}\n",
                Fixtures.INVENTORY + "sample: {operation: data, body: {note: \"" + token + "\"}}\n",
                Fixtures.INVENTORY + "tracing: {\"" + token + "\": 1}\n"))
            assertTrue(refusal(yaml, token).matches("\\d+:\\d+  .*: this looks like .*"), () -> refusal(yaml, token));
    }

    @Test
    void the_sentence_names_the_path_and_what_it_looks_like() {
        assertEquals("7:20  images.username: this looks like a token of GitHub",
                refusal(with("{registry: r", "{username: ghp_abcdefghijklmnopqrstuvwxyz0123456789, registry: r"),
                        "ghp_"));
        assertEquals("4:90  nodes.core.aliases: this looks like a password, or another word of chance",
                refusal(with("aliases: [grafana]", "aliases: [7hK2pQ9sVx4LmN8bR3tY6wZ1cF5gJ0dE]"), "7hK2"));
    }

    @Test
    void a_private_key_is_refused() {
        var key = "-----BEGIN OPENSSH PRIVATE KEY-----";
        assertTrue(refusal(Fixtures.INVENTORY + "ssh:\n  identity: |\n    " + key
                + "\n    b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n    -----END OPENSSH PRIVATE KEY-----\n",
                "b3BlbnNzaC1rZXktdjE").endsWith(
                "ssh.identity: this looks like a private key"));
    }

    @Test
    void an_address_with_a_password_or_a_token_in_it_is_refused() {
        for (var url : List.of("https://karl:hunter2@hooks.test/x",
                "https://hooks.slack.com/services/T01ABCDEF/B01ABCDEF/hunter2hunter2hunter2hun",
                "https://hooks.test/7hK2pQ9sVx4LmN8bR3tY6wZ1cF5gJ0dE"))
            refusal(Fixtures.INVENTORY + "alerts: {webhook: {url: \"" + url + "\"}}\n", url.substring(12));
    }

    @Test
    void one_that_has_no_secret_in_it_is_read() {
        for (var section : List.of(
                "secrets: {provider: env, fields: {db_password: the-databases-password, ghcr_token: GHCR_TOKEN_2026}}",
                "secrets: {provider: command, command: [pass, show, ktrdr/db-password]}",
                "secrets: {provider: file, file: ~/secrets/KTRDR-Passwords-Of-The-Homelab-2026.json}",
                "secrets: {provider: 1password, vault: KTRDR Homelab Secrets, item: abcdefghijklmnopqrstuvwxyz}",
                "sample: {operation: backtest, body: {strategy_name: meanReversion20WithTrendFilter50, symbol: AAPL, "
                        + "start_date: 2024-01-01, end_date: 2024-06-30, model_path: "
                        + "models/meanReversion20WithTrendFilter50}}",
                "alerts: {webhook: {url: \"http://hooks.example.org/ktrdr\"}}",
                "database: {name: ktrdr, data: /home/postgres/pgdata/data}"))
            assertDoesNotThrow(() -> Inventory.read(Fixtures.file(Fixtures.INVENTORY + section + "\n")), section);
        assertDoesNotThrow(
                () -> Inventory.read(
                        Fixtures.file(with("workers-b: {id: B",
                                "workers-b: {host_key: \"SHA256:rpgZ9mEOF3VFJo9z0bInv6l+nVJiLXnh74XFrZzT7DI\", "
                                        + "id: B"))));
        assertDoesNotThrow(
                () -> Inventory.read(
                        Fixtures.file(with("{registry: r",
                                "{db: \"postgres@sha256:" + "0123456789abcdef".repeat(4) + "\", registry: r"))));
        assertDoesNotThrow(
                () -> Inventory.read(
                        Fixtures.file(with("  gpu: {id: G, role: workers, host: gpu-1",
                                "  token: {id: G, role: workers, host: gpu-1"))));
    }
}
