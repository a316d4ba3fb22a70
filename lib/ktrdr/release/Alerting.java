package ktrdr.release;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import ktrdr.inventory.AlertSettings;
import ktrdr.inventory.Secrets.Field;

/**
 * The part of the core stack that sends alerts to the operators: Alertmanager, its file, and the secrets that the file
 * names by their path in its container. Pure.
 */
public final class Alerting {
    /** In the stack's directory; rendered only if the inventory names a receiver. */
    public static final String FILE = "monitoring/alertmanager.yml";
    /** The Compose profile of the service. */
    static final String PROFILE = "alerts";
    private static final Map<Field, String> PATHS =
            new TreeMap<>(Map.of(Field.ALERT_WEBHOOK_URL, "/run/alerts/webhook_url",
            Field.ALERT_MAIL_PASSWORD, "/run/alerts/mail_password", Field.ALERT_TELEGRAM_TOKEN,
            "/run/alerts/telegram_token"));

    private Alerting() {}

    /** The secrets that this content of its file names. */
    public static Set<Field> secrets(String file) {
        var named = new TreeSet<Field>();
        PATHS.forEach((field, path) -> {
            if (file.contains(path)) named.add(field);
        });
        return named;
    }

    /** The values for the template of its file; a missing value has no key. */
    static Map<String, Object> values(AlertSettings alerts) {
        var values = new LinkedHashMap<String, Object>();
        values.put("webhook", alerts.webhook()
                .<Object>map(webhook -> webhook.url().map(url -> Map.of("url", url)).orElse(Map.of())).orElse(false));
        values.put("mail", alerts.mail().<Object>map(Alerting::values).orElse(false));
        values.put("telegram", alerts.telegram().<Object>map(telegram -> Map.of("chat_id", telegram.chatId()))
                .orElse(false));
        return values;
    }

    private static Map<String, Object> values(AlertSettings.Mail mail) {
        var values = new LinkedHashMap<String, Object>(Map.of("to", mail.to(), "from", mail.from(), "smarthost",
                mail.smarthost(), "tls", mail.tls()));
        mail.user().ifPresent(user -> values.put("user", user));
        return values;
    }
}
