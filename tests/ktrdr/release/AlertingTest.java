package ktrdr.release;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import ktrdr.Console;
import ktrdr.Fixtures;
import ktrdr.Problem;
import ktrdr.Project;
import ktrdr.deploy.NodePlan;
import ktrdr.health.MachineChecks;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Secrets;
import ktrdr.inventory.Secrets.Field;
import ktrdr.node.Docker;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How the inventory's receivers change the core stack: services, files, and the secrets that a deployment requires. */
class AlertingTest {
    private static final String WEBHOOK = "{webhook: {}}";
    private static final String ALL =
            "{webhook: {url: \"http://hooks.test:8080/ktrdr\"}, mail: {to: \"a@b.test, c@b.test\", from: "
                    + "ktrdr@b.test, smarthost: \"mail.b.test:587\", user: ktrdr}, telegram: {chat_id: -1001234}}";

    private static Inventory inventory(String alerts) {
        return Fixtures.inventory(Fixtures.INVENTORY + (alerts.isEmpty() ? "" : "alerts: " + alerts + "\n"));
    }

    private static Map<String, String> files(String alerts) {
        var files = new HashMap<String, String>();
        var inventory = inventory(alerts);
        new Templates(inventory).render(inventory.core(), "sha-1")
                .forEach(file -> files.put(file.path(), file.content()));
        return files;
    }

    private static JsonNode people(String alerts) throws IOException {
        return new ObjectMapper(new YAMLFactory()).readTree(files(alerts).get(Alerting.FILE)).path("receivers").path(0);
    }

    /** A deployment to a core that runs these services, with the files of this inventory. */
    private static NodePlan plan(String alerts, List<String> services, String before, List<String> running) {
        var inventory = inventory(alerts);
        var stack = Stack.of(inventory, inventory.core());
        var there = Fixtures.staged(inventory(before), "core", "sha-1", Map.of());
        var containers = running.stream().map(service -> new Docker.Container("id-" + service, "ktrdr-" + service,
                service, service + ":1", "sha256:1", "running", "healthy", 0, 0, "2026-01-01T00:00:00Z", "", ""))
                .toList();
        var facts = StackFactsBuilder.node().files(there).containers(containers).build();
        return NodePlan.plan(stack, Revision.of(inventory, stack, "sha-1"), stack.services(services), facts);
    }

    @Test
    void without_a_receiver_there_is_no_alertmanager() {
        assertEquals(List.of("db", "backend", "prometheus", "grafana", "jaeger"),
                Stack.of(inventory(""), inventory("").core()).services());
        assertFalse(files("").containsKey(Alerting.FILE));
        assertFalse(files("").get("monitoring/prometheus.yml").contains("alertmanager"));
        assertEquals("", Templates.env(files("").get(".env.core")).get("COMPOSE_PROFILES"));
    }

    @Test
    void with_one_prometheus_tells_alertmanager_which_compose_starts() {
        var inventory = inventory(WEBHOOK);
        var stack = Stack.of(inventory, inventory.core());
        assertTrue(stack.services().contains("alertmanager"));
        assertEquals("prom/alertmanager:v0.27.0", stack.images(stack.services(), "sha-1").get("alertmanager"));
        assertTrue(files(WEBHOOK).get("monitoring/prometheus.yml").contains("targets: ['alertmanager:9093']"));
        assertEquals("alerts", Templates.env(files(WEBHOOK).get(".env.core")).get("COMPOSE_PROFILES"));
        assertEquals("alertmanager", new MachineChecks(inventory).published(inventory.core()).get(9093));
    }

    @Test
    void receivers_get_resolved_alerts_and_read_secrets_from_files() throws IOException {
        assertEquals("/run/alerts/webhook_url", people(WEBHOOK).path("webhook_configs").path(0).path("url_file")
                .asText());
        var all = people(ALL);
        assertEquals("http://hooks.test:8080/ktrdr", all.path("webhook_configs").path(0).path("url").asText());
        assertFalse(all.path("webhook_configs").path(0).has("url_file"));
        var mail = all.path("email_configs").path(0);
        assertEquals("a@b.test, c@b.test mail.b.test:587 true ktrdr /run/alerts/mail_password",
                mail.path("to").asText() + " " + mail.path("smarthost").asText() + " "
                + mail.path("require_tls").asBoolean() + " " + mail.path("auth_username").asText() + " "
                + mail.path("auth_password_file").asText());
        assertEquals(-1001234, all.path("telegram_configs").path(0).path("chat_id").asLong());
        for (var kind : List.of("webhook", "email", "telegram"))
            assertTrue(all.path(kind + "_configs").path(0).path("send_resolved").asBoolean(), kind);
        assertFalse(people("{mail: {to: a@b.test, from: k@b.test, smarthost: \"m:25\", tls: false}}")
                .path("email_configs").path(0).has("auth_password_file"));
    }

    @Test
    void asks_only_for_secrets_that_deployed_receivers_need() {
        var base = Set.of(Field.DB_USERNAME, Field.DB_PASSWORD, Field.JWT_SECRET, Field.GRAFANA_PASSWORD);
        assertEquals(base, plan("", List.of(), "", List.of()).secrets());
        assertEquals(base, plan(WEBHOOK, List.of("backend"), "", List.of()).secrets());
        assertEquals(base, plan("{webhook: {url: \"http://hooks.test/\"}}", List.of(), "", List.of()).secrets());
        assertTrue(plan(WEBHOOK, List.of("alertmanager"), "", List.of()).secrets().contains(Field.ALERT_WEBHOOK_URL));
        assertTrue(plan(ALL, List.of(), "", List.of()).secrets()
                .containsAll(Set.of(Field.ALERT_MAIL_PASSWORD, Field.ALERT_TELEGRAM_TOKEN)));
    }

    @Test
    void takes_rollback_secrets_if_present_without_requiring_them() {
        assertEquals(Set.of(Field.ALERT_WEBHOOK_URL), plan("", List.of(), WEBHOOK, List.of("db", "alertmanager"))
                .secretsBefore());
        assertEquals(Set.of(), plan("", List.of(), "", List.of("db")).secretsBefore());
        var stack = Stack.of(inventory(""), inventory("").core());
        var lost = new Revision("sha-1", new Templates(inventory("")).render(stack.node(), "sha-1"),
                Map.of("alertmanager", new Docker.Image("alertmanager:1", "", "")));
        assertFalse(NodePlan.plan(stack, lost, List.of("alertmanager"), plan("", List.of(), "", List.of()).facts())
                .secrets().contains(Field.ALERT_WEBHOOK_URL));
        var console = new Console(Console.Color.never, false);
        var environment = Map.of("KTRDR_SECRET_DB_PASSWORD", "one");
        var provider = Fixtures.inventory(Fixtures.INVENTORY + "secrets: {provider: env}\n");
        var secrets = Secrets.fetch(provider, Set.of(Field.DB_PASSWORD), Set.of(Field.ALERT_WEBHOOK_URL), environment,
                console);
        assertFalse(secrets.shell(Set.of(Field.DB_PASSWORD, Field.ALERT_WEBHOOK_URL))
                .contains(Field.ALERT_WEBHOOK_URL.variable()));
        assertThrows(Problem.class,
                () -> Secrets.fetch(provider, Set.of(Field.ALERT_WEBHOOK_URL), environment, console));
    }

    @Test
    void deploying_all_of_core_removes_an_unused_alertmanager() {
        var running = List.of("db", "backend", "prometheus", "grafana", "jaeger", "alertmanager");
        var whole = plan("", List.of(), WEBHOOK, running);
        assertEquals(List.of("alertmanager"), whole.retired());
        assertEquals(List.of(Alerting.FILE), whole.staging().removed());
        assertTrue(whole.applyScript(Fixtures.secrets(), "").contains("\naway 'id-alertmanager'\n"));
        assertEquals(List.of(), plan("", List.of("backend"), WEBHOOK, running).retired());
        assertEquals(List.of(), plan(WEBHOOK, List.of(), WEBHOOK, running).retired());
    }

    @Test
    void a_changed_receiver_is_read_again_without_a_restart() {
        var changed = plan(ALL, List.of(), WEBHOOK, List.of("alertmanager"));
        assertEquals(List.of("alertmanager"), changed.rereads());
        assertTrue(changed.applyScript(Fixtures.secrets(), "").contains("reread alertmanager ktrdr-alertmanager"));
    }

    @Test
    void the_container_writes_secret_files_before_alertmanager_starts() {
        var compose = files(ALL).get("docker-compose.core.yml");
        for (var field : List.of(Field.ALERT_WEBHOOK_URL, Field.ALERT_MAIL_PASSWORD, Field.ALERT_TELEGRAM_TOKEN)) {
            var path = List.of("webhook_url", "mail_password", "telegram_token").stream()
                    .filter(text -> Alerting.secrets("/run/alerts/" + text).contains(field)).findFirst().orElseThrow();
            assertTrue(compose.contains("put " + path + " \"$${" + field.variable() + ":-}\""), path);
        }
        assertFalse(Templates.variables(compose).stream().anyMatch(name -> name.startsWith("KTRDR_ALERT")),
                "Compose would want a value where there is none");
    }

    @Test
    void the_example_in_the_inventory_is_one() throws IOException {
        var text = Files.readString(Project.root().resolve("inventory.yaml"))
                .replaceAll("(?m)^# (alerts:|  (webhook|mail|telegram): )", "$1");
        var alerts = Fixtures.inventory(text).alerts().orElseThrow();
        assertEquals("http://hooks.example.org/ktrdr ops@example.org -1001234567890",
                alerts.webhook().orElseThrow().url().orElseThrow() + " " + alerts.mail().orElseThrow().to() + " "
                + alerts.telegram().orElseThrow().chatId());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {}                                                      | alerts: names no receiver, expected webhook, \
            mail or telegram; leave it out to send no alerts
            {webhok: {}}                                            | alerts.webhok: unknown key, did you mean \
            webhook? Allowed: mail, telegram, webhook
            {webhook: {url: "http://u:p@hooks.test/"}}              | alerts.webhook.url: this looks like an address \
            with a password in it
            {webhook: {url: "http://hooks.test/?a=b"}}              | alerts.webhook.url: expected an http or https \
            address without user and query; put an address with a token into the secret alert_webhook_url, \
            found http://hooks.test/?a=b
            {mail: {to: a@b, from: k@b}}                            | alerts.mail.smarthost: is missing, expected a \
            mail server with its port, such as mail.example.org:587
            {mail: {to: nobody, from: k@b, smarthost: "m:25"}}      | alerts.mail.to: expected mail addresses with \
            commas between, found nobody
            {mail: {to: a@b, from: k@b, smarthost: "m:25", password: x}} | alerts.mail.password: a key of this name \
            is for a secret
            {telegram: {chat_id: "@us"}}                            | alerts.telegram.chat_id: expected the number of \
            a chat, such as -1001234567890, found @us
            """)
    void a_mistake_is_told_with_its_place(String alerts, String expected) {
        var problem = assertThrows(Problem.class, () -> inventory(alerts));
        assertTrue(problem.details().containsValue(expected) || problem.details().values().stream()
                .anyMatch(text -> text.contains(expected)), () -> problem.details().toString());
    }
}
